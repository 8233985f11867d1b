"""Sealing what rests in the database, and what is derived from the sealing keys."""


class Seal:
    """The sealing keys, newest first."""

    def seal(self, plain: bytes) -> bytes:
        """Encrypt with the newest key."""
        raise NotImplementedError

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; raise NotConfigured if none of the keys fits."""
        raise NotImplementedError

    def hmac(self, purpose: str, text: str) -> bytes:
        """HMAC-SHA256 under a key of that purpose, from the newest sealing key."""
        raise NotImplementedError
