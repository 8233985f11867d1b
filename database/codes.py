"""Authorization codes: what a browser carries from our log-in to a client, once, within seconds."""

from dataclasses import dataclass, field

from database.pool import Connection, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Code:
    """What a code stands for. `root` is the session of the log-in; `was_used` and `is_old` say that it counts no more."""

    root: str
    redirect_uri: str
    code_challenge: str = field(repr=False)
    nonce: str | None
    scope: str
    was_used: bool = False
    is_old: bool = False


async def add(connection: Connection, code_hash: str, client_id: str, code: Code, *, seconds: float) -> None:
    """Keep it for so many seconds, by the SHA-256 of what the browser carries."""
    values = {
        "code_hash": code_hash, "client_id": client_id, "root": code.root, "redirect_uri": code.redirect_uri,
        "code_challenge": code.code_challenge, "nonce": code.nonce, "scope": code.scope, "seconds": seconds,
    }  # fmt: skip
    await connection.execute(query("codes.add"), values)


async def take(connection: Connection, code_hash: str, client_id: str) -> Code | None:
    """The client's code, used from now on; None if it has none like that. Of several at once one alone is the first."""
    found = await fetch_one(connection, query("codes.take"), code_hash=code_hash, client_id=client_id)
    return Code(**found) if found else None


async def forget_old(connection: Connection) -> None:
    """Forget codes that ended a day ago: until then a second use is told from a made-up one."""
    await connection.execute(query("codes.forget_old"))
