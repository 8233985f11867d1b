"""Rows of signing keys. Private parts are sealed before they come here; times are seconds since 1970."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from database.pool import Connection, fetch_all
from database.sql import query


@dataclass(frozen=True)
class KeyRow:
    """A key that tokens may be signed by. `sealed` is gone once another has replaced it; `is_active`: it may sign."""

    kid: str
    algorithm: str
    jwk: dict[str, Any]
    is_active: bool
    active_from: float
    remove_at: float | None
    sealed: bytes | None = field(repr=False)


@dataclass(frozen=True)
class KeyState:
    """A key that nothing has replaced; `is_due`: it has been signing for its lifetime."""

    kid: str
    is_active: bool
    is_due: bool


async def lock(connection: Connection) -> None:
    """Let nobody else change keys until the transaction ends."""
    await connection.execute(query("signing_keys.lock"))


async def published(connection: Connection) -> list[KeyRow]:
    """What verifiers accept, the newest first."""
    rows = await fetch_all(connection, query("signing_keys.published"))
    return [
        KeyRow(r["kid"], r["algorithm"], r["public_jwk"], r["is_active"], r["active_from"], r["remove_at"],
               r["sealed_private"])
        for r in rows
    ]  # fmt: skip


async def state(connection: Connection, *, lifetime: float) -> list[KeyState]:
    """The keys that nothing has replaced, the newest first. `lifetime`: seconds after which one is due."""
    rows = await fetch_all(connection, query("signing_keys.state"), lifetime=lifetime)
    return [KeyState(**row) for row in rows]


async def add(connection: Connection, kid: str, jwk: Mapping[str, Any], sealed: bytes, *, lead: float) -> None:
    """Publish a key that signs in `lead` seconds."""
    await connection.execute(
        query("signing_keys.add"), {"kid": kid, "public_jwk": json.dumps(jwk), "sealed": sealed, "lead": lead}
    )


async def replace(connection: Connection, kid: str, *, keep: float) -> None:
    """Have all but `kid` sign nothing more; they stay published for `keep` seconds."""
    await connection.execute(query("signing_keys.replace"), {"kid": kid, "keep": keep})


async def withdraw(connection: Connection, kid: str) -> None:
    """Have only `kid` be accepted, from now on."""
    await connection.execute(query("signing_keys.withdraw"), {"kid": kid})


async def purge(connection: Connection) -> None:
    """Forget the keys that are no longer accepted."""
    await connection.execute(query("signing_keys.purge"))
