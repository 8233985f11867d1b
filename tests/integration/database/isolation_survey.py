"""Making attempts on a connection, and judging what came of each."""

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg

from tests.integration.database.isolation_attempts import Attempt

_BEGIN: LiteralString = "savepoint attempt; "
_UNDO: LiteralString = "rollback to savepoint attempt"
_PLAN, _DENIED = "QUERY PLAN", "42501"
_CURSOR = re.compile(r"\bc\d+\b")


@dataclass(frozen=True)
class Outcome:
    """`state` is "ok" or an SQLSTATE; `count` rows touched or read, `rows` what was read, `said` every other text."""

    state: str
    count: int = 0
    rows: list[dict[str, str]] = field(default_factory=list)
    said: str = ""

    @property
    def text(self) -> str:
        return "\n".join([self.said, *(value for row in self.rows for value in row.values())])

    @property
    def words(self) -> str:
        """What PostgreSQL said in words of its own: messages, and plans."""
        return "\n".join([self.said, *(row[_PLAN] for row in self.rows if _PLAN in row)])

    @property
    def read(self) -> list[dict[str, str]]:
        """Rows of data."""
        return [row for row in self.rows if _PLAN not in row]


@dataclass
class Survey:
    """Judges one role in one context. `secrets` are what only the other organization has; `limits` are the rows
    that may be changed, by table. `exempt` says for a command, a relation and a column that the answers may differ.
    """

    role: str
    victim_id: int
    secrets: frozenset[str]
    limits: Mapping[str, int]
    owners: Mapping[str, str | None]
    exempt: frozenset[tuple[str, str]] = frozenset()
    made: int = 0
    succeeded: int = 0
    found: list[str] = field(default_factory=list)

    def inquire(self, attempts: Iterable[Attempt]) -> Generator[str, Outcome, None]:
        """Yield statements, take outcomes; what was told goes to `found`."""
        for attempt in attempts:
            self.made += 1
            outcome = yield attempt.statement
            self.succeeded += outcome.state == "ok"
            told = self._told(attempt, outcome)
            if told is None and attempt.nowhere is not None and self._may_tell(attempt, outcome):
                told = self._differs(attempt, outcome, (yield attempt.nowhere))
                if told:  # once more: a table may have grown a page in between
                    told = self._differs(attempt, (yield attempt.statement), (yield attempt.nowhere))
            if told:
                self.found.append(f"{self.role}: {attempt.command} {attempt.relation}.{attempt.column}: {told}")

    def _may_tell(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Whether a second answer could differ: a role that has no right is refused before any value is looked at."""
        return outcome.state != _DENIED and (attempt.relation, attempt.column) not in self.exempt

    def _told(self, attempt: Attempt, outcome: Outcome) -> str | None:
        """What it told or touched by itself."""
        owner, text = self.owners.get(attempt.relation), _plain(outcome.text, attempt.keyed)
        if any(row.get(owner or "") == str(self.victim_id) for row in outcome.rows):
            return f"a row of the other organization: {outcome.rows[:2]}"
        secret = next((one for one in self.secrets if one in text), None)
        if secret:
            return f"{secret!r} in {text[:300]!r}"
        if attempt.refused and outcome.state == "ok":
            return "it was not refused"
        if attempt.aimed and outcome.state == "ok" and outcome.count > 0:
            return f"{outcome.count} rows touched, {outcome.rows[:2]}"
        if attempt.limit and outcome.state == "ok" and outcome.count > self.limits.get(attempt.relation, 0):
            return f"{outcome.count} rows touched, {self.limits.get(attempt.relation, 0)} are allowed"
        return None

    def _differs(self, attempt: Attempt, there: Outcome, nowhere: Outcome) -> str | None:
        """Whether the answer depends on what the other organization has."""
        one = (there.state, there.count, there.read, _plain(there.words, attempt.keyed))
        two = (nowhere.state, nowhere.count, nowhere.read, _plain(nowhere.words, attempt.absent))
        return None if one == two else f"{one} for what the other has, {two} for what nobody has"


def _plain(text: str, values: Iterable[str]) -> str:
    """Without the values that were named; numbers only where they are quoted or listed: plans are full of them."""
    for value in sorted(set(values), key=len, reverse=True):
        if value.isdecimal():
            text = re.sub(rf"(['(]|, ){value}(?=[',)])", r"\g<1>?", text)
        else:
            text = text.replace(value, "?").replace(value.replace("'", "''"), "?")
    return _CURSOR.sub("c", text)


def drive(connection: psycopg.Connection[Any], inquiry: Generator[str, Outcome, None]) -> None:
    """Make the inquiry's statements on the connection, undoing each."""
    said: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        said.append(f"{diagnostic.message_primary} {diagnostic.message_detail}")

    connection.add_notice_handler(hear)
    try:
        statement = next(inquiry)
        while True:
            said.clear()
            statement = inquiry.send(attempted(connection, statement, said))
    except StopIteration:
        return
    finally:
        connection.remove_notice_handler(hear)


def attempted(connection: psycopg.Connection[Any], text: str, said: list[str]) -> Outcome:
    """What came of one statement."""
    try:
        with connection.cursor() as cursor:
            if text.startswith("copy "):
                cursor.execute("savepoint attempt")
                with cursor.copy(text) as copy:  # type: ignore[call-overload]
                    said.append(b"".join(bytes(part) for part in copy).decode())
                outcome = Outcome("ok", said="\n".join(said))
            else:
                cursor.execute(_BEGIN + text + "; " + _UNDO)  # type: ignore[operator]
                return _read(cursor, said)
    except psycopg.Error as error:
        outcome = refusal(error, said)
    connection.execute(_UNDO)
    return outcome


def refusal(error: psycopg.Error, said: list[str]) -> Outcome:
    """An error with all its words."""
    diagnostic = error.diag
    words = (diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint, diagnostic.context)
    return Outcome(error.sqlstate or type(error).__name__, said="\n".join([*said, *map(str, filter(None, words))]))


def _read(cursor: psycopg.Cursor[Any], said: list[str]) -> Outcome:
    """The last statement's result, before the savepoint was rolled back to."""
    count, rows = 0, list[dict[str, str]]()
    while True:
        if cursor.description:
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, map(_shown, row), strict=True)) for row in cursor.fetchall()]
        if (cursor.statusmessage or "") not in ("ROLLBACK", "SAVEPOINT", "SET"):
            count = max(cursor.rowcount, 0)
        if not cursor.nextset():
            return Outcome("ok", count, rows, "\n".join(said))


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
