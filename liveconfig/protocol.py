"""What pod and relay say to each other: one JSON object a line, each with one name that says what it is.

    pod    {"hello": {"user", "password", "organization", "epoch", "revisions": [own, the platform's]}}   first, once
    relay  {"state": {"epoch", "seconds", "changes": [[organization, since, revision, settings]]}}
           settings: {name: [value, version, revision]}; seconds: since the first hint, null without one
    relay  {"health": ["READY" | "STALE" | "NOT_READY", why]}
    pod    {"ping": true}        relay  {"pong": true}
    relay  {"refused": why}      and closes
    relay  {"leave": true}       it ends; connect again, to whoever is there

Names that are not known are passed by, so that either side may be newer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liveconfig.errors import ProtocolError
from liveconfig.health import Health, Status
from liveconfig.snapshot import PLATFORM, Change, Entry, State

PING = b'{"ping":true}\n'
PONG = b'{"pong":true}\n'
LEAVE = b'{"leave":true}\n'
PING_SECONDS = 15.0  # the pod's, jittered; after three without a line either side gives the other up
SILENCE_SECONDS = 3 * PING_SECONDS
FROM_POD, FROM_RELAY = 4096, 64 * 2**20  # the longest line, in bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a pod is, and what it holds already."""

    user: str
    password: str
    organization: int
    epoch: int
    own: int
    platform: int

    @property
    def revisions(self) -> dict[int, int]:
        """What it holds, by organization."""
        return {PLATFORM: self.platform, self.organization: self.own}

    def line(self) -> bytes:
        """As the pod says it."""
        said = {
            "user": self.user, "password": self.password, "organization": self.organization,
            "epoch": self.epoch, "revisions": [self.own, self.platform],
        }  # fmt: skip
        return _line("hello", said)

    @staticmethod
    def of(said: object) -> "Hello":
        """Read it; raise ProtocolError, without any of it in the text."""
        match said:
            case {
                "user": str(user), "password": str(password), "organization": int(organization),
                "epoch": int(epoch), "revisions": [int(own), int(platform)],
            } if 0 < organization < 2**63 and min(epoch, own, platform) >= 0:  # fmt: skip
                return Hello(user, password, organization, epoch, own, platform)
        raise ProtocolError("a hello has user, password, organization, epoch and revisions: [own, the platform's]")


def said(line: bytes) -> tuple[str, Any]:
    """What a line is, and what it says. Raise ProtocolError."""
    try:
        message = json.loads(line.decode())  # bytes would have their encoding guessed first
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a line is no JSON") from error
    if not isinstance(message, dict) or len(message) != 1:
        raise ProtocolError("a line is an object with one name")
    return next(iter(message.items()))


def refused(why: str) -> bytes:
    """The relay's last line."""
    return _line("refused", why)


def health_line(health: Health) -> bytes:
    """The relay's own health."""
    return _line("health", [health.status, health.reason])


def health_of(message: object) -> Health:
    """Read it; raise ProtocolError."""
    match message:
        case [str(status), str(reason)] if status in Status.__members__:
            return Health(Status[status], reason)
    raise ProtocolError("a health is [status, why]")


def state_line(state: State, seconds: float | None = None) -> bytes:
    """A state; `seconds` since its first hint, None if there was none."""
    changes = [
        [change.org_id, change.since, change.revision, _entries(change.entries)] for change in state.changes
    ]  # fmt: skip
    return _line("state", {"epoch": state.epoch, "seconds": seconds, "changes": changes})


def state_of(message: Any) -> tuple[State, float | None]:
    """Read it; raise ProtocolError."""
    try:
        changes = tuple(
            Change(org_id, int(since), int(revision), {name: _entry(*entry) for name, entry in entries.items()})
            for org_id, since, revision, entries in message["changes"]
        )
        return State(int(message["epoch"]), changes), message["seconds"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"a state is not what it should be: {type(error).__name__}") from error


def _entries(entries: Mapping[str, Entry]) -> dict[str, list[Any]]:
    return {name: [entry.value, entry.version, entry.revision] for name, entry in entries.items()}


def _entry(value: Any, version: int, revision: int) -> Entry:
    return Entry(value, int(version), int(revision))


def _line(name: str, content: object) -> bytes:
    return json.dumps({name: content}, separators=(",", ":")).encode() + b"\n"
