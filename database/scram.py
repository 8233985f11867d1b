"""The form in which PostgreSQL keeps a password (RFC 5802, RFC 7677): logs and catalogs never see a plain one."""

import hashlib
import hmac
from base64 import b64encode

ITERATIONS = 4096


def verifier(role: str, password: str) -> str:
    """`SCRAM-SHA-256$…` for CREATE ROLE. The salt follows from both: the same call, the same text.

    That is safe for long random ASCII passwords like ours, and only for those.
    """
    salt = hmac.digest(password.encode(), role.encode(), "sha256")[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(data: bytes) -> str:
    return b64encode(data).decode()
