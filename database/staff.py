"""Who operates and audits the platform: accounts with a role in all organizations."""

from dataclasses import dataclass

from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Member:
    """One of the staff. Without an account nobody has shown yet that the address is theirs."""

    email: str
    role: str
    has_account: bool
    disabled: bool


async def everybody(connection: Connection) -> list[Member]:
    """All of them, by address."""
    return [Member(**row) for row in await fetch_all(connection, query("staff.all"))]


async def put(connection: Connection, email: str, role: str | None) -> bool:
    """Give the address a role, or take it away, and revoke its tokens; whether its account was made for this.

    An account that was made has no password: nobody can log in before a mailed token has set one.
    """
    is_new = role is not None and await fetch_one(connection, query("staff.ensure"), email=email) is not None
    await connection.execute(query("staff.set_role"), {"email": email, "role": role})
    return is_new
