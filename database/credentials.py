"""By what organizations' pods are known to Redis and to the relay: a user name and its password's SHA-256."""

from database.errors import NoSuchOrganization
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


async def put(connection: Connection, org_id: int, *, username: str, password_sha256: str) -> None:
    """Keep the organization's credential; raise NoSuchOrganization unless it is alive."""
    values = {"org_id": org_id, "username": username, "password_sha256": password_sha256}
    if await fetch_one(connection, query("credentials.put"), **values) is None:
        raise NoSuchOrganization(f"no living organization {org_id}, so that its pods get no credential; run a refresh")


async def of_organization(connection: Connection, org_id: int) -> str | None:
    """The SHA-256 of the organization's password, hexadecimal, or None."""
    found = await fetch_one(connection, query("credentials.of_organization"), org_id=org_id)
    return found["password_sha256"] if found else None


async def read_all(connection: Connection) -> dict[int, str]:
    """The SHA-256 of every organization's password, by the organization's number."""
    return {row["org_id"]: row["password_sha256"] for row in await fetch_all(connection, query("credentials.all"))}


async def forget(connection: Connection, org_id: int) -> None:
    """Forget the organization's credential; forgotten already is fine."""
    await connection.execute(query("credentials.forget"), {"org_id": org_id})
