"""Who somebody is and what a token of theirs speaks for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """An organization and the role in it."""

    slug: str
    name: str
    role: str
    org_id: int


@dataclass(frozen=True)
class User:
    """An account. `id` is a UUID, `platform_role` operator, auditor or None."""

    id: str
    email: str
    platform_role: str | None = None


@dataclass(frozen=True)
class Session:
    """One log-in of one client. `root` is the session that it came from, itself if from none; they end together."""

    id: str
    root: str
    user: User
    client_id: str
    org_id: int | None


@dataclass(frozen=True)
class Issued:
    """A signed token; `expires_at` in seconds since 1970."""

    token: str
    jti: str
    expires_at: int


@dataclass(frozen=True)
class Granted:
    """What a client gets: an access token for so many seconds, and the refresh token that comes after it.

    `organization` is what the access token speaks for, `organizations` are all that the user belongs to.
    """

    access_token: str
    expires_in: int
    refresh_token: str
    user: User
    organization: Standing | None
    organizations: tuple[Standing, ...]
    session_id: str

    def __repr__(self) -> str:
        return f"Granted({self.user.email}, {self.organization})"  # tokens stay out of logs
