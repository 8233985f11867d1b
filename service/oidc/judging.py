"""Tokens as routes meet them: what one says, if it counts."""

import base64
import json

from service.identity import Identity
from service.identity.claims import Claims
from service.identity.errors import TokenRefused, ViewStale
from service.problems import Problem


def judged(identity: Identity, token: str, audience: str) -> Claims | None:
    """What the token says, or None if it does not count; raise a Problem (503) if that cannot be told now."""
    try:
        return identity.verifier.verify(token, audience)
    except TokenRefused:
        return None
    except ViewStale as stale:
        raise Problem(
            503, "unavailable", "Whether this token still counts cannot be told right now", str(stale),
            headers={"Retry-After": "2"},
        ) from stale  # fmt: skip


def audience_of(token: str) -> str:
    """Whom a token says it is for, which nobody has verified yet; empty if it cannot be read."""
    try:
        encoded = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))["aud"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""
