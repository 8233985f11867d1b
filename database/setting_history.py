"""What settings were: every change of one, and all of them at an earlier revision or time. From the history alone.

As in database/settings.py, a connection's transaction carries the organization.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.pool import Connection, fetch_all, fetch_one
from database.settings import Named
from database.sql import query


@dataclass(frozen=True)
class Version:
    """One change in the history of a setting."""

    version: int
    revision: int
    old_value: Any
    new_value: Any
    actor: str
    reason: str
    changed_at: datetime


@dataclass(frozen=True)
class Past(Named):
    """A setting as it was at a revision, and the change that had made it so."""

    service: str
    key: str
    value: Any
    version: int
    revision: int
    actor: str
    reason: str
    changed_at: datetime


async def history(
    connection: Connection, org_id: int, service: str, key: str, *, before: int, most: int
) -> list[Version]:
    """The setting's changes, newest first, of versions below `before`."""
    values = {"org_id": org_id, "service": service, "key": key, "before": before, "most": most}
    return [Version(**row) for row in await fetch_all(connection, query("setting_history.history"), **values)]


async def value_at(connection: Connection, org_id: int, service: str, key: str, version: int) -> tuple[Any] | None:
    """The value of a version, in a tuple; None if there is no such version."""
    values = {"org_id": org_id, "service": service, "key": key, "version": version}
    found = await fetch_one(connection, query("setting_history.version"), **values)
    return (found["new_value"],) if found else None


async def revision_at(connection: Connection, org_id: int, at: datetime) -> int:
    """The newest revision at that time; 0 if there was none."""
    found = await fetch_one(connection, query("setting_history.revision_at"), org_id=org_id, at=at)
    return int(found["revision"]) if found else 0


async def as_of(connection: Connection, org_id: int, revision: int) -> list[Past]:
    """Every setting as it was at a revision, unset ones too, by service and key: from the history alone."""
    found = await fetch_all(connection, query("setting_history.as_of"), org_id=org_id, revision=revision)
    return [Past(**row) for row in found]
