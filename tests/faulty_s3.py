"""An S3 server that goes wrong on demand: a proxy before moto that refuses, breaks off or never answers."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[[str, str], int | str | None]
"""Method and path to a status, `drop` (the connection), `hang` (no answer), or None: as it should be."""
BODY = '<?xml version="1.0"?><Error><Code>{}</Code><Message>{}</Message></Error>'
CODES = {403: ("SignatureDoesNotMatch", "The secret is wrong"), 500: ("InternalError", "Try again"),
         503: ("ServiceUnavailable", "Busy")}
KEPT_OUT = {"transfer-encoding", "connection", "content-length", "date", "server"}


@dataclass
class FaultyS3:
    """The proxy: its address, what it does wrong, what it has seen."""

    behind: tuple[str, int]
    fault: Fault = lambda method, path: None
    seen: list[tuple[str, str, int | str]] = field(default_factory=list)
    """Method, path and what was answered, in order."""

    def start(self) -> str:
        """Listen; the address."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Do nothing wrong, and forget what was seen."""
        self.fault = lambda method, path: None
        self.seen.clear()

    def stored(self) -> list[str]:
        """Paths of the objects whose upload was answered with a yes."""
        return [path for method, path, answer in self.seen if method == "PUT" and answer == 200]


def _handler(proxy: FaultyS3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is Python's
            """Say nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wrong = proxy.fault(self.command, self.path)
            if wrong is None:
                self._pass_on(body)
                return
            proxy.seen.append((self.command, self.path, wrong))
            if isinstance(wrong, int):
                self._send(wrong, {"Content-Type": "application/xml"}, BODY.format(*CODES[wrong]).encode())
                return
            if wrong == "hang":
                time.sleep(30)
            self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - the names are Python's

        def _pass_on(self, body: bytes) -> None:
            inner = http.client.HTTPConnection(*proxy.behind)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            inner.request(self.command, self.path, body, headers)
            response = inner.getresponse()
            content = response.read()
            proxy.seen.append((self.command, self.path, response.status))
            kept = {name: value for name, value in response.getheaders() if name.lower() not in KEPT_OUT}
            length = response.getheader("Content-Length")
            inner.close()
            self._send(response.status, kept, content, length if self.command == "HEAD" else None)

        def _send(self, status: int, headers: dict[str, str], content: bytes, length: str | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    return Handler
