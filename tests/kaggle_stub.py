"""A server on loopback that answers like Kaggle's API, for the real client: downloads, submissions, refusals, broken bodies.

The client reaches it as the endpoint itself, or as its HTTP proxy: KAGGLE_API_ENVIRONMENT=LOCALHOST with HTTP_PROXY set to
`url` sends `http://localhost/...` here, whatever the port.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TOKEN_USER = "someone"


class KaggleStub:
    """Serves one competition's archive, and takes submissions to it, while the `with` block lasts.

    Attributes:
        status: the answer to a request for the archive's address; 302 leads on to it.
        body: the archive.
        sent: how many bytes of it are sent before the connection is closed, for each attempt in turn; then all of it.
        active: whether a token is good.
        redirect: where 302 leads to; None for the archive here.
        authorizations: the Authorization headers that came with API calls.
        attempts: how often the archive was asked for.
        refusals: method of the API (`CreateSubmission`) -> status and text that it is refused with.
        upload_status: the answer to the upload of a file.
        uploaded: the files that came.
        described: what the submissions were described with.
        submissions: what the list of submissions holds; a file that is submitted is put at its beginning, pending.
        looks: how often the list was asked for; `on_look` is called each time before it is sent.
    """

    def __init__(self, body: bytes = b"", status: int = 302) -> None:
        self.status, self.body = status, body
        self.sent: list[int] = []
        self.active = True
        self.redirect: str | None = None
        self.authorizations: list[str] = []
        self.attempts = 0
        self.refusals: dict[str, tuple[int, str]] = {}
        self.upload_status = 200
        self.uploaded: list[bytes] = []
        self.described: list[str] = []
        self.submissions: list[dict[str, object]] = []
        self.looks = 0
        self.on_look: Callable[[], object] = lambda: None
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.authorizations.append(self.headers.get("Authorization") or "")
                method = urlsplit(self.path).path.rpartition("/")[2]
                if method == "IntrospectToken":
                    self._json(200, {"active": stub.active, "username": TOKEN_USER})
                elif method in stub.refusals:
                    status, text = stub.refusals[method]
                    self._json(status, {"code": status, "message": text})
                elif method in ("StartSubmissionUpload", "CreateSubmission", "ListSubmissions"):
                    self._json(200, stub.answer(method, json.loads(body), self.headers["Host"]))
                elif stub.status == 302:
                    self.send_response(302)
                    self.send_header("Location", stub.redirect or f"http://{self.headers['Host']}/files/archive.zip?signature=x")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._json(stub.status, {"code": stub.status, "message": f"refused {self.headers.get('Authorization')}"})

            def do_PUT(self) -> None:
                stub.uploaded.append(self._body())
                self.send_response(stub.upload_status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

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

    def answer(self, method: str, question: dict[str, str], host: str) -> dict[str, object]:
        """What the API says to a question about submissions."""
        if method == "StartSubmissionUpload":
            return {"token": f"blob-{len(self.uploaded)}", "createUrl": f"http://{host}/upload/file.csv?signature=SIGNATURE"}
        if method == "ListSubmissions":
            self.looks += 1
            self.on_look()
            return {"submissions": self.submissions}
        self.described.append(question["submissionDescription"])
        ref = 41000001 + len(self.described)
        self.submissions.insert(0, {"ref": ref, "status": "PENDING", "publicScore": "", "privateScore": ""})
        return {"message": f"Successfully submitted to {question['competitionName']}", "ref": ref}

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
