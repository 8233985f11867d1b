"""Following an operation by its server-sent events, across broken connections, to its end."""

import time
from collections.abc import Callable, Iterator

import httpx2

from cli.answers import Operation, Step
from cli.api import Api
from cli.errors import BadAnswer, Unavailable
from cli.reading import parse

PATIENCE = 10  # fruitless connections in a row before giving up; with the pauses below about a minute
LONGEST, BETWEEN, SHORTEST = 8.0, 1.0, 0.01  # seconds between connections


class Follower:
    """One operation, followed. `on_step` is told each step once; `say` about broken connections.

    After a break it goes on with the `Last-Event-ID`, so nothing is missed and nothing is told twice. A stream that
    ends without the event `end` is not believed: the operation itself is asked.
    """

    def __init__(
        self, api: Api, operation_id: str, *, token: str | None, on_step: Callable[[Step], None],
        say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._api, self._id, self._token = api, operation_id, token
        self._on_step, self._say, self._sleep = on_step, say, sleep
        self._last, self._told, self._failures = "", 0, 0
        self._between = BETWEEN

    def run(self) -> Operation:
        """The operation, ended. Raise Unavailable when the API stays away, Refused when it does not let us see it."""
        while True:
            try:
                ended = self._connect() or self._ask()
                self._failures = 0
            except BadAnswer:
                raise
            except Unavailable as outage:
                ended = None
                self._count(outage)
            if ended:
                return ended
            self._sleep(self._pause())

    def _pause(self) -> float:
        """What the API wishes after a connection that merely ended; longer and longer while it is away."""
        return min(BETWEEN * 2**self._failures, LONGEST) if self._failures else self._between

    def _connect(self) -> Operation | None:
        """The ended operation, or None if the connection ended first."""
        with self._api.events(self._id, token=self._token, last=self._last) as events:
            return self._read(events)

    def _read(self, events: Iterator[httpx2.ServerSentEvent]) -> Operation | None:
        for event in events:
            self._failures = 0
            if event.retry is not None:
                self._between = min(max(event.retry / 1000, SHORTEST), LONGEST)
            if event.event == "end":
                return parse(Operation, event.data)
            if event.event == "step" and not self._seen(event.id):
                self._tell(parse(Step, event.data))
        return None

    def _seen(self, event_id: str) -> bool:
        """Whether this event was told before the connection broke; from then on the id is the last one."""
        if event_id.isdigit() and self._last.isdigit() and int(event_id) <= int(self._last):
            return True
        if event_id.isascii() and event_id.isprintable():  # it goes into a header
            self._last = event_id
        return False

    def _tell(self, step: Step) -> None:
        self._told += 1
        self._on_step(step)

    def _ask(self) -> Operation | None:
        operation = self._api.operation(self._id, self._token)
        if not operation.ended:
            return None
        for step in operation.steps[self._told :]:
            self._tell(step)
        return operation

    def _count(self, outage: Unavailable) -> None:
        self._failures += 1
        if self._failures > PATIENCE:
            raise Unavailable(
                f"{outage} The operation goes on without us.", f"Watch it again: python -m cli watch {self._id}"
            ) from outage
        if self._failures == 1:
            self._say(f"{outage} Connecting again; the operation goes on meanwhile.")
