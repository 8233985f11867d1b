"""Organizations as the API shows them: by slug, page by page, and whose operation-ids are spent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.pool import Database, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Entry:
    """One organization. `described` is the whole of it as the API last set it, by the operation `described_by`.

    Both are None if the API never did.
    """

    id: int
    slug: str
    name: str
    plan: str
    status: str
    managed_by: str
    operation_id: str
    quota: dict[str, str]
    stack: str | None
    retention_days: int
    created_at: datetime
    committed_at: datetime | None
    deleted_at: datetime | None
    described: dict[str, Any] | None
    described_by: str | None


@dataclass(frozen=True)
class Place:
    """No more than which organization it is."""

    id: int
    deleted_at: datetime | None


async def place(database: Database, slug: str) -> Place | None:
    """The number of the organization with that slug, a deleted one too."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("directory.place"), slug=slug)
    return Place(**found) if found else None


async def find(database: Database, slug: str) -> Entry | None:
    """The organization with that slug, a deleted one too; one that was undone never existed."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("directory.by_slug"), slug=slug)
    return Entry(**found) if found else None


async def page(database: Database, *, after: int, most: int) -> list[Entry]:
    """Living organizations with numbers above `after`, in order."""
    async with database.statement() as connection:
        return [Entry(**row) for row in await fetch_all(connection, query("directory.page"), after=after, most=most)]


async def described(database: Database, org_id: int) -> dict[str, Any] | None:
    """The whole of the organization as it is now, or None if the API never described it."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("directory.described"), org_id=org_id)
    return found["request"] if found else None


async def ended(database: Database, operation_ids: Collection[str], *, managed_by: str) -> set[str]:
    """Those of the operation-ids that belonged to an organization of this owner's that is gone or was undone."""
    async with database.statement() as connection:
        found = await fetch_all(
            connection, query("directory.ended"), operation_ids=list(operation_ids), managed_by=managed_by
        )
    return {row["operation_id"] for row in found}
