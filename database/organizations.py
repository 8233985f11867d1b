"""Rows of `tenancy.organizations`: claimed once, described, committed by the gate, deleted into a tombstone."""

import json
from dataclasses import dataclass, field

from psycopg.rows import DictRow

from database import credentials, logins
from database.errors import NoSuchOrganization, RotationRefused, SlugTaken
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Facts:
    """What may change about an organization. `quota` maps cpu, memory and storage to Kubernetes quantities."""

    name: str
    plan: str
    quota: dict[str, str] = field(default_factory=dict)
    database_rotation: int = 1
    retention_days: int = 30

    def parameters(self) -> dict[str, object]:
        """The same for a statement."""
        return {**vars(self), "quota": json.dumps(self.quota)}


@dataclass(frozen=True)
class OrganizationRow:
    """One organization as the database knows it. `operation_id` is the token that ties a Namespace to this row."""

    id: int
    slug: str
    name: str
    plan: str
    status: str
    managed_by: str
    operation_id: str
    quota: dict[str, str]
    database_rotation: int
    retention_days: int


async def claim(connection: Connection, slug: str, facts: Facts, *, managed_by: str) -> OrganizationRow:
    """Insert the organization, or resume its owner's earlier, interrupted claim; raise SlugTaken otherwise."""
    inserted = await fetch_one(
        connection, query("organizations.claim"), slug=slug, managed_by=managed_by, **facts.parameters()
    )
    if inserted:
        return _row(inserted)
    found = await fetch_one(connection, query("organizations.by_slug"), slug=slug)
    if found is None or found["deleted_at"] is not None:
        when = f" on {found['deleted_at']:%Y-%m-%d}" if found else ""
        raise SlugTaken(f"{slug!r} belonged to an organization deleted{when}; a slug is never given out again")
    if found["managed_by"] != managed_by:
        raise SlugTaken(f"{slug!r} is managed by {found['managed_by']}, not by {managed_by}; change it there")
    return await describe(connection, found["id"], facts, managed_by=managed_by)


async def claim_reserved(
    connection: Connection, slug: str, facts: Facts, *, managed_by: str, operation_id: str
) -> OrganizationRow:
    """Find the row that was reserved for this operation; raise NoSuchOrganization if that was undone meanwhile."""
    found = await fetch_one(
        connection, query("organizations.claim_reserved"),
        slug=slug, managed_by=managed_by, operation_id=operation_id, **facts.parameters(),
    )  # fmt: skip
    if found is None:
        raise NoSuchOrganization(f"nothing is reserved for {slug!r} by operation {operation_id} any more")
    return _row(found)


async def check_wanted(connection: Connection, operation_id: str) -> None:
    """Raise NoSuchOrganization if what carries this operation-id is gone or being undone: nothing more may be made."""
    found = await fetch_one(connection, query("organizations.is_wanted"), operation_id=operation_id)
    if not found or not found["wanted"]:
        raise NoSuchOrganization(f"operation {operation_id} was undone; nothing more is made of it")


async def is_committed(connection: Connection, operation_id: str) -> bool:
    """Whether what carries this operation-id is whole."""
    found = await fetch_one(connection, query("organizations.is_committed"), operation_id=operation_id)
    return bool(found and found["committed"])


async def hold(connection: Connection, operation_id: str, stack: str) -> None:
    """Note the stack that holds what this operation makes; raise NoSuchOrganization if another one does by now.

    Whoever was paused between taking an engine and this meets what a recovery has made meanwhile, and stops.
    """
    if await fetch_one(connection, query("organizations.hold"), operation_id=operation_id, stack=stack) is None:
        raise NoSuchOrganization(f"operation {operation_id} was undone, or goes on with another stack than {stack}")


async def stacks_in_use(connection: Connection) -> frozenset[str]:
    """The stacks of all living self-service organizations."""
    return frozenset(row["stack"] for row in await fetch_all(connection, query("organizations.stacks_in_use")))


async def by_slug(connection: Connection, slug: str) -> OrganizationRow | None:
    """The organization with that slug, a tombstone too, or None."""
    found = await fetch_one(connection, query("organizations.by_slug"), slug=slug)
    return _row(found) if found else None


