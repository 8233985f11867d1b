"""OAuth clients: services that log people in by our issuer. An organization's log in its members only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from database.errors import NoSuchOrganization
from database.pool import Connection, Database, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Client:
    """One client. `secret_hash` is the SHA-256 of its secret in hexadecimal, None for a public one.

    `org_id` and `org` (its slug) say whose members alone it logs in; None for the platform's clients.
    """

    client_id: str
    name: str
    secret_hash: str | None = field(repr=False)
    redirect_uris: Sequence[str]
    org_id: int | None
    org: str | None
    created_by: str
    created_at: datetime

    @property
    def is_public(self) -> bool:
        """Whether it has no secret, because it runs where everybody could read one."""
        return self.secret_hash is None

    @property
    def reach(self) -> str | None:
        """Whose sessions of a log-in it may end: an organization's client its own alone; None: all of them."""
        return None if self.org_id is None else self.client_id


async def find(database: Database, client_id: str) -> Client | None:
    """The client with that id, or None."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("clients.find"), client_id=client_id)
    return Client(**found) if found else None


async def has_consent(database: Database, client_id: str, user_id: str) -> bool:
    """Whether the user has agreed that the client learns who they are."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("clients.consent"), client_id=client_id, user_id=user_id)
    return found is not None


async def add_consent(connection: Connection, client_id: str, user_id: str) -> None:
    """The user has agreed, until the client is removed."""
    await connection.execute(query("clients.add_consent"), {"client_id": client_id, "user_id": user_id})


async def of_owner(database: Database, org_id: int | None) -> list[Client]:
    """Every client of an organization, or of the platform (None), by id."""
    async with database.statement() as connection:
        return [Client(**row) for row in await fetch_all(connection, query("clients.of_owner"), org_id=org_id)]


@dataclass(frozen=True)
class Registered:
    """What is kept of a client that is registered or changed; without `secret_hash` a change keeps the one it has."""

    client_id: str
    name: str
    redirect_uris: Sequence[str]
    org_id: int | None
    secret_hash: str | None = field(default=None, repr=False)


async def lock_owner(connection: Connection, org_id: int) -> None:
    """Let nobody else change the organization's clients until the transaction ends.

    Raises NoSuchOrganization unless it is alive; it stays so as long.
    """
    if await fetch_one(connection, query("clients.lock_owner"), org_id=org_id) is None:
        raise NoSuchOrganization(f"no living organization {org_id}, so that it gets no client")


async def add(connection: Connection, registered: Registered, *, created_by: str) -> bool:
    """Register it; False if its id is taken."""
    return await fetch_one(connection, query("clients.add"), **_values(registered), created_by=created_by) is not None


async def change(connection: Connection, registered: Registered) -> bool:
    """Change the owner's client; False if it has none like that."""
    return await fetch_one(connection, query("clients.change"), **_values(registered)) is not None


async def put(connection: Connection, registered: Registered, *, created_by: str) -> None:
    """Have exactly this, without a secret if none is given; what is the same already is not written."""
    await connection.execute(query("clients.put"), {**_values(registered), "created_by": created_by})


def _values(registered: Registered) -> dict[str, Any]:
    return {**vars(registered), "redirect_uris": list(registered.redirect_uris)}


async def count(connection: Connection, org_id: int | None) -> int:
    """How many clients the owner has."""
    found = await fetch_one(connection, query("clients.count"), org_id=org_id)
    return int(found["count"]) if found else 0


async def remove(connection: Connection, client_id: str, org_id: int | None) -> bool:
    """Forget the owner's client with its codes; whether there was one."""
    return await fetch_one(connection, query("clients.remove"), client_id=client_id, org_id=org_id) is not None
