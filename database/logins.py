"""Logins that belong to one organization: bound to it in `tenancy.organization_roles`, at most two at a time.

The roles themselves are Pulumi's (pulumi-postgresql). What is kept here is whose they are, and the verifier of each
password, by which a password in use is recognized after Pulumi's state was lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from database.errors import NoSuchOrganization
from database.pool import Connection, fetch_all, fetch_one
from database.scram import verifier
from database.sql import query


@dataclass(frozen=True)
class Login:
    """One login. `password` is None when only its verifier is known any more."""

    role_name: str
    generation: int
    verifier: str
    password: str | None


async def bind(
    connection: Connection, org_id: int, role_name: str, generation: int, *, fresh: str, known: Sequence[str] = ()
) -> Login:
    """Bind the login to the organization; return it with the password that is or will be in force.

    That is the one already in force if it is among `fresh` and `known`. One that fits none of them cannot be told any
    more: of an earlier generation it stays in force untold, of the current one `fresh` takes its place. Raise
    NoSuchOrganization.
    """
    organization = await fetch_one(connection, query("logins.lock_organization"), org_id=org_id)
    if organization is None:
        raise NoSuchOrganization(f"no living organization {org_id}, so that it gets no login; run a refresh")
    bound = {login.generation: login for login in await of_organization(connection, org_id)}
    if generation in bound:
        stored = bound[generation].verifier
        kept = next((password for password in (fresh, *known) if verifier(role_name, password) == stored), None)
        if kept is not None or generation < organization["database_rotation"]:
            return Login(role_name, generation, stored, kept)
    wanted = verifier(role_name, fresh)
    await connection.execute(
        query("logins.bind"),
        {"role_name": role_name, "org_id": org_id, "generation": generation, "verifier": wanted},
    )
    return Login(role_name, generation, wanted, fresh)


async def of_organization(connection: Connection, org_id: int) -> list[Login]:
    """The organization's logins, oldest first, without their passwords."""
    found = await fetch_all(connection, query("logins.of_organization"), org_id=org_id)
    return [Login(row["role_name"], row["generation"], row["verifier"], None) for row in found]


async def drop(connection: Connection, role_name: str) -> None:
    """End a bound login's sessions and drop its role; one that is bound to no organization is refused."""
    await connection.execute(query("logins.drop"), {"role_name": role_name})


async def unbind(connection: Connection, role_name: str) -> None:
    """Forget whose the login is: it sees nothing from now on. Unbound already is fine."""
    await connection.execute(query("logins.unbind"), {"role_name": role_name})


async def drop_all(connection: Connection, org_id: int) -> None:
    """Drop and unbind every login of the organization."""
    await connection.execute(query("logins.drop_all"), {"org_id": org_id})
    await connection.execute(query("logins.unbind_all"), {"org_id": org_id})