async def stack_of(connection: Connection, org_id: int) -> str | None:
    """The stack of its own that holds a self-service organization."""
    found = await fetch_one(connection, query("organizations.stack"), id=org_id)
    return found["stack"] if found else None


async def hand_over(connection: Connection, org_id: int, *, managed_by: str) -> None:
    """Give a self-service organization to a catalog; raise NoSuchOrganization if something is still at work on it."""
    if await fetch_one(connection, query("organizations.hand_over"), id=org_id, managed_by=managed_by) is None:
        raise NoSuchOrganization(f"organization {org_id} is not at rest: an operation on it has not ended; try again")


async def identity_of(connection: Connection) -> str:
    """What tells this database's organizations from another database's: a schema that was made anew is another."""
    found = await fetch_one(connection, query("organizations.identity"))
    return str(found["identity"]) if found else ""


async def reserve(connection: Connection, slug: str, facts: Facts, *, managed_by: str, operation_id: str) -> int:
    """Insert the organization, PENDING, for this operation alone; return its number. Raise SlugTaken.

    Never resumes somebody's row: whoever signs up second must not get the first one's.
    """
    inserted = await fetch_one(
        connection, query("organizations.reserve"),
        slug=slug, managed_by=managed_by, operation_id=operation_id, **facts.parameters(),
    )  # fmt: skip
    if inserted is None:
        raise SlugTaken(f"{slug!r} belongs, or belonged, to another organization; choose another slug")
    return int(inserted["id"])


async def describe(connection: Connection, org_id: int, facts: Facts, *, managed_by: str) -> OrganizationRow:
    """Set the organization's facts; a changed quota goes into quota_changes.

    Raise NoSuchOrganization unless `managed_by` owns a living one, RotationRefused if the rotation skips a number.
    """
    found = await fetch_one(
        connection, query("organizations.describe"), id=org_id, managed_by=managed_by, **facts.parameters()
    )
    if found is not None:
        return _row(found)
    standing = await read(connection, org_id)
    if standing is None or standing.managed_by != managed_by:
        raise NoSuchOrganization(f"no living organization {org_id} is managed by {managed_by}; run a refresh")
    raise RotationRefused(
        f"database.rotation of {standing.slug!r} goes from {standing.database_rotation} to {facts.database_rotation}; "
        "raise it by one at a time, so that the password before stays valid until the next rotation"
    )


async def read(connection: Connection, org_id: int) -> OrganizationRow | None:
    """The living organization with that id, or None."""
    found = await fetch_one(connection, query("organizations.by_id"), id=org_id)
    return _row(found) if found and found["deleted_at"] is None else None


async def commit(connection: Connection, org_id: int) -> None:
    """Mark the organization and the operation that made it COMMITTED: it is isolated and open.

    Raise NoSuchOrganization if it is gone, or its operation is being undone.
    """
    operation = await fetch_one(connection, query("organizations.lock_operation"), id=org_id)
    if operation and operation["undoing"]:
        raise NoSuchOrganization(f"organization {org_id} is being undone and can not be committed any more")
    if await fetch_one(connection, query("organizations.commit"), id=org_id) is None:
        raise NoSuchOrganization(f"organization {org_id} was deleted while it was being made")


async def delete(connection: Connection, org_id: int, *, managed_by: str) -> None:
    """Turn the organization into a tombstone; drop its logins, its pods' credential and settings; its histories stay.

    What is deleted already, or has another owner by now, is left alone. Whoever asked for a deletion over the API has
    done it, whichever process gets here first.
    """
    await connection.execute(query("organizations.act_for_deletion"), {"id": org_id})
    if await fetch_one(connection, query("organizations.delete"), id=org_id, managed_by=managed_by) is None:
        return
    await logins.drop_all(connection, org_id)
    await credentials.forget(connection, org_id)
    await connection.execute(query("organizations.forget_outbox"), {"id": org_id})
    await connection.execute(query("organizations.forget_configs"), {"id": org_id})
    await connection.execute(query("organizations.cancel_change_sets"), {"id": org_id})


def _row(found: DictRow) -> OrganizationRow:
    return OrganizationRow(**{name: found[name] for name in OrganizationRow.__dataclass_fields__})
