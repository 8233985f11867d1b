"""A small API on 127.0.0.1: real HTTP, answers that a test lays out, and a record of what was asked."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Answer:
    """What one call is answered."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stays_open: bool = False

    def encoded(self) -> tuple[bytes, str]:
        """The body as bytes, and its type."""
        if isinstance(self.body, str):
            return self.body.encode(), self.headers.get("Content-Type", "text/plain; charset=utf-8")
        kind = "application/problem+json" if self.status >= 400 else "application/json"
        return (b"" if self.body is None else json.dumps(self.body).encode()), kind


@dataclass(frozen=True)
class Asked:
    """One call as it arrived."""

    call: str
    headers: Mapping[str, str]
    body: Any


class FakeApi:
    """`on` lays out answers; the last one of a call is given again for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._answers: dict[str, list[Answer]] = defaultdict(list)

    def on(self, call: str, status: int, body: Any = None, **headers: str) -> "FakeApi":
        """Answer `call` ("GET /v1/…", with its query); header names have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[call].append(Answer(status, body, named))
        return self

    def streams(self, operation: str, *events: str) -> "FakeApi":
        """Answer the operation's events with this text, and close the connection."""
        return self.on(f"GET /v1/operations/{operation}/events", 200, "".join(events), Content_Type="text/event-stream")

    def streams_on(self, operation: str, *events: str) -> "FakeApi":
        """The same, and keep the connection open until the end of the test."""
        self.streams(operation, *events)
        answers = self._answers[f"GET /v1/operations/{operation}/events"]
        answers.append(replace(answers.pop(), stays_open=True))
        return self

    def calls(self) -> list[str]:
        """What was asked, in order."""
        return [asked.call for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        """The next answer laid out for it."""
        self.asked.append(asked)
        laid_out = self._answers.get(asked.call)
        if not laid_out:
            return Answer(404, {"title": "Not found", "detail": f"the test lays out no {asked.call}"})
        return laid_out.pop(0) if len(laid_out) > 1 else laid_out[0]

    @contextmanager
    def served(self) -> Iterator[str]:
        """The address while it runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            self.closing.set()
            server.shutdown()
            server.server_close()
            thread.join()


def step(number: int, name: str, detail: str | None = None) -> str:
    """A step's event."""
    data = json.dumps({"step": name, "detail": detail, "at": f"2026-11-25T04:00:0{number}Z"})
    return f"id: {number}\nevent: step\ndata: {data}\n\n"


def end(operation: Mapping[str, Any]) -> str:
    """The last event."""
    return f"event: end\ndata: {json.dumps(operation)}\n\n"


def _read(headers: Message, body: bytes) -> Any:
    """What was sent: JSON, or a form as a dictionary."""
    if headers.get_content_type() == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), strict_parsing=True))
    return json.loads(body) if body else None


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(f"{self.command} {self.path}", dict(self.headers), _read(self.headers, body))
            answer = api.answer(asked)
            content, kind = answer.encoded()
            self.send_response(answer.status)
            for name, value in ({"Content-Type": kind} | dict(answer.headers)).items():
                self.send_header(name, value)
            if not answer.stays_open:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            if answer.stays_open:
                api.closing.wait(60)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    return Handler
