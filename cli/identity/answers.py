"""What the API answers about people, sessions and memberships. Tokens are in no `repr` and no `--json`."""

from pydantic import Field

from cli.answers import Answer


class Standing(Answer):
    """An organization, and the role in it."""

    slug: str
    name: str = ""
    role: str


class User(Answer):
    """An account; `platform_role` is operator, auditor or None."""

    id: str
    email: str
    platform_role: str | None = None


class Tokens(Answer):
    """What a log-in or a renewal gives; `expires_in` is seconds, `organization` what the access token speaks for."""

    access_token: str = Field(repr=False, exclude=True)
    refresh_token: str = Field(repr=False, exclude=True)
    expires_in: int
    user: User
    organization: Standing | None = None
    organizations: tuple[Standing, ...] = ()


class Me(Answer):
    """Who one is, and what one may do now."""

    user: User
    organization: Standing | None = None
    role: str | None = None
    permissions: tuple[str, ...] = ()
    organizations: tuple[Standing, ...] = ()


class LogIn(Answer):
    """One session."""

    id: str
    client_id: str = ""
    organization: str | None = None
    created_at: str = ""
    last_used_at: str = ""
    expires_at: str = ""
    current: bool = False


class LogIns(Answer):
    """All of one's own."""

    items: list[LogIn]


class Revoked(Answer):
    """How many tokens count no more."""

    revoked: int


class Joined(Answer):
    """What an invitation led to; `operation_id` alone while that goes on."""

    organization: str | None = None
    role: str | None = None
    operation_id: str | None = None


class ClusterToken(Answer):
    """A token for the Kubernetes API; `expires_at` is ISO 8601, or seconds since 1970."""

    token: str = Field(repr=False, exclude=True)
    expires_at: str | int | float
