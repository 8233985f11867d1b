"""Verifying an exported audit log without the API: every hash anew (the recipe is service/audit_routes.py's)."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from cli.admin.answers import Flaw, Head

_FIRST = ""  # what the first entry follows


class _Line(BaseModel):
    """An entry as it was exported; `entry` is the text that was hashed."""

    seq: int
    entry: str
    previous: str
    hash: str


class _End(BaseModel):
    """The last line."""

    head: Head
    org_id: int


@dataclass
class Chain:
    """What was found; `head` is the last entry's number and hash, `kept` says of each known head whether it fits."""

    known: Head | None = None
    flaws: list[Flaw] = field(default_factory=list)
    head: Head = field(default_factory=lambda: Head(seq=0, hash=_FIRST))
    end: _End | None = None
    org_id: int | None = None

    def read(self, lines: Iterable[str]) -> "Chain":
        """Take in an export, line by line."""
        for line in lines:
            if self.end:
                self._object("there is more after the last line")
                break
            self._take(line)
        self._close()
        return self

    def _take(self, line: str) -> None:
        try:
            if line.startswith('{"head"'):
                self.end = _End.model_validate_json(line)
            else:
                self._entry(_Line.model_validate_json(line))
        except ValidationError:
            self._object("the line after it is no line of an export", self.head.seq)

    def _entry(self, line: _Line) -> None:
        if line.seq != self.head.seq + 1:
            self._object(f"it follows entry {self.head.seq}", line.seq)
        if line.previous != self.head.hash:
            self._object("it does not hold the hash of the entry before it", line.seq)
        if not _fits(line):
            self._object("it was changed after it was written", line.seq)
        self._named(line)
        self.head = Head(seq=line.seq, hash=line.hash)
        if self.known and self.known.seq == line.seq and not hmac.compare_digest(self.known.hash, line.hash):
            self._object("its hash is not the one that was kept: the log was written anew", line.seq)

    def _named(self, line: _Line) -> None:
        """The text itself says which entry it is, and whose."""
        try:
            said = json.loads(line.entry)
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.get("seq") != line.seq:
            self._object("its text is another entry's", line.seq)
            return
        self.org_id = said.get("org_id") if self.org_id is None else self.org_id
        if said.get("org_id") != self.org_id:
            self._object("it is another organization's", line.seq)

    def _close(self) -> None:
        if self.end is None:
            self._object("the last line is missing: the export was cut off")
        elif (self.end.head.seq, self.end.head.hash) != (self.head.seq, self.head.hash):
            self._object(f"the export ends with entry {self.head.seq}, the log with {self.end.head.seq}")
        elif self.org_id not in (None, self.end.org_id):
            self._object("it is another organization's")
        if self.known and self.known.seq > self.head.seq:
            self._object(f"entries up to {self.known.seq} were there when the head was kept")

    def _object(self, problem: str, seq: int | None = None) -> None:
        self.flaws.append(Flaw(seq=self.head.seq if seq is None else seq, problem=problem))


def _fits(line: _Line) -> bool:
    try:
        previous = bytes.fromhex(line.previous)
    except ValueError:
        return False
    return hmac.compare_digest(hashlib.sha256(previous + line.entry.encode()).hexdigest(), line.hash)
