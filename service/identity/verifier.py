"""Judging a token."""

from service.identity.claims import Claims


class Verifier:
    """Judges tokens offline, by the view alone."""

    def verify(self, token: str, audience: str) -> Claims:
        """The token's claims; raise TokenRefused, or ViewStale (503)."""
        raise NotImplementedError
