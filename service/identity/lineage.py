"""Refresh tokens: each counts once and leads to the next; a second use tells that somebody has stolen one.

The next is made from the one before, so that a request that is repeated, its answer lost, gets the same again.
"""

import base64

from database import refresh_tokens
from database.pool import Connection
from service.identity.opaque import digest
from service.identity.seal import Seal
from service.problems import Problem

IDLE = 90 * 86400.0  # seconds that a session, and the refresh token that was not used, live
GRACE = 30.0  # seconds in which a refresh may be repeated


async def following(connection: Connection, seal: Seal, session_id: str, token: str) -> str | None:
    """The refresh token that comes after `token` in a session that is held alone; None if this one is used up.

    Raises a Problem (401 session-ended) if it has expired.
    """
    possible = [_text(made) for made in seal.hmacs("refresh tokens", token)]
    found = await refresh_tokens.read(connection, digest(token), grace=GRACE)
    if found is None:
        raise ended()
    if not found.was_used:
        await refresh_tokens.use(connection, digest(token))
        await refresh_tokens.add(connection, digest(possible[0]), session_id, seconds=IDLE)
        return possible[0]
    by_hash = {digest(one): one for one in possible}
    unused = await refresh_tokens.unused_of(connection, list(by_hash)) if found.is_in_grace else None
    return by_hash[unused] if unused else None


def ended() -> Problem:
    """401: there is no such session any more."""
    return Problem(
        401, "session-ended", "The session has ended", "log in again", headers={"WWW-Authenticate": "Bearer"}
    )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
