"""What listens on this machine for the browser that comes back from a log-in (RFC 8252, 7.3)."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

PATH = "/callback"
Answer = dict[str, str]
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>agent-ready</title>
<p>{}</p></html>"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
}  # fmt: skip


class Callback:
    """Where the browser is to come back to, and what it brings: the first answer that knows `state`."""

    def __init__(self, uri: str, answers: "queue.Queue[Answer]") -> None:
        self.uri, self._answers = uri, answers

    def wait(self, seconds: float) -> Answer | None:
        """The parameters of the answer, or None if none came in time. Ctrl-C works meanwhile."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None


@contextmanager
def listening(state: str) -> Iterator[Callback]:
    """Listen on a free port of 127.0.0.1; whoever does not know `state` gets nothing done."""
    answers: queue.Queue[Answer] = queue.Queue()
    with HTTPServer(("127.0.0.1", 0), _handler(state, answers)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield Callback(f"http://127.0.0.1:{server.server_port}{PATH}", answers)
        finally:
            server.shutdown()
            thread.join()


def _handler(state: str, answers: "queue.Queue[Answer]") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds for one that connects and says nothing

        def log_message(self, *_: object) -> None:
            """Say nothing: the request line holds the code."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            pairs = parse_qsl(parts.query, max_num_fields=20)
            given = dict(pairs)
            if parts.path != PATH:
                self._say(404, "There is nothing here.")
            elif len(given) != len(pairs) or not compare_digest(given.get("state", "").encode(), state.encode()):
                self._say(400, "This is no answer to the log-in that was begun here.")
            else:
                done = "Logged in." if "code" in given else "Not logged in."
                self._say(200, f"{done} You can close this page and go back to the terminal.")
                answers.put(given)

        def _say(self, status: int, text: str) -> None:
            content = _PAGE.format(text).encode()
            self.send_response(status)
            for name, value in {**_HEADERS, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Handler
