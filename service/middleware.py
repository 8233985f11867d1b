"""What every request passes: its id, its log line, its metrics, its span, and the bound on its body."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import REQUEST_ID
from service.problems import MEDIA_TYPE, Problem
from service.services import Services

log = logging.getLogger("service.access")
_GIVEN = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def answer(problem: Problem) -> JSONResponse:
    """The problem as a response, with the request's id."""
    body = {**problem.body(), **({"request_id": REQUEST_ID.get()} if REQUEST_ID.get() else {})}
    return JSONResponse(body, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


class Requests:
    """Outermost: names each request, times it, and answers what nothing else has caught."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app, self._services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        token, began, status = REQUEST_ID.set(request_id), time.monotonic(), 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with self._services.tracer.start_as_current_span(
                f"{scope['method']} {scope['path']}", kind=SpanKind.SERVER, attributes={"request.id": request_id}
            ):
                await self._safely(scope, receive, named, lambda: bool(status))
        finally:
            self._note(scope, status, time.monotonic() - began)
            REQUEST_ID.reset(token)

    async def _safely(self, scope: Scope, receive: Receive, send: Send, has_begun: Callable[[], bool]) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:  # the outermost edge: whatever it is, the caller gets a problem and we a log
            log.exception("%s %s failed", scope["method"], scope["path"])
            if has_begun():
                raise
            unknown = Problem(500, "internal", "Something went wrong here", "tell us the request_id")
            await answer(unknown)(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "") or "unknown"
        metrics = self._services.metrics
        metrics.requests.labels(scope["method"], route, str(status)).inc()
        metrics.request_seconds.labels(route).observe(seconds)
        fields = {"method": scope["method"], "route": route, "path": scope["path"], "status": status,
                  "ms": round(seconds * 1000, 1)}  # fmt: skip
        level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
        log.log(level, "%s %s %d", scope["method"], scope["path"], status, extra={"fields": fields})


class BodyLimit:
    """Reads the whole body before anybody works with it, and refuses one of more than `most(path)` bytes."""

    def __init__(self, app: ASGIApp, most: Callable[[str], int]) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced, most = Headers(scope=scope).get("content-length", "0"), self._most(scope["path"])
        is_small = announced.isdecimal() and int(announced) <= most
        messages = await self._read(receive, most) if is_small else None
        if messages is None:
            too_large = Problem(413, "body-too-large", "The body is too large", f"send at most {most} bytes")
            await answer(too_large)(scope, receive, send)
            return

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, again, send)

    async def _read(self, receive: Receive, most: int) -> list[Message] | None:
        """Every message of the body, or None if it is too large."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > most:
                return None
            if message["type"] != "http.request" or not message.get("more_body"):
                return messages
