"""Tokens as routes meet them: what one says, if it counts."""

from service.identity import Identity
from service.identity.claims import Claims
from service.identity.errors import TokenRefused, ViewStale
from service.identity.verifier import Verifier, unverified


def judged(identity: Identity, token: str, audience: str) -> Claims | None:
    """What the token says, or None if it does not count; raise a Problem (503) if that cannot be told now."""
    try:
        return identity.verifier.verify(token, audience)
    except TokenRefused:
        return None
    except ViewStale as stale:
        raise stale.problem() from stale


def once_judged(identity: Identity, token: str) -> Claims | None:
    """What a token of any audience says that counts, or did until it expired: enough to end its log-in."""
    said = unverified(token)
    issued_at, audience = said.get("iat"), audience_of(token)
    if type(issued_at) is not int:
        return None
    then = Verifier(identity.issuer_url, identity.view, clock=lambda: issued_at)
    try:
        return then.verify(token, audience)
    except TokenRefused:
        return None
    except ViewStale as stale:
        raise stale.problem() from stale


def audience_of(token: str) -> str:
    """Whom a token says it is for, which nobody has verified yet; empty if it cannot be read."""
    found = unverified(token).get("aud")
    return found if isinstance(found, str) else ""
