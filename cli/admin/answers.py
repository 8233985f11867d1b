"""What the API answers about members, invitations, audit logs, staff, signing keys and clients."""

from typing import Any

from pydantic import Field

from cli.answers import Answer


class Member(Answer):
    """Somebody who belongs to an organization; until they have joined they never logged in for it."""

    email: str
    role: str
    since: str = ""
    has_joined: bool | None = None


class Members(Answer):
    """All of them."""

    items: list[Member]


class Invitation(Answer):
    """Somebody who may join until `expires_at`."""

    id: str
    email: str
    role: str
    expires_at: str
    invited_by: str | None = None


class Invitations(Answer):
    """Those that wait for an answer."""

    items: list[Invitation]


class Entry(Answer):
    """One act in an audit log."""

    seq: int
    at: str
    actor: str
    action: str
    target: str
    old: Any = None
    new: Any = None
    reason: str = ""
    request_id: str = ""


class Entries(Answer):
    """Some of them, newest last, and where the next ones begin."""

    items: list[Entry]
    next: str | int | None = None


class Head(Answer):
    """The end of a chain: the newest entry's number, and its hash in hexadecimal."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class Flaw(Answer):
    """Something wrong at an entry."""

    seq: int
    problem: str


class Verified(Answer):
    """Whether the chain of hashes is whole."""

    valid: bool
    entries: int
    head: Head
    problems: list[Flaw] = Field(default_factory=list)


class Official(Answer):
    """Somebody with a role in the platform."""

    email: str
    role: str | None = None


class Staff(Answer):
    """All of them."""

    items: list[Official]


class Key(Answer):
    """A signing key that is published until `remove_at`; times are seconds since 1970."""

    kid: str
    algorithm: str = ""
    signs: bool = False
    active_from: float | None = None
    remove_at: float | None = None


class Keys(Answer):
    """Those that are published."""

    items: list[Key]


class Client(Answer):
    """A service that logs people in by the issuer."""

    client_id: str
    name: str = ""
    redirect_uris: list[str] = Field(default_factory=list)
    public: bool = False
    created_by: str | None = None


class Clients(Answer):
    """Those of an organization, or of the platform."""

    items: list[Client]


class Registered(Answer):
    """What a service logs people in with. The secret is told once."""

    client_id: str
    client_secret: str | None = Field(None, repr=False, exclude=True)
