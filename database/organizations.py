"""Rows of `tenancy.organizations`: claimed once, described, committed by the gate, deleted into a tombstone."""

from dataclasses import dataclass

from psycopg.rows import DictRow

from database.errors import NoSuchOrganization, SlugTaken
from database.pool import Connection, fetch_one
from database.sql import query


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


async def claim(connection: Connection, *, slug: str, name: str, plan: str, managed_by: str) -> OrganizationRow:
    """Insert the organization, or resume its owner's earlier, interrupted claim; raise SlugTaken otherwise."""
    values = {"slug": slug, "name": name, "plan": plan, "managed_by": managed_by}
    inserted = await fetch_one(connection, query("organizations.claim"), **values)
    if inserted:
        return _row(inserted)
    found = await fetch_one(connection, query("organizations.by_slug"), slug=slug)
    if found is None or found["deleted_at"] is not None:
        when = f" on {found['deleted_at']:%Y-%m-%d}" if found else ""
        raise SlugTaken(f"{slug!r} belonged to an organization deleted{when}; a slug is never given out again")
    if found["managed_by"] != managed_by:
        raise SlugTaken(f"{slug!r} is managed by {found['managed_by']}, not by {managed_by}; change it there")
    return await describe(connection, found["id"], name=name, plan=plan, managed_by=managed_by)


async def describe(connection: Connection, org_id: int, *, name: str, plan: str, managed_by: str) -> OrganizationRow:
    """Set the organization's name and plan; raise NoSuchOrganization unless `managed_by` owns a living one."""
    found = await fetch_one(
        connection, query("organizations.describe"), id=org_id, name=name, plan=plan, managed_by=managed_by
    )
    if found is None:
        raise NoSuchOrganization(f"no living organization {org_id} is managed by {managed_by}; run a refresh")
    return _row(found)


async def read(connection: Connection, org_id: int) -> OrganizationRow | None:
    """The living organization with that id, or None."""
    found = await fetch_one(connection, query("organizations.by_id"), id=org_id)
    return _row(found) if found and found["deleted_at"] is None else None


async def commit(connection: Connection, org_id: int) -> None:
    """Mark the organization COMMITTED: it is isolated and open. Raise NoSuchOrganization if it is gone."""
    if await fetch_one(connection, query("organizations.commit"), id=org_id) is None:
        raise NoSuchOrganization(f"organization {org_id} was deleted while it was being made")


async def delete(connection: Connection, org_id: int, *, managed_by: str) -> None:
    """Turn the organization into a tombstone and drop its settings; its histories stay. Deleting twice is fine."""
    await connection.execute(query("organizations.forget_outbox"), {"id": org_id})
    await connection.execute(query("organizations.forget_configs"), {"id": org_id})
    await connection.execute(query("organizations.delete"), {"id": org_id, "managed_by": managed_by})


def _row(found: DictRow) -> OrganizationRow:
    return OrganizationRow(**{name: found[name] for name in OrganizationRow.__dataclass_fields__})
