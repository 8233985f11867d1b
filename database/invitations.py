"""Rows of `tenancy.invitations`: who was asked to join, by a token of which only the hash is kept."""

from dataclasses import dataclass
from datetime import datetime

from database.errors import InvitationOver
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Invitation:
    """One that waits. `id` is a UUID."""

    id: str
    email: str
    role: str
    invited_by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Invited:
    """What a good token stands for: an address, and the role that waits for it in organization `slug`."""

    id: str
    email: str
    role: str
    slug: str


async def add(
    connection: Connection, org_id: int, *, email: str, role: str, invited_by: str, token_hash: str, seconds: float
) -> Invitation:
    """Invite; an earlier one of the address is withdrawn. The caller's transaction holds the organization's row."""
    await connection.execute(query("invitations.withdraw_open"), {"org_id": org_id, "email": email})
    row = await fetch_one(
        connection, query("invitations.add"),
        org_id=org_id, email=email, role=role, invited_by=invited_by, token_hash=token_hash, seconds=seconds,
    )  # fmt: skip
    assert row is not None, "an insert returns its row"  # noqa: S101
    return Invitation(**row)


async def waiting(connection: Connection, org_id: int) -> list[Invitation]:
    """Those that can be accepted, by address."""
    return [Invitation(**row) for row in await fetch_all(connection, query("invitations.open"), org_id=org_id)]


async def read(connection: Connection, org_id: int, invitation_id: str) -> Invitation | None:
    """The organization's invitation with that id, unless it was accepted or withdrawn."""
    row = await fetch_one(connection, query("invitations.by_id"), org_id=org_id, id=invitation_id)
    return Invitation(**row) if row else None


async def withdraw(connection: Connection, org_id: int, invitation_id: str) -> bool:
    """Take it back; whether it still waited."""
    return await fetch_one(connection, query("invitations.withdraw"), org_id=org_id, id=invitation_id) is not None


async def lock(connection: Connection, token_hash: str) -> Invited | None:
    """What the token stands for, also once it was accepted; None if it was withdrawn, or has expired."""
    row = await fetch_one(connection, query("invitations.lock_by_token"), token_hash=token_hash)
    return Invited(**row) if row else None


async def accept(connection: Connection, invitation_id: str) -> None:
    """Note that it was accepted, in the transaction that follows it; raise InvitationOver unless it still waits."""
    if await fetch_one(connection, query("invitations.accept"), id=invitation_id) is None:
        raise InvitationOver("the invitation was withdrawn, was accepted before, or has expired")
