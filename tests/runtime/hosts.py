"""A host on this machine that sends files, and can be told to be a bad one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Host:
    """Files by path, and how they are sent.

    `ranges`: whether a part can be asked for. `cuts`: bytes after which the next answers break off,
    each once. `seen`: path and headers of every request.
    """

    files: dict[str, bytes]
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    version: str = '"one"'
    redirects: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(host: Host) -> Iterator[Host]:
    """The host, at `host.url`, until the block is left."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.seen.append((self.path, dict(self.headers)))
            path = self.path.partition("?")[0]
            if path in host.redirects:
                self.send_response(302)
                self.send_header("Location", host.redirects[path])
                self.end_headers()
                return
            if path not in host.files:
                self.send_error(404)
                return
            self._send(host.files[path])

        def _send(self, content: bytes) -> None:
            first = self._first(len(content))
            if first is not None and first >= len(content):
                self.send_error(416)
                return
            self.send_response(200 if first is None else 206)
            part = content[first or 0 :]
            self.send_header("Content-Length", str(len(part)))
            self.send_header("ETag", host.version)
            if first is not None:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked may have left
                self.wfile.write(part[: host.cuts.pop(0)] if host.cuts else part)

        def _first(self, total: int) -> int | None:
            asked = self.headers.get("Range")
            same = self.headers.get("If-Range") in (None, host.version)
            if not host.ranges or asked is None or not same:
                return None
            return int(asked.removeprefix("bytes=").removesuffix("-"))

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
