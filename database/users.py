"""Accounts, where they have logged in from, and the mailed tokens that set their passwords."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from psycopg.rows import DictRow

from database.pool import Connection, fetch_one
from database.sql import query


@dataclass(frozen=True)
class User:
    """An account. `id` is a UUID, `platform_role` operator, auditor or None."""

    id: str
    email: str
    platform_role: str | None = None


@dataclass(frozen=True)
class Account:
    """A user who is not disabled, and the hash of their password; None if they have none."""

    user: User
    password_hash: str | None = field(repr=False)


async def by_email(connection: Connection, email: str) -> Account | None:
    """The account of an address, unless it is disabled."""
    row = await fetch_one(connection, query("users.by_email"), email=email)
    return Account(User(row["id"], row["email"], row["platform_role"]), row["password_hash"]) if row else None


async def hold(connection: Connection, user_id: str) -> User | None:
    """The user, unless disabled, who does not change until the transaction ends."""
    row = await fetch_one(connection, query("users.hold"), id=user_id)
    return User(**row) if row else None


async def is_enabled(connection: Connection, user_id: str) -> bool:
    """Whether there is such an account and nobody has disabled it."""
    return await fetch_one(connection, query("users.is_enabled"), id=user_id) is not None


async def is_password(connection: Connection, account: Account) -> bool:
    """Whether the account's password still is what it was when it was read."""
    found = await fetch_one(
        connection, query("users.is_password"), id=account.user.id, password_hash=account.password_hash
    )
    return found is not None


async def lock(connection: Connection, email: str) -> User | None:
    """The user, disabled or not, for whom nothing is issued until the transaction ends."""
    row = await fetch_one(connection, query("users.lock"), email=email)
    return User(**row) if row else None


async def put_password(connection: Connection, email: str, password_hash: str) -> User:
    """Set the password; makes the account if there is none. Who calls has seen that the address is theirs."""
    row = await fetch_one(connection, query("users.put_password"), email=email, password_hash=password_hash)
    return User(**cast(DictRow, row))  # an upsert returns its row


async def has_password(connection: Connection, email: str) -> bool:
    """Whether the address has an account that can log in with a password."""
    return await fetch_one(connection, query("users.has_password"), email=email) is not None


async def is_somebody(connection: Connection, email: str) -> bool:
    """Whether the address has an account, or belongs to an organization and could have one."""
    return await fetch_one(connection, query("users.is_somebody"), email=email) is not None


async def is_known_network(connection: Connection, email: str, networks: Sequence[bytes]) -> bool:
    """Whether the address has logged in from one of the networks."""
    found = await fetch_one(connection, query("users.is_known_network"), email=email, networks=list(networks))
    return found is not None


async def know_network(connection: Connection, email: str, network: bytes) -> None:
    """The address has logged in from there."""
    await connection.execute(query("users.know_network"), {"email": email, "network": network})


async def add_password_token(connection: Connection, email: str, token_hash: str, *, seconds: float) -> None:
    """A mailed token, by its SHA-256, that counts for so many seconds."""
    await connection.execute(
        query("users.add_password_token"), {"email": email, "token_hash": token_hash, "seconds": seconds}
    )


async def password_token(connection: Connection, token_hash: str) -> str | None:
    """Whose password the token sets, if it still does."""
    row = await fetch_one(connection, query("users.password_token"), token_hash=token_hash)
    return row["email"] if row else None


async def use_password_token(connection: Connection, token_hash: str) -> str | None:
    """Use the token, and with it all others of the address: whose password it sets, or None if it does not count."""
    row = await fetch_one(connection, query("users.use_password_token"), token_hash=token_hash)
    return row["email"] if row else None


async def use_password_tokens(connection: Connection, email: str) -> None:
    """None of the address's tokens counts any more."""
    await connection.execute(query("users.use_password_tokens"), {"email": email})


async def purge(connection: Connection) -> None:
    """Forget mailed tokens that have expired, and networks that nobody came from for half a year."""
    await connection.execute(query("users.purge_password_tokens"))
    await connection.execute(query("users.forget_networks"))
