"""The end of tokens and sessions before their time; in force here once a call returns, elsewhere within a second.

Locks are taken in one order, here and by the triggers: users, memberships and sessions, then the audit log's head, then
the denylist's.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import redis

from database import denylist, sessions, users
from database.pool import Connection, Database
from service.identity.hints import Revoked
from service.identity.view import View

log = logging.getLogger("service.identity")
Publish = Callable[[Sequence[Revoked]], object]


@dataclass(frozen=True)
class Ending:
    """Whose tokens end: a user's, an organization's, a user's in an organization, and those of these roots."""

    user_id: str | None
    org_id: int | None
    roots: tuple[str, ...]


@dataclass(frozen=True)
class Act:
    """Somebody ends what is another's, as the audit log tells it: who, in which request, whose, as whose member."""

    actor: str
    request_id: str
    email: str
    org_id: int | None
    action: str
    what: Mapping[str, str]


class Endings:
    """Ends them in `database`, reads `view` afterwards, and has the others hear of it by `publish`, which may block."""

    def __init__(self, database: Database, view: View, publish: Publish) -> None:
        self._database, self._view, self._publish = database, view, publish
        self._announced = 0

    async def end(
        self, session_id: str, why: str, *, client_id: str | None = None, act: Act | None = None
    ) -> int:  # fmt: skip
        """End the session's root with everything below, or of that only what is the client's.

        How many tokens that revoked; raise DatabaseError.
        """
        async with self._transaction(act, why) as connection:
            found = await sessions.owner(connection, session_id)
            revoked = await end_roots(connection, [found.root], why, client_id, act) if found else 0
        await self.announce()
        return revoked

    async def end_all(
        self, *, email: str | None = None, org_id: int | None = None, why: str, actor: str = "", request_id: str = ""
    ) -> int:
        """End all sessions of an address, of an organization, or of an address in one; how many tokens that revoked.

        A log-in ends as a whole, also where parts of it speak for another organization. It is written into the audit
        log. Raise DatabaseError, and ValueError if neither is named.
        """
        if email is None and org_id is None:
            raise ValueError("name an address, an organization, or both")
        async with self._database.transaction(actor=actor, reason=why, request_id=request_id) as connection:
            ending = await end_sessions(connection, email=email, org_id=org_id, why=why)
            await sessions.audit(connection, org_id or 0, "sessions ended", email or "everybody")
            revoked = await revoke_tokens(connection, ending, why)
        await self.announce()
        return revoked

    async def revoke(self, jti: str, why: str, act: Act | None = None) -> int:
        """Revoke one token; 1, or 0 if there was none to revoke. Raise DatabaseError."""
        async with self._transaction(act, why) as connection:
            await _note(connection, act)
            revoked = await denylist.count(connection, [await denylist.revoke(connection, why, jti=jti)])
        await self.announce()
        return revoked

    def _transaction(self, act: Act | None, why: str) -> AbstractAsyncContextManager[Connection]:
        if act is None:
            return self._database.transaction()
        return self._database.transaction(actor=act.actor, reason=why, request_id=act.request_id)

    async def announce(self) -> None:
        """Read what was revoked, and hint at it: also for whoever changed memberships or users. Raise DatabaseError."""
        await self._view.read_now()
        if self._view.seen > self._announced:
            self._announced = self._view.seen
            try:
                await asyncio.to_thread(self._publish, [Revoked(self._view.seen)])
            except redis.RedisError as error:
                log.warning("no hint of a revocation went out, it is read within a second: %s", error)


async def end_sessions(
    connection: Connection, *, email: str | None = None, org_id: int | None = None, but: str | None = None, why: str
) -> Ending | None:  # fmt: skip
    """End the sessions in somebody's transaction, which calls `revoke_tokens` next and `announce` once it is committed.

    Those of the root `but` stay, with their tokens. None if the address has no account.
    """
    user = await users.lock(connection, email) if email is not None else None
    if email is not None and user is None:
        return None
    if org_id is not None:
        await sessions.lock_members(connection, org_id, email)
    user_id = user.id if user else None
    roots = await sessions.roots(connection, user_id=user_id, org_id=org_id, but=but)
    await sessions.end(connection, roots, why)
    return Ending(user_id, org_id, tuple(roots)) if but is None else Ending(None, None, tuple(roots))


async def revoke_tokens(connection: Connection, ending: Ending | None, why: str) -> int:
    """Revoke the tokens of what has ended; how many there were."""
    if ending is None:
        return 0
    seqs = list[int | None]()
    if ending.user_id is not None or ending.org_id is not None:
        seqs.append(await denylist.revoke(connection, why, user_id=ending.user_id, org_id=ending.org_id))
    if ending.roots:
        seqs.append(await denylist.revoke(connection, why, roots=ending.roots))
    return await denylist.count(connection, seqs)


async def end_roots(
    connection: Connection, roots: Sequence[str], why: str, client_id: str | None = None, act: Act | None = None
) -> int:  # fmt: skip
    """End these log-ins, or of them only what is the client's, in somebody's transaction, which has it announced.

    How many tokens that revoked.
    """
    if not roots:
        return 0
    await sessions.end(connection, roots, why, client_id=client_id)
    await _note(connection, act)
    revoked = await denylist.revoke(connection, why, roots=roots, client_id=client_id)
    return await denylist.count(connection, [revoked])


async def _note(connection: Connection, act: Act | None) -> None:
    if act is not None:
        await sessions.audit(connection, act.org_id or 0, act.action, act.email, act.what)
