"""One file to copy: a mock WhatsApp for pytest. It needs no packages but pytest, and the program `mock-whatsapp` (on the
PATH, or named by MOCK_WHATSAPP_BIN).

    # conftest.py: one server for all workers of pytest-xdist
    pytest_plugins = ["mock_whatsapp"]

    # a test: `whatsapp` is a tenant of the worker's own, as new, so that tests in parallel do not see each other
    def test_something(whatsapp): ...
"""

import hashlib
import hmac
import http.server
import json
import os
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest


def pytest_configure(config):
    """Starts a server on a free port, unless MOCK_WHATSAPP_URL names one. Workers inherit its address."""
    if os.environ.get("MOCK_WHATSAPP_URL"):
        return
    program = os.environ.get("MOCK_WHATSAPP_BIN", "mock-whatsapp")
    arguments = [program, "--listen", "127.0.0.1:0"]
    try:
        server = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError as error:
        raise pytest.UsageError(f"{program} cannot be started: {error}") from None
    found = re.search(r"http://\S+", server.stdout.readline())
    if not found:
        raise pytest.UsageError(f"{program} ended with {server.wait()}")
    os.environ["MOCK_WHATSAPP_URL"] = found[0]
    config.add_cleanup(server.terminate)


@pytest.fixture
def whatsapp(request):
    """A tenant of this worker's own, as new. Its time stands still."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    tenant = Tenant(f"pytest-{worker}")
    yield tenant
    tenant.close()


class Tenant:
    def __init__(self, name):
        self.name = name
        #: WHATSAPP_BASE_URL, WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID and so on: for your service.
        self.env = _call("POST", "/tenants", {"name": name, "clock": "frozen"})["env"]
        #: The bodies of the webhooks that came, oldest first.
        self.webhooks = []
        self._receiver = None
        self.call("POST", "/reset")

    def call(self, method, path, body=None):
        """Any call of the control API, as in `call("POST", "/faults", {"kind": "error", "code": 131000})`."""
        return _call(method, f"{path}{'&' if '?' in path else '?'}tenant={self.name}", body)

    def advance(self, by):
        """Moves the tenant's time; webhooks that fall due have been answered when this ends."""
        return self.call("POST", "/clock/advance", {"by": by})

    def settle(self):
        """Lets everything happen that is due, and what that provokes."""
        return self.call("POST", "/clock/settle")

    def now(self):
        """The tenant's time, RFC 3339."""
        return self.call("GET", "/clock")["now"]

    def verify(self, match, count, within="5s"):
        """Whether so many sends match: `assert whatsapp.verify({"to": "+49…"}, 1)["pass"]`."""
        return self.call("POST", "/verify", {"match": match, "count": count, "within": within})

    def receive(self, handle=lambda body: None):
        """Receives webhooks from now on: checks their signatures, keeps them and hands their bodies to `handle`."""
        tenant = self

        class Receiver(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                right = query.get("hub.verify_token") == tenant.env["WHATSAPP_VERIFY_TOKEN"]
                self.answer(200 if right else 403, query.get("hub.challenge", "").encode())

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if not tenant.signed(raw, self.headers.get("X-Hub-Signature-256", "")):
                    return self.answer(401)
                tenant.webhooks.append(json.loads(raw))
                handle(json.loads(raw))
                self.answer(200)

            def log_message(self, *_):
                pass

        self._receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self._receiver.daemon_threads = True
        threading.Thread(target=self._receiver.serve_forever, daemon=True).start()
        return self.call("PUT", "/webhook", {"url": f"http://127.0.0.1:{self._receiver.server_port}/"})

    def signed(self, raw, signature):
        """Whether a webhook's body, byte for byte, is signed with the app's secret."""
        secret = self.env["WHATSAPP_APP_SECRET"].encode()
        wanted = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted.encode(), signature.encode())

    def close(self):
        """Ends the receiver."""
        if self._receiver:
            self._receiver.shutdown()
            self._receiver.server_close()


def _call(method, path, body=None):
    url = os.environ["MOCK_WHATSAPP_URL"] + "/_mock" + path
    token = os.environ.get("MOCK_WHATSAPP_CONTROL_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        answer = json.load(error)
        if error.code == 422 and "pass" in answer:
            return answer
        raise AssertionError(f"{method} {path}: {error.code} {answer}") from None
