"""Rows of `tenancy.drift_reports`: what differed when an organization was last compared with what was deployed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from database.operations import OWNER
from database.pool import Database, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Item:
    """One thing that is not as it was deployed; `problem` says in words how it differs and never shows a secret."""

    kind: str
    name: str
    problem: str


@dataclass(frozen=True)
class Report:
    """What differs of one organization, as of `checked_at`."""

    slug: str
    checked_at: datetime
    items: tuple[Item, ...]


async def due(database: Database, *, seconds: float, most: int) -> list[str]:
    """Slugs of the API's organizations that were not compared for that long, longest ago first."""
    async with database.transaction() as connection:
        found = await fetch_all(connection, query("drift.due"), managed_by=OWNER, seconds=seconds, most=most)
    return [row["slug"] for row in found]


async def clock(database: Database) -> datetime:
    """The database's time, by which operations end."""
    async with database.transaction() as connection:
        found = await fetch_one(connection, query("drift.now"))
    assert found is not None  # noqa: S101 - one row always
    return found["now"]  # type: ignore[no-any-return]


async def report(
    database: Database, org_id: int, items: Sequence[Item], *, since: datetime, but: str | None = None
) -> bool:
    """Keep what a comparison that began at `since` has found; False if an operation worked on it meanwhile.

    `but` is the operation that compares, which does not count.
    """
    found = json.dumps([vars(item) for item in items])
    async with database.transaction() as connection:
        kept = await fetch_one(connection, query("drift.report"), org_id=org_id, items=found, since=since, but=but)
    return kept is not None


async def reports(database: Database) -> list[Report]:
    """The last report of each organization of which something differs, by slug."""
    async with database.transaction() as connection:
        found = await fetch_all(connection, query("drift.reports"))
    return [Report(row["slug"], row["checked_at"], tuple(Item(**item) for item in row["items"])) for row in found]


async def count(database: Database) -> int:
    """Of how many organizations something differs."""
    async with database.transaction() as connection:
        found = await fetch_one(connection, query("drift.count"))
    return int(found["drifted"]) if found else 0
