"""What somebody is given when they log in."""

from dataclasses import dataclass, field

from database.sessions import Standing
from database.users import User


@dataclass(frozen=True)
class Issued:
    """A signed token; `expires_at` in seconds since 1970."""

    token: str = field(repr=False)
    jti: str
    expires_at: int


@dataclass(frozen=True)
class Granted:
    """What a client gets: an access token for so many seconds, and the refresh token that comes after it.

    `organization` is what the access token speaks for, `organizations` are all that the user belongs to.
    """

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    user: User
    organization: Standing | None
    organizations: tuple[Standing, ...]
    session_id: str
