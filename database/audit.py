"""The audit log, read and verified. Nothing here writes it: entries are written by the changes themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Entry:
    """One act. `seq` counts from 1 without gaps; `hash` is hexadecimal and covers the entry before it."""

    seq: int
    at: datetime
    actor: str
    action: str
    target: str
    old: Any
    new: Any
    reason: str
    request_id: str
    hash: str


@dataclass(frozen=True)
class Exported:
    """One entry for somebody who verifies it: `hash` is the SHA-256 of the bytes `previous` and of the text `entry`."""

    seq: int
    entry: str
    previous: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The newest entry's number and hash; 0 and nothing before the first."""

    seq: int = 0
    hash: str = ""


@dataclass(frozen=True)
class Flaw:
    """Where a chain does not hold, and why."""

    seq: int
    problem: str


async def page(connection: Connection, org_id: int, *, after: int, most: int) -> list[Entry]:
    """Entries above number `after`, oldest first; of organization 0, the platform's."""
    found = await fetch_all(connection, query("audit.page"), org_id=org_id, after=after, most=most)
    return [Entry(**row) for row in found]


async def exported(connection: Connection, org_id: int, *, after: int, until: int, most: int) -> list[Exported]:
    """Entries above number `after` up to `until`, oldest first."""
    found = await fetch_all(connection, query("audit.exported"), org_id=org_id, after=after, until=until, most=most)
    return [Exported(**row) for row in found]


async def head(connection: Connection, org_id: int) -> Head:
    """Where the chain ends."""
    found = await fetch_one(connection, query("audit.head"), org_id=org_id)
    return Head(**found) if found else Head()


async def verify(connection: Connection, org_id: int, *, most: int) -> list[Flaw]:
    """What is wrong with the chain, computed anew from every entry; nothing if it holds."""
    return [Flaw(**row) for row in await fetch_all(connection, query("audit.verify"), org_id=org_id, most=most)]
