"""Errors of identity.

ServiceError
├── TokenRefused  a token that must not count
└── ViewStale     whether a token still counts cannot be said now
"""

from service.errors import ServiceError
from service.problems import Problem


class TokenRefused(ServiceError):
    """The token does not count. `reason` is for logs and for its holder; it holds nothing of the token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ViewStale(ServiceError):
    """What was revoked has not been read for too long: nobody is let in until it can be read again."""

    def problem(self) -> Problem:
        """How callers are told: 503."""
        return Problem(
            503, "unavailable", "Whether this token is still good cannot be told right now", str(self),
            headers={"Retry-After": "2"},
        )  # fmt: skip
