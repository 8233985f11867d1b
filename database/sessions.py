"""Sessions, what they speak for, and the tokens that were signed for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from database.pool import Connection, fetch_all, fetch_one
from database.sql import query
from database.users import User


@dataclass(frozen=True)
class Standing:
    """An organization and the role in it."""

    slug: str
    name: str
    role: str
    org_id: int


@dataclass(frozen=True)
class Session:
    """One log-in of one client. `root` is the session that it came from, itself if from none; they end together."""

    id: str
    root: str
    user: User
    client_id: str
    org_id: int | None


@dataclass(frozen=True)
class Owner:
    """Whose a session is, its root, and the organization that it speaks for."""

    root: str
    user_id: str
    email: str
    org_id: int | None


@dataclass(frozen=True)
class Listed:
    """A session as its user sees it; `organization` is a slug."""

    id: str
    root: str
    client_id: str
    organization: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Noted:
    """A token that is about to be signed; times are seconds since 1970."""

    jti: str
    issued_at: int
    expires_at: int


async def add(
    connection: Connection, session: Session, *, browser_hash: str | None = None, seconds: float
) -> None:  # fmt: skip
    """Begin a session that ends in so many seconds unless it is used."""
    given = {"id": session.id, "root": session.root, "user_id": session.user.id, "client_id": session.client_id,
             "org_id": session.org_id, "browser_hash": browser_hash, "seconds": seconds}  # fmt: skip
    await connection.execute(query("sessions.add"), given)


async def find(connection: Connection, session_id: str) -> Session | None:
    """The session, unless it has ended, as it is now."""
    row = await fetch_one(connection, query("sessions.find"), id=session_id)
    if row is None:
        return None
    user = User(row["user_id"], row["email"], row["platform_role"])
    return Session(row["id"], row["root"], user, row["client_id"], row["org_id"])


async def hold(connection: Connection, session_id: str, *, alone: bool = False) -> bool:
    """Whether the session has not ended, nor will before the transaction does. `alone`: nobody else holds it then.

    Users and memberships are held before: that is the order in which they are locked by whoever ends sessions.
    """
    name = "sessions.hold_alone" if alone else "sessions.hold"
    return await fetch_one(connection, query(name), id=session_id) is not None


async def touch(connection: Connection, session_id: str, org_id: int | None, *, seconds: float) -> None:
    """The session was used: it ends in so many seconds, and speaks for that organization."""
    await connection.execute(query("sessions.touch"), {"id": session_id, "org_id": org_id, "seconds": seconds})


async def of_user(connection: Connection, user_id: str) -> list[Listed]:
    """Sessions that have not ended, the newest first."""
    return [Listed(**row) for row in await fetch_all(connection, query("sessions.of_user"), user_id=user_id)]


async def owner(connection: Connection, session_id: str) -> Owner | None:
    """Whose a session is that was there, though it may have ended."""
    row = await fetch_one(connection, query("sessions.owner"), id=session_id)
    return Owner(**row) if row else None


async def roots(
    connection: Connection, *, user_id: str | None = None, org_id: int | None = None, but: str | None = None
) -> list[str]:
    """The roots of sessions of that user, or that speak for that organization, or both; without one of them."""
    rows = await fetch_all(connection, query("sessions.roots"), user_id=user_id, org_id=org_id, but=but)
    return [row["root"] for row in rows]


async def oldest(connection: Connection, user_id: str, *, but: str, keep: int) -> list[str]:
    """The roots of the user's sessions without that one, and without so many of the newest."""
    rows = await fetch_all(connection, query("sessions.oldest"), user_id=user_id, but=but, keep=keep)
    return [row["root"] for row in rows]


async def end(connection: Connection, found: Sequence[str], why: str, *, client_id: str | None = None) -> None:
    """End these roots and what is below them, or of that only what is the client's.

    Nothing can begin below a root from its lock on.
    """
    await connection.execute(query("sessions.lock_roots"), {"roots": list(found)})
    await connection.execute(query("sessions.end"), {"roots": list(found), "why": why, "client_id": client_id})


async def standing(
    connection: Connection, email: str, *, org_id: int | None = None, slug: str | None = None
) -> Standing | None:
    """The address's membership, by number or slug, which does not change until the transaction ends."""
    if slug is not None:
        row = await fetch_one(connection, query("sessions.standing_by_slug"), slug=slug, email=email)
    else:
        row = await fetch_one(connection, query("sessions.standing"), org_id=org_id, email=email)
    return Standing(**row) if row else None


async def usual_standing(connection: Connection, user: User) -> Standing | None:
    """What the user spoke for last, else their oldest membership; None if they have none. It is held, as by `standing`.

    A stranger who has them belong to something, or log in to something of theirs, changes nothing.
    """
    row = await fetch_one(connection, query("sessions.usual_standing"), user_id=user.id, email=user.email)
    return Standing(**row) if row else None


async def standings(connection: Connection, email: str) -> tuple[Standing, ...]:
    """All organizations that the address belongs to, by slug."""
    return tuple(Standing(**row) for row in await fetch_all(connection, query("sessions.standings"), email=email))


async def lock_members(connection: Connection, org_id: int, email: str | None) -> None:
    """Have nothing be issued for the organization's members, or the one, until the transaction ends."""
    await connection.execute(query("sessions.lock_members"), {"org_id": org_id, "email": email})


async def note(connection: Connection, session: Session, org_id: int | None, audience: str, *, seconds: int) -> Noted:
    """Note down a token of so many seconds that is about to be signed, so that it can be revoked."""
    row = await fetch_one(
        connection, query("sessions.issue"), session_id=session.id, user_id=session.user.id, org_id=org_id,
        audience=audience, seconds=seconds,
    )  # fmt: skip
    return Noted(**cast(DictRow, row))  # an insert of one row returns it


async def audit(
    connection: Connection, org_id: int, action: str, target: str, new: Mapping[str, str] | None = None
) -> None:  # fmt: skip
    """An entry in the organization's audit log, 0: the platform's, with the transaction's actor and reason."""
    given = {"org_id": org_id, "action": action, "target": target, "new": Jsonb(dict(new)) if new else None}
    await connection.execute(query("sessions.audit"), given)


async def purge(connection: Connection) -> None:
    """Forget sessions that ended a week ago."""
    await connection.execute(query("sessions.purge"))
