"""Signing keys."""

from dataclasses import dataclass
from typing import Any

from joserfc.jwk import RSAKey


@dataclass(frozen=True)
class PublishedKey:
    """A public key that tokens may be signed by; `jwk` is what /.well-known/jwks.json lists of it."""

    kid: str
    algorithm: str
    jwk: dict[str, Any]
    key: RSAKey


class Keys:
    """The keys: made, published, used, replaced."""

    async def rotate(self, *, at_once: bool = False, actor: str = "", reason: str = "") -> str:
        """Add a new key and return its `kid`; `at_once` removes all others, and with them what they signed."""
        raise NotImplementedError
