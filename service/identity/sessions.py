"""Sessions: log-in, refresh, tokens, and their end."""

from collections.abc import Mapping
from typing import Any

from service.identity.standing import Granted, Issued, Session, Standing, User

__all__ = ["Granted", "Issued", "Session", "Sessions", "Standing", "User"]


class Sessions:
    """Log-ins and what they give."""

    async def authenticate(self, email: str, password: str, network: str) -> User:
        """Who it is; raise a Problem: 401 login-refused, 429 login-throttled, 503 busy. `network` is where from."""
        raise NotImplementedError

    async def log_in(self, email: str, password: str, network: str, organization: str | None) -> Granted:
        """Authenticate, begin a session at the API itself, and grant."""
        raise NotImplementedError

    async def begin(
        self, user: User, client_id: str, *, root: str | None = None, organization: str | None = None,
        browser_hash: str | None = None,
    ) -> Session:  # fmt: skip
        """A new session; raise a Problem: 403 not-a-member, 401 session-ended if `root` has ended."""
        raise NotImplementedError

    async def grant(self, session: Session) -> Granted:
        """An access token and the session's first refresh token."""
        raise NotImplementedError

    async def refresh(self, refresh_token: str, *, organization: str | None = None, client_id: str) -> Granted:
        """The next tokens; raise a Problem: 401 session-ended, 403 not-a-member."""
        raise NotImplementedError

    async def issue(
        self, session_id: str, audience: str, *, seconds: int, extra: Mapping[str, Any] = {}
    ) -> Issued:  # fmt: skip
        """A signed token with the session's standing; raise a Problem (401 session-ended)."""
        raise NotImplementedError

    async def end(self, session_id: str, why: str) -> int:
        """End the session's root with everything below; how many tokens that revoked."""
        raise NotImplementedError

    async def end_all(self, *, email: str | None = None, org_id: int | None = None, why: str, actor: str = "") -> int:
        """End all sessions of an address, of an organization, or of an address in one; how many tokens that revoked."""
        raise NotImplementedError

    async def revoke(self, jti: str, why: str) -> int:
        """Revoke one token; 1, or 0 if there was none to revoke."""
        raise NotImplementedError

    async def announce(self) -> None:
        """Read what was revoked, and hint at it: for whoever changed memberships or users, which triggers revoke by."""
        raise NotImplementedError
