# One file to copy: a mock WhatsApp for tests written in bash. It needs curl, openssl and the program `mock-whatsapp`.
#
#   source mock-whatsapp.sh
#   mock_start                    # or MOCK_WHATSAPP_URL=http://… of one that runs
#   mock_tenant my-test           # sets WHATSAPP_BASE_URL, WHATSAPP_TOKEN and so on
#   mock POST /clock/advance '{"by":"12h"}'

# Starts a server on a free port, unless one is named; it ends with the shell.
mock_start() {
  [ -z "${MOCK_WHATSAPP_URL:-}" ] || return 0
  MOCK_FOLDER=$(mktemp -d)
  "${MOCK_WHATSAPP_BIN:-mock-whatsapp}" --listen 127.0.0.1:0 --port-file "$MOCK_FOLDER/port" >"$MOCK_FOLDER/log" 2>&1 &
  MOCK_PID=$!
  trap 'kill "$MOCK_PID"; rm -rf "$MOCK_FOLDER"' EXIT
  for _ in $(seq 100); do [ ! -s "$MOCK_FOLDER/port" ] || break; sleep 0.05; done
  [ -s "$MOCK_FOLDER/port" ] || { cat "$MOCK_FOLDER/log" >&2; return 1; }
  export MOCK_WHATSAPP_URL="http://127.0.0.1:$(cat "$MOCK_FOLDER/port")"
}

# mock METHOD PATH [BODY]: a call of the control API; prints the answer, and fails where it is not 2xx.
mock() {
  local join='?'; case $2 in *\?*) join='&';; esac
  local token=()
  [ -z "${MOCK_WHATSAPP_CONTROL_TOKEN:-}" ] || token=(-H "Authorization: Bearer $MOCK_WHATSAPP_CONTROL_TOKEN")
  curl --silent --show-error --fail-with-body -X "$1" "${token[@]}" ${3:+-d "$3"} \
    "$MOCK_WHATSAPP_URL/_mock$2${MOCK_TENANT:+${join}tenant=$MOCK_TENANT}"
}

# mock_tenant NAME: a tenant of this test's own, as new, whose time stands still; exports its settings.
mock_tenant() {
  MOCK_TENANT= mock POST /tenants "{\"name\":\"$1\",\"clock\":\"frozen\"}" >/dev/null || return
  MOCK_TENANT=$1
  mock POST /reset "{\"tenant\":\"$1\"}" >/dev/null
  eval "$("${MOCK_WHATSAPP_BIN:-mock-whatsapp}" env --url "$MOCK_WHATSAPP_URL" --tenant "$1")"
}

# mock_signed SIGNATURE FILE: whether a webhook's body, byte for byte, is signed with the app's secret.
mock_signed() {
  [ "$1" = "sha256=$(openssl dgst -sha256 -hmac "$WHATSAPP_APP_SECRET" -r <"$2" | cut -d' ' -f1)" ]
}
