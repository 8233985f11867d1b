"""Cursors: where a page ended, in a form that only the service can write, and that fits one query alone."""

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from database.tenant_rows import Position
from service.problems import Problem

Sign = Callable[[str, str], bytes]
_START = datetime(1970, 1, 1, tzinfo=UTC)
_TIME, _ID, _MAC = 8, 16, 16  # bytes


@dataclass(frozen=True)
class Cursors:
    """Those of one owner. `sign` gives an HMAC for a purpose and a text, the same in every replica."""

    sign: Sign
    owner: str

    def write(self, position: Position, query: str) -> str:
        """The cursor of what comes after that position in that query."""
        micros = (position.at - _START) // timedelta(microseconds=1)
        place = micros.to_bytes(_TIME, "big", signed=True) + position.id.bytes
        return base64.urlsafe_b64encode(place + self._mac(place, query)).rstrip(b"=").decode()

    def read(self, cursor: str, query: str) -> Position:
        """The position; raise a Problem (400) for what was not written here, or for another query."""
        place, mac = _parts(cursor)
        if not hmac.compare_digest(mac, self._mac(place, query)):
            raise _refused()
        at = _START + timedelta(microseconds=int.from_bytes(place[:_TIME], "big", signed=True))
        return Position(at, UUID(bytes=place[_TIME:]))

    def _mac(self, place: bytes, query: str) -> bytes:
        return self.sign("cursor", f"{place.hex()} {self.owner} {query}")[:_MAC]


def _parts(cursor: str) -> tuple[bytes, bytes]:
    """What it holds; base64 has several spellings of the same, of which one is taken."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused() from error
    if len(raw) != _TIME + _ID + _MAC or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
        raise _refused()
    return raw[: _TIME + _ID], raw[_TIME + _ID :]


def _refused() -> Problem:
    return Problem(
        400, "bad-cursor", "The cursor does not fit this query",
        "a cursor is the `next` of a page, unchanged, with the same q, deleted and project; leave it out to begin anew",
    )  # fmt: skip
