"""Change sets: several settings that change together, now, at a time, or after somebody else's approval.

As in database/settings.py, a connection's transaction carries the organization.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query

State = Literal["WAITING", "SCHEDULED", "APPLIED", "REJECTED", "CANCELLED", "FAILED"]
Json = Mapping[str, Any]


@dataclass(frozen=True)
class ChangeSet:
    """One change set. `changes` as it was asked for: {service, key, value | unset: true, if_version?} each."""

    id: str
    org_id: int
    changes: list[dict[str, Any]]
    reason: str
    actor: str
    approver: str | None
    needs_approval: bool
    apply_at: datetime | None
    state: State
    revision: int | None
    problem: dict[str, Any] | None
    ended_by: str | None
    note: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Asked:
    """What somebody asks for."""

    changes: Sequence[Json]
    reason: str
    actor: str
    needs_approval: bool = False
    apply_at: datetime | None = None


async def add(
    connection: Connection, org_id: int, asked: Asked, state: State, *, revision: int | None = None
) -> ChangeSet:
    """Keep it; with `revision` it has been applied by this very transaction."""
    values = {
        **vars(asked), "id": str(uuid.uuid4()), "org_id": org_id, "changes": json.dumps(list(asked.changes)),
        "state": state, "revision": revision, "ended_by": asked.actor if revision is not None else None,
    }  # fmt: skip
    made = await fetch_one(connection, query("change_sets.add"), **values)
    assert made is not None, "inserted by this transaction"  # noqa: S101
    return ChangeSet(**made)


async def read(connection: Connection, org_id: int, change_set_id: str, *, lock: bool = False) -> ChangeSet | None:
    """The change set with that id, or None; with `lock`, nobody else changes it until the transaction ends."""
    name = query("change_sets.lock") if lock else query("change_sets.read")
    found = await fetch_one(connection, name, org_id=org_id, id=change_set_id)
    return ChangeSet(**found) if found else None


async def page(
    connection: Connection, org_id: int, *, state: State | None, before: datetime, most: int
) -> list[ChangeSet]:
    """Change sets that were made before that time, newest first."""
    values = {"org_id": org_id, "state": state, "before": before, "most": most}
    return [ChangeSet(**row) for row in await fetch_all(connection, query("change_sets.page"), **values)]


async def move(
    connection: Connection, found: ChangeSet, state: State, *, approver: str | None = None, ended_by: str | None = None,
    revision: int | None = None, problem: Json | None = None, note: str | None = None,
) -> ChangeSet:  # fmt: skip
    """Bring it into that state; `ended_by` with the last one."""
    moved = await fetch_one(
        connection, query("change_sets.update"), org_id=found.org_id, id=found.id, state=state,
        approver=approver or found.approver, ended_by=ended_by, revision=revision, note=note,
        problem=json.dumps(problem) if problem else None,
    )  # fmt: skip
    assert moved is not None, "the caller holds its lock"  # noqa: S101
    return ChangeSet(**moved)


async def due(database: Database, most: int = 100) -> list[tuple[int, str]]:
    """(Organization, id) of what should have been applied by now, in its order, of all organizations."""
    async with database.statement() as connection:
        found = await fetch_all(connection, query("change_sets.due"), most=most)
    return [(row["org_id"], row["id"]) for row in found]
