#!/usr/bin/env bash
# A service that is no more than curl is tested: it sends, its webhook is looked at, and twelve hours pass in no time.
set -euo pipefail
cd "$(dirname "$0")"
source ./mock-whatsapp.sh

check() { echo "  ok: $1"; }
fail() { echo "  FAILED: $1" >&2; exit 1; }
send() { # to, text
  curl --silent --fail-with-body "$WHATSAPP_BASE_URL/v25.0/$WHATSAPP_PHONE_NUMBER_ID/messages" \
    -H "Authorization: Bearer $WHATSAPP_TOKEN" -H "Content-Type: application/json" \
    -d "{\"messaging_product\":\"whatsapp\",\"to\":\"$1\",\"type\":\"template\",
         \"template\":{\"name\":\"hello_world\",\"language\":{\"code\":\"en_US\"}}}"
}

mock_start
mock_tenant "curl-$$"

send +4915112345678 | grep -q '"id":"wamid\.' || fail "a send is answered with a wamid"
mock POST /verify '{"match":{"to":"+4915112345678","template":"hello_world"},"count":1}' | grep -q '"pass":true' \
  || fail "the mock has seen one send"
check "a send is accepted, and the mock says so"

# Where nothing listens for webhooks, the log of them shows what would have been sent, byte for byte.
mock PUT /handsets/4915187654321 '{"kind":"offline","for":"12h"}' >/dev/null
send +4915187654321 >/dev/null
mock POST /clock/advance '{"by":"11h"}' >/dev/null
mock GET "/messages?to=4915187654321" | grep -q '"status":"sent"' || fail "after eleven hours it is only sent"
mock POST /clock/advance '{"by":"2h"}' >/dev/null
mock GET "/messages?to=4915187654321" | grep -q '"status":"read"' || fail "after thirteen hours it is read"
check "twelve hours pass at a word"

if command -v python3 >/dev/null; then
  # A receiver in ten lines: it completes the handshake and keeps the last webhook and its signature.
  python3 - "$MOCK_FOLDER" <<'PYTHON' &
import http.server, sys, urllib.parse
folder = sys.argv[1]
class Receiver(http.server.BaseHTTPRequestHandler):
    def answer(self, body=b""):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.answer(query["hub.challenge"][0].encode())
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open(folder + "/webhook", "wb").write(body)
        open(folder + "/signature", "w").write(self.headers["X-Hub-Signature-256"])
        self.answer()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
open(folder + "/receiver", "w").write(str(server.server_port))
server.serve_forever()
PYTHON
  receiver=$!
  trap 'kill "$receiver" "$MOCK_PID"; rm -rf "$MOCK_FOLDER"' EXIT
  for _ in $(seq 100); do [ ! -s "$MOCK_FOLDER/receiver" ] || break; sleep 0.05; done
  mock PUT /webhook "{\"url\":\"http://127.0.0.1:$(cat "$MOCK_FOLDER/receiver")/\"}" | grep -q '"ok":true' || fail "the handshake"
  mock POST /handsets/4915112345678/messages '{"type":"text","text":"hi"}' >/dev/null
  mock POST /clock/settle >/dev/null
  grep -q '"body":"hi"' "$MOCK_FOLDER/webhook" || fail "the contact's words come by webhook"
  mock_signed "$(cat "$MOCK_FOLDER/signature")" "$MOCK_FOLDER/webhook" || fail "the webhook is signed"
  check "a webhook comes, and its signature is right"
fi

mock GET /referee | grep -q '"verdict":"clean"' || fail "the referee finds nothing"
check "the referee finds nothing to object to"
