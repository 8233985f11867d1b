"""Authorization codes: what a browser carries from our log-in to a client, once, within seconds."""

from dataclasses import dataclass, field

from database.browsers import Browser
from database.pool import Connection, fetch_one
from database.sql import query


@dataclass(frozen=True)
class Code:
    """What a code stands for."""

    redirect_uri: str
    code_challenge: str = field(repr=False)
    nonce: str | None
    scope: str


@dataclass(frozen=True)
class Taken:
    """A code that came back, and who had logged in; it counts unless it `was_used` before or `is_old`."""

    code: Code
    browser: Browser
    was_used: bool
    is_old: bool


async def add(
    connection: Connection, code_hash: str, client_id: str, root: str, code: Code, *, seconds: float
) -> None:  # fmt: skip
    """Keep it for so many seconds, by the SHA-256 of what the browser carries; `root` is the log-in's session."""
    values = {**vars(code), "code_hash": code_hash, "client_id": client_id, "root": root, "seconds": seconds}
    await connection.execute(query("codes.add"), values)


async def take(connection: Connection, code_hash: str, client_id: str) -> Taken | None:
    """The client's code, used from now on; None if it has none like that. Of several at once one alone is the first."""
    found = await fetch_one(connection, query("codes.take"), code_hash=code_hash, client_id=client_id)
    if found is None:
        return None
    code = Code(**{name: found[name] for name in ("redirect_uri", "code_challenge", "nonce", "scope")})
    return Taken(code, Browser.of(found), found["was_used"], found["is_old"])


async def forget(connection: Connection, code_hash: str) -> None:
    """It came a second time: whoever brought it first learns so by `is_kept`."""
    await connection.execute(query("codes.forget"), {"code_hash": code_hash})


async def is_kept(connection: Connection, code_hash: str) -> bool:
    """Whether it has come once at most."""
    return await fetch_one(connection, query("codes.kept"), code_hash=code_hash) is not None


async def purge(connection: Connection) -> None:
    """Forget codes that ended a day ago: until then a second use is told from a made-up one."""
    await connection.execute(query("codes.purge"))
