"""Sealing what rests in the database, and the further keys that are derived from the sealing keys."""

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import NotConfigured

_HOW = "make one with `python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`"


class Seal:
    """The sealing keys, newest first: Fernet keys, 32 bytes in URL-safe Base64. Raise NotConfigured for others."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise NotConfigured(f"IDENTITY_SEAL_KEYS is empty; `. .local/env` sets it, or {_HOW}")
        self._fernet = MultiFernet([_fernet(number, key) for number, key in enumerate(keys, 1)])
        self._keys = [base64.urlsafe_b64decode(key) for key in keys]
        self._derived: dict[str, tuple[bytes, ...]] = {}

    def seal(self, plain: bytes) -> bytes:
        """Encrypt with the newest key."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; raise NotConfigured if none of the keys fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise NotConfigured(
                "none of IDENTITY_SEAL_KEYS opens what is sealed in this database: it was sealed with another key; "
                "put that one back into the list, after the newer ones"
            ) from error

    def hmac(self, purpose: str, text: str) -> bytes:
        """HMAC-SHA256 under the newest key of that purpose."""
        return self.hmacs(purpose, text)[0]

    def hmacs(self, purpose: str, text: str) -> list[bytes]:
        """The same under that purpose's key from each sealing key: what was written under an older one counts."""
        if purpose not in self._derived:
            self._derived[purpose] = tuple(_derive(key, purpose) for key in self._keys)
        return [hmac.digest(key, text.encode(), "sha256") for key in self._derived[purpose]]


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"agent-ready {purpose}".encode()).derive(key)


def _fernet(number: int, key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise NotConfigured(f"number {number} of IDENTITY_SEAL_KEYS is no Fernet key; {_HOW}") from error
