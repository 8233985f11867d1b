"""Proof Key for Code Exchange (RFC 7636), S256 alone: a code is worth nothing to who does not know its verifier."""

import base64
import hashlib
import hmac
import re

METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def is_challenge(text: str) -> bool:
    """Whether it has the form of a SHA-256 in base64url without padding."""
    return _CHALLENGE.fullmatch(text) is not None


def fits(verifier: str, challenge: str) -> bool:
    """Whether the challenge was made from this verifier."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())
