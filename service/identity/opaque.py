"""Tokens that say nothing: 256 random bits, of which only the SHA-256 is kept."""

import hashlib
import secrets


def new_token() -> str:
    """A token, 43 characters in Base64url."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of one, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
