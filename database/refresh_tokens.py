"""Refresh tokens, by their SHA-256 in hexadecimal. Whoever works with a session's holds the session alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from database.pool import Connection, fetch_one
from database.sql import query


@dataclass(frozen=True)
class RefreshToken:
    """Whether it was used, and whether that, if so, was so recently that its holder may not have heard the answer."""

    was_used: bool
    is_in_grace: bool


async def session_of(connection: Connection, token_hash: str) -> str | None:
    """The session that the token belongs to."""
    row = await fetch_one(connection, query("refresh_tokens.session_of"), token_hash=token_hash)
    return row["session_id"] if row else None


async def read(connection: Connection, token_hash: str, *, grace: float) -> RefreshToken | None:
    """The token, unless it has expired. `grace`: seconds."""
    row = await fetch_one(connection, query("refresh_tokens.read"), token_hash=token_hash, grace=grace)
    return RefreshToken(**row) if row else None


async def unused_of(connection: Connection, hashes: Sequence[str]) -> str | None:
    """Which of them is there and was not used."""
    row = await fetch_one(connection, query("refresh_tokens.unused_of"), hashes=list(hashes))
    return row["token_hash"] if row else None


async def use(connection: Connection, token_hash: str) -> None:
    """The token was used now."""
    await connection.execute(query("refresh_tokens.use"), {"token_hash": token_hash})


async def add(connection: Connection, token_hash: str, session_id: str, *, seconds: float) -> None:
    """A new token that counts for so many seconds."""
    await connection.execute(
        query("refresh_tokens.add"), {"token_hash": token_hash, "session_id": session_id, "seconds": seconds}
    )


async def purge(connection: Connection) -> None:
    """Forget what has expired."""
    await connection.execute(query("refresh_tokens.purge"))
