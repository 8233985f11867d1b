"""Settings as the API writes them and reads them back, with versions and revisions.

Every function works on the connection of a transaction whose `org_id` is the organization's, 0 for the platform's
defaults: row-level security and the locks go by it. `None` stands for a setting that is not set.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from database.errors import VersionMismatch
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query

Expected = int | Literal["any", "unset"]  # the version that a change builds on; 0: it was never set


class Named:
    """What has a setting's service and key."""

    service: str
    key: str

    @property
    def name(self) -> str:
        """`service/key`."""
        return f"{self.service}/{self.key}"


@dataclass(frozen=True)
class Row(Named):
    """A setting as stored; `source` is who wrote it last, `catalog` or `api`."""

    org_id: int
    service: str
    key: str
    value: Any
    version: int
    revision: int
    source: str
    updated_at: datetime


@dataclass(frozen=True)
class Snapshot:
    """All rows of an organization and of the platform's defaults, at one moment."""

    epoch: int
    revision: int
    platform_revision: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Change(Named):
    """One setting's new value, None to unset it."""

    service: str
    key: str
    value: Any
    expected: Expected = "any"


async def snapshot(connection: Connection, org_id: int) -> Snapshot:
    """Everything, by one statement."""
    found = await fetch_one(connection, query("settings.snapshot"), org_id=org_id)
    assert found is not None, "the epoch has a row"  # noqa: S101
    rows = sorted((_row_of(row) for row in found.pop("rows")), key=lambda row: (row.name, row.org_id))
    return Snapshot(rows=tuple(rows), **found)


def _row_of(found: dict[str, Any]) -> Row:
    """A row that came as JSON."""
    return Row(**{**found, "updated_at": datetime.fromisoformat(found["updated_at"])})


async def one(connection: Connection, org_id: int, service: str, key: str) -> tuple[Row | None, Row | None]:
    """The organization's own row of a setting, and the platform's."""
    found = await fetch_all(connection, query("settings.one"), org_id=org_id, service=service, key=key)
    rows = {row["org_id"]: Row(**row) for row in found}
    return rows.get(org_id), rows.get(0) if org_id else None


async def lock(connection: Connection) -> None:
    """Have nobody else change the organization's settings until the transaction ends."""
    await connection.execute(query("settings.lock"))


async def write(connection: Connection, org_id: int, changes: Sequence[Change]) -> list[Row]:
    """Write all of them as one revision, in one round trip; the rows as they are now, by service and key.

    Raise VersionMismatch, upon which the transaction must be rolled back, if one was not at the expected version.
    """
    written = await fetch_all(
        connection, query("settings.write"), org_id=org_id,
        services=[change.service for change in changes], keys=[change.key for change in changes],
        values=[None if change.value is None else json.dumps(change.value) for change in changes],
    )  # fmt: skip
    rows = {row.name: row for row in (Row(**row) for row in written)}
    for change in changes:
        await _check(connection, change, rows[change.name])
    return [rows[name] for name in sorted(rows)]


async def _check(connection: Connection, change: Change, row: Row) -> None:
    found = row.version - 1
    if change.expected == "any" or change.expected == found:
        return
    if change.expected == "unset":
        before = await fetch_one(
            connection, query("settings.before"),
            org_id=row.org_id, service=row.service, key=row.key, version=row.version,
        )  # fmt: skip
        if before is None or before["old_value"] is None:
            return
    raise VersionMismatch(change.name, change.expected, found)
