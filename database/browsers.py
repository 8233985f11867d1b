"""Browsers that somebody has logged in with at the issuer: sessions that are found by a cookie."""

from dataclasses import dataclass

from psycopg.rows import DictRow

from database.pool import Database, fetch_one
from database.sql import query
from database.users import User


@dataclass(frozen=True)
class Browser:
    """A browser that somebody has logged in with: the session of that log-in, and whose it is."""

    session_id: str
    user: User

    @classmethod
    def of(cls, row: DictRow) -> "Browser":
        """From a row with both."""
        return cls(row["session_id"], User(row["user_id"], row["email"], row["platform_role"]))


async def find(database: Database, browser_hash: str) -> Browser | None:
    """The living session of the cookie with that SHA-256, or None."""
    async with database.statement() as connection:
        found = await fetch_one(connection, query("browsers.find"), browser_hash=browser_hash)
    return Browser.of(found) if found else None
