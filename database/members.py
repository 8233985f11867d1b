"""Rows of `tenancy.memberships`: who belongs to an organization, by address, and in which role.

Triggers do what follows from a change, whoever makes it: tokens that spoke by the membership are revoked, and the audit
log names who did it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from database.errors import NoSuchOrganization
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Membership:
    """One member; `has_joined` once they spoke for the organization or accepted its invitation."""

    email: str
    role: str
    since: datetime
    has_joined: bool


async def sync(connection: Connection, org_id: int, members: Mapping[str, str]) -> None:
    """Have exactly these members, role by address; what is so already is left alone.

    The caller's transaction holds the organization's row, by `lock_living` or by a change of it.
    """
    await connection.execute(
        query("members.sync"), {"org_id": org_id, "emails": list(members), "roles": list(members.values())}
    )


async def lock_living(connection: Connection, org_id: int) -> None:
    """Keep the organization from being deleted until the transaction ends; raise NoSuchOrganization if it was."""
    if await fetch_one(connection, query("members.lock_living"), org_id=org_id) is None:
        raise NoSuchOrganization(f"organization {org_id} was deleted; it has no members any more")


async def belongs(connection: Connection, org_id: int, email: str) -> bool:
    """Whether the address is a member."""
    return await fetch_one(connection, query("members.belongs"), org_id=org_id, email=email) is not None


async def roles(connection: Connection, org_id: int) -> dict[str, str]:
    """Role by address, in the addresses' order."""
    return {row["email"]: row["role"] for row in await fetch_all(connection, query("members.roles"), org_id=org_id)}


async def page(connection: Connection, org_id: int) -> list[Membership]:
    """All of them; an organization has at most 200."""
    return [Membership(**row) for row in await fetch_all(connection, query("members.page"), org_id=org_id)]
