"""Which signed tokens no longer count. `tenancy.revoke_tokens()` writes it; every replica reads what is new."""

from collections.abc import Sequence
from dataclasses import dataclass

from database.errors import TokenRevoked
from database.pool import Connection, fetch_all, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Issued:
    """A token that was signed, and for whom."""

    jti: str
    user_id: str
    email: str
    org_id: int | None


async def newer(connection: Connection, seen: int) -> tuple[int, list[str]]:
    """The newest number, and the `jti`s that were revoked after number `seen`."""
    rows = await fetch_all(connection, query("denylist.newer"), seen=seen)
    return rows[0]["head"], [row["jti"] for row in rows if row["jti"] is not None]


async def revoke(
    connection: Connection, why: str, *, jti: str | None = None, roots: Sequence[str] | None = None,
    user_id: str | None = None, org_id: int | None = None, client_id: str | None = None,
) -> int | None:  # fmt: skip
    """Revoke what all of the given name; the denylist's new number, or None if there was nothing.

    `client_id` names sessions of the roots: those of that client alone.
    """
    row = await fetch_one(
        connection,
        query("denylist.revoke"),
        why=why,
        jti=jti,
        roots=list(roots) if roots else None,
        user_id=user_id,
        org_id=org_id,
        client_id=client_id,
    )
    return row["seq"] if row else None


async def count(connection: Connection, seqs: list[int | None]) -> int:
    """How many tokens were revoked under these numbers."""
    row = await fetch_one(connection, query("denylist.count"), seqs=[seq for seq in seqs if seq is not None])
    return int(row["revoked"]) if row else 0


async def issued(connection: Connection, jti: str) -> Issued | None:
    """The token with that `jti`, if it was signed here and has not been forgotten."""
    row = await fetch_one(connection, query("denylist.issued"), jti=jti)
    return Issued(**row) if row else None


async def check_good(connection: Connection, jti: str | None) -> None:
    """Raise TokenRevoked if that token was revoked by now; without one there is nothing to tell.

    Judged again where something comes true: a request may have waited since its token was verified.
    """
    if jti is not None and await fetch_one(connection, query("denylist.is_revoked"), jti=jti) is not None:
        raise TokenRevoked("this token was revoked")


async def purge(connection: Connection) -> None:
    """Forget tokens that have expired."""
    await connection.execute(query("denylist.purge_revoked"))
    await connection.execute(query("denylist.purge_issued"))
