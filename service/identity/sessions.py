"""Sessions: they begin, they are refreshed, and tokens are signed for them. How they end is in endings.py."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from database import refresh_tokens, sessions, users
from database.pool import Connection, Database
from database.sessions import Session, Standing
from database.users import Account, User
from service.identity import lineage
from service.identity.claims import API, CLI, LIFETIME
from service.identity.endings import Endings, Publish, end_roots
from service.identity.keys import Keys
from service.identity.lineage import IDLE, ended
from service.identity.login import LogIn, check_still
from service.identity.opaque import digest, new_token
from service.identity.seal import Seal
from service.identity.standing import Granted, Issued
from service.identity.tokens import claims_of, signed
from service.identity.view import View
from service.problems import Problem

log = logging.getLogger("service.identity")
MOST = 50  # log-ins of one user at a time
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Sessions(Endings):
    """Log-ins and what they give, signed as `issuer`."""

    def __init__(
        self, issuer: str, database: Database, view: View, keys: Keys, seal: Seal, login: LogIn, publish: Publish
    ) -> None:
        super().__init__(database, view, publish)
        self._issuer, self._keys, self._seal, self._login = issuer, keys, seal, login

    async def authenticate(self, email: str, password: str, network: str) -> Account:
        """Who it is, for `begin_by`; raise a Problem: 401 login-refused, 429 login-throttled, 503 busy.

        `network` is where from.
        """
        return await self._login.authenticate(email, password, network)

    async def log_in(self, email: str, password: str, network: str, organization: str | None) -> Granted:
        """Authenticate, begin a session at the API itself, and grant. Raise a Problem, as these do."""
        account = await self.authenticate(email, password, network)
        async with self._database.transaction() as connection:
            session, standing = await self._logged_in(connection, account, CLI, organization)
            granted = await self._granted_first(connection, session, standing)
            has_ended = await self._end_oldest(connection, session)
        if has_ended:
            await self.announce()
        return granted

    async def begin_by(
        self, account: Account, client_id: str, *, organization: str | None = None, browser_hash: str | None = None
    ) -> Session:  # fmt: skip
        """A new log-in of whoever has authenticated. Raise a Problem: as `begin` does, and 401 login-refused if the
        password has changed since.
        """
        async with self._database.transaction() as connection:
            session, _ = await self._logged_in(connection, account, client_id, organization, browser_hash)
            has_ended = await self._end_oldest(connection, session)
        if has_ended:
            await self.announce()
        return session

    async def begin(self, user: User, client_id: str, *, root: str, organization: str | None = None) -> Session:
        """A new session below `root`, for the organization with that slug; for the usual one, if a member names none.

        Raise a Problem: 403 not-a-member, 401 session-ended if the user or the session `root` has.
        """
        async with self._database.transaction() as connection:
            session, _ = await self._begun(connection, user, client_id, organization, root)
        return session

    async def grant(self, session: Session) -> Granted:
        """An access token and the session's first refresh token; raise a Problem (401 session-ended)."""
        async with self._database.transaction() as connection:
            held, standing = await self._held(connection, session.id)
            return await self._granted_first(connection, held, standing)

    async def refresh(
        self, refresh_token: str, *, organization: str | None = None, client_id: str, reach: str | None = None
    ) -> Granted:
        """The next tokens, perhaps for another organization of the user's.

        Raise a Problem: 401 session-ended, 403 not-a-member. A refresh token that comes again later than its answer can
        have been lost, or after the next one was used, was stolen from somebody: everything of that log-in ends, or of
        it what is of the client `reach`.
        """
        async with self._database.transaction() as connection:
            session_id = await refresh_tokens.session_of(connection, digest(refresh_token))
            if session_id is None:
                raise ended()
            session, standing = await self._held(connection, session_id, organization, alone=True)
            if session.client_id != client_id:
                raise ended()
            token = await lineage.following(connection, self._seal, session.id, refresh_token)
            if token is not None:
                await sessions.touch(connection, session.id, session.org_id, seconds=IDLE)
                return await self._granted(connection, session, standing, token)
        log.warning("a refresh token of session %s came a second time: its log-in ends", session.id)
        await self.end(session.id, "a refresh token came a second time", client_id=reach)
        raise ended()

    async def issue(
        self, session_id: str, audience: str, *, seconds: int, extra: Mapping[str, Any] = _NOTHING
    ) -> Issued:
        """A signed token with the session's standing and `extra` claims; raise a Problem (401 session-ended)."""
        async with self._database.transaction() as connection:
            session, standing = await self._held(connection, session_id)
            return await self._issued(connection, session, standing, audience, seconds, extra)

    async def set_password(self, token: str, password: str, network: str) -> User:
        """Set the password of whom the token was mailed to, which makes the account or ends its sessions.

        Raise a Problem: 410 if the token does not count any more, 422 for a weak password.
        """
        user = await self._login.set_by_mail(token, password, network)
        await self.announce()
        return user

    async def change_password(self, user: User, session_id: str, current: str, new: str, network: str) -> None:
        """Change the password and end all other log-ins; raise a Problem as `authenticate` does, and 422."""
        await self._login.change(user, session_id, current, new, network)
        await self.announce()

    async def standings(self, email: str) -> tuple[Standing, ...]:
        """The organizations that the address belongs to."""
        async with self._database.statement() as connection:
            return await sessions.standings(connection, email)

    async def listed(self, user_id: str) -> list[sessions.Listed]:
        """The user's sessions, the newest first."""
        async with self._database.statement() as connection:
            return await sessions.of_user(connection, user_id)

    async def _logged_in(
        self, connection: Connection, account: Account, client_id: str, organization: str | None = None,
        browser_hash: str | None = None,
    ) -> tuple[Session, Standing | None]:  # fmt: skip
        begun = await self._begun(connection, account.user, client_id, organization, browser_hash=browser_hash)
        await check_still(connection, account)  # which does not change any more: the user is held
        return begun

    async def _end_oldest(self, connection: Connection, newest: Session) -> bool:
        """End the oldest log-ins of somebody who has too many; whether there were any."""
        too_many = await sessions.oldest(connection, newest.user.id, but=newest.root, keep=MOST - 1)
        await end_roots(connection, too_many, "there were newer log-ins enough")
        return bool(too_many)

    async def _begun(
        self, connection: Connection, user: User, client_id: str, organization: str | None,
        root: str | None = None, browser_hash: str | None = None,
    ) -> tuple[Session, Standing | None]:  # fmt: skip
        made = str(uuid.uuid4())
        now = await users.hold(connection, user.id)
        if now is None:
            raise ended()
        standing = await self._chosen(connection, now, organization)
        above = await sessions.find(connection, root) if root else None
        if root and not (above and above.user.id == user.id and await sessions.hold(connection, above.root)):
            raise ended()
        session = Session(made, above.root if above else made, now, client_id, _number(standing))
        await sessions.add(connection, session, browser_hash=browser_hash, seconds=IDLE)
        return session, standing

    async def _held(
        self, connection: Connection, session_id: str, slug: str | None = None, *, alone: bool = False
    ) -> tuple[Session, Standing | None]:
        """The session and what it speaks for, or for the organization `slug` from now on; none of it can end now."""
        session = await sessions.find(connection, session_id)
        user = await users.hold(connection, session.user.id) if session else None
        if session is None or user is None:
            raise ended()
        if slug is not None:
            standing = await self._chosen(connection, user, slug)
            session = replace(session, org_id=_number(standing))
        else:
            standing = await _standing(connection, session)
        if not await sessions.hold(connection, session_id, alone=alone):
            raise ended()
        return replace(session, user=user), standing

    async def _chosen(self, connection: Connection, user: User, slug: str | None) -> Standing | None:
        """The membership with that slug, or the usual one of somebody who is not staff; it is held."""
        if slug is None:
            return None if user.platform_role else await sessions.usual_standing(connection, user)
        found = await sessions.standing(connection, user.email, slug=slug)
        if found is None:
            raise Problem(
                403, "not-a-member", "You do not belong to that organization",
                f"there is no organization {slug!r} that {user.email} is a member of; GET /v1/auth/me lists yours",
            )  # fmt: skip
        return found

    async def _granted_first(self, connection: Connection, session: Session, standing: Standing | None) -> Granted:
        token = new_token()
        await refresh_tokens.add(connection, digest(token), session.id, seconds=IDLE)
        return await self._granted(connection, session, standing, token)

    async def _granted(
        self, connection: Connection, session: Session, standing: Standing | None, refresh_token: str
    ) -> Granted:
        issued = await self._issued(connection, session, standing, API, LIFETIME, _NOTHING)
        every = await sessions.standings(connection, session.user.email)
        return Granted(issued.token, LIFETIME, refresh_token, session.user, standing, every, session.id)

    async def _issued(
        self, connection: Connection, session: Session, standing: Standing | None, audience: str, seconds: int,
        extra: Mapping[str, Any],
    ) -> Issued:  # fmt: skip
        kid, key = self._keys.signing(self._view.keys)
        noted = await sessions.note(connection, session, _number(standing), audience, seconds=seconds)
        claims = {**extra, **claims_of(self._issuer, session, standing, audience, noted)}
        return Issued(signed(claims, kid, key), noted.jti, noted.expires_at)


async def _standing(connection: Connection, session: Session) -> Standing | None:
    if session.org_id is None:
        return None
    return await sessions.standing(connection, session.user.email, org_id=session.org_id)


def _number(standing: Standing | None) -> int | None:
    return standing.org_id if standing else None
