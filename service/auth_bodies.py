"""What people send who log in, choose a password or end sessions."""

import re
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from service.bodies import Reason, Strict
from service.identity.verifier import unverified
from service.problems import Problem
from tenants.fields import Email, Slug

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# As people type it: addresses are kept in lower case.
Address = Annotated[Email, BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)]
Password = Annotated[str, Field(max_length=1024, description="As it is typed")]
NewPassword = Annotated[str, Field(max_length=1024, description="12 to 128 characters; not made of common words alone")]
Opaque = Annotated[str, Field(min_length=1, max_length=8192)]


class _Secret(Strict):
    model_config = ConfigDict(hide_input_in_errors=True)


class LogIn(_Secret):
    """Who logs in, and for which organization."""

    email: Address
    password: Password
    organization: Slug | None = Field(None, description="Slug; left out: the last one, or the platform for its staff")


class Refresh(_Secret):
    """A refresh token counts once; the answer holds the next one."""

    refresh_token: Opaque
    organization: Slug | None = Field(None, description="Another organization to speak for; the same when left out")


class SetPassword(_Secret):
    """The first password, or another one, by a mailed token."""

    token: Opaque
    password: NewPassword


class ChangePassword(_Secret):
    """Another password, by whoever knows the current one."""

    current: Password
    new: NewPassword


class ResetPassword(_Secret):
    """Whose password is to be set anew."""

    email: Address


class Revoke(_Secret):
    """What is to count no more: one token, one log-in, or all of an address, an organization, or one in the other."""

    token: Opaque | None = Field(None, description="A signed token, or its jti")
    session: str | None = Field(None, pattern=_UUID.pattern, max_length=36)
    email: Address | None = None
    organization: Slug | None = None
    reason: Reason

    @model_validator(mode="after")
    def _names_one(self) -> "Revoke":
        named = [self.token is not None, self.session is not None, bool(self.email or self.organization)]
        if sum(named) != 1:
            raise ValueError("names not one thing; give token, or session, or email and organization or one of them")
        return self


class Rotate(_Secret):
    """A new signing key."""

    at_once: bool = Field(False, description="All others count no more, which logs everybody out of their tokens")
    reason: Reason


def jti_of(token: str) -> str:
    """The `jti` of a token, or the jti itself; raise a Problem (422). Nothing is verified: it only names a row."""
    if _UUID.fullmatch(token):
        return token
    found = unverified(token).get("jti")
    if not isinstance(found, str) or not _UUID.fullmatch(found):
        raise Problem(422, "no-token", "That is no signed token", "send a token of this issuer, or its jti")
    return found
