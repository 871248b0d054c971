"""A server on loopback that answers like Kaggle's API, for the real client: downloads, refusals, broken bodies.

The client reaches it as the endpoint itself, or as its HTTP proxy: KAGGLE_API_ENVIRONMENT=LOCALHOST with HTTP_PROXY set to
`url` sends `http://localhost/...` here, whatever the port.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TOKEN_USER = "someone"


class KaggleStub:
    """Serves one competition's archive while the `with` block lasts.

    Attributes:
        status: the answer to a request for the archive's address; 302 leads on to it.
        body: the archive.
        sent: how many bytes of it are sent before the connection is closed, for each attempt in turn; then all of it.
        active: whether a token is good.
        redirect: where 302 leads to; None for the archive here.
        authorizations: the Authorization headers that came with API calls.
        attempts: how often the archive was asked for.
    """

    def __init__(self, body: bytes = b"", status: int = 302) -> None:
        self.status, self.body = status, body
        self.sent: list[int] = []
        self.active = True
        self.redirect: str | None = None
        self.authorizations: list[str] = []
        self.attempts = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.authorizations.append(self.headers.get("Authorization") or "")
                if urlsplit(self.path).path.endswith("IntrospectToken"):
                    self._json(200, {"active": stub.active, "username": TOKEN_USER})
                elif stub.status == 302:
                    self.send_response(302)
                    self.send_header("Location", stub.redirect or f"http://{self.headers['Host']}/files/archive.zip?signature=x")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._json(stub.status, {"code": stub.status, "message": f"refused {self.headers.get('Authorization')}"})

            def do_GET(self) -> None:
                length = stub.sent[stub.attempts] if stub.attempts < len(stub.sent) else len(stub.body)
                stub.attempts += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(stub.body)))
                self.end_headers()
                self.wfile.write(stub.body[:length])

            def _json(self, status: int, values: dict[str, object]) -> None:
                data = json.dumps(values).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "KaggleStub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
