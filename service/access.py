"""Who calls, and whether they may: an operator by a static token, a person by a signed one, or anybody without one.

What a role may do is decided in `tenants/permissions.py`. Somebody of another organization is told what they would be
told if this one did not exist.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypedDict

from fastapi import Request

from database.operations import Operation
from service.bearer import bearer
from service.found import nobody
from service.identity.claims import API, Claims
from service.identity.errors import TokenRefused, ViewStale
from service.identity.opaque import digest
from service.logs import REQUEST_ID
from service.problems import Problem
from tenants.permissions import PERMISSIONS, PLATFORM_ROLES, permissions_of

OPERATOR, ANYBODY = "operator", "sign-up"
_HEADERS = {"WWW-Authenticate": "Bearer"}
_BY_NAME = {permission.name: permission for permission in PERMISSIONS}


class Verifies(Protocol):
    """What tells a good signed token (`service/identity/verifier.py`)."""

    def verify(self, token: str, audience: str) -> Claims:
        """What it says; raise TokenRefused or ViewStale."""


class Acting(TypedDict):
    """What a transaction is told of who acts in it: `database.transaction(**caller.acting(reason))`."""

    actor: str
    reason: str
    request_id: str


@dataclass(frozen=True)
class Caller:
    """Who calls. `name` is what histories and idempotency keys know them by: `operator`, `operator:<name>`, an e-mail
    address, or `sign-up`. `role` counts in organization `org_id` (`slug`), a platform's role in all of them.
    """

    name: str
    role: str | None = None
    org_id: int | None = None
    slug: str | None = None
    claims: Claims | None = None

    @property
    def is_known(self) -> bool:
        """Whether they came with a token."""
        return self.name != ANYBODY

    @property
    def jti(self) -> str | None:
        """What names their signed token."""
        return self.claims.jti if self.claims else None

    @property
    def everywhere(self) -> bool:
        """Whether the role counts in every organization."""
        return self.org_id is None and self.role in PLATFORM_ROLES

    def may(self, permission: str) -> bool:
        """Whether the role has it; a permission that there is not is nobody's."""
        return permission in (self.claims.permissions if self.claims else permissions_of(self.role or ""))

    def acting(self, reason: str) -> Acting:
        """The same for a transaction whose histories and audit entries shall name them."""
        return acting(self.name, reason)


def acting(name: str, reason: str) -> Acting:
    """Somebody acts in this request, for that reason."""
    return Acting(actor=name, reason=reason, request_id=REQUEST_ID.get())


class Access:
    """Judges the `Authorization` of requests. `operators` are further static tokens, by the name of who holds one."""

    def __init__(
        self, operator_token: str, operators: Mapping[str, str] | None = None, verifier: Verifies | None = None
    ) -> None:
        named = {f"{OPERATOR}:{name}": digest(token) for name, token in (operators or {}).items()}
        self._operators = {OPERATOR: digest(operator_token), **named}
        self._verifier = verifier

    def caller(self, request: Request) -> Caller:
        """Who calls, anybody without a token; raise a Problem: 401 for a wrong one, 503 if it cannot be told now."""
        if "authorization" not in request.headers:
            return Caller(ANYBODY)
        token = bearer(request)
        if not token:
            raise unauthorized("write `Authorization: Bearer <token>`")
        name = self._operator(digest(token))
        return Caller(name, OPERATOR) if name is not None else self._person(token)

    def known(self, request: Request) -> Caller:
        """The same, but 401 for anybody."""
        caller = self.caller(request)
        if not caller.is_known:
            raise unauthorized("log in (`POST /v1/auth/login`) and send `Authorization: Bearer <access token>`")
        return caller

    def require(self, request: Request, permission: str, slug: str | None = None) -> Caller:
        """Who calls, if they have the permission, in organization `slug` if it is named.

        Raises a Problem: 401 unknown, 404 in another organization, 403 if the role lacks it.
        """
        caller = self.known(request)
        if slug is not None and not caller.everywhere and slug != caller.slug:
            raise nobody(slug)
        check(caller, permission)
        return caller

    def require_reader(self, request: Request, operation: Operation | None) -> Operation:
        """The operation, if it is the caller's to read: by its own token, or `organization:read`.

        Raises a Problem: 401 unknown, 404 if it is another organization's or there is none.
        """
        if operation is not None and _is_its_own(request, operation):
            return operation
        caller = self.known(request)
        if operation is None or not (caller.everywhere or caller.org_id == operation.org_id):
            raise Problem(404, "no-such-operation", "There is no such operation", "look at the id again")
        check(caller, "organization:read")
        return operation

    def _operator(self, hashed: str) -> str | None:
        """Whose token it is; every one is compared, so that time tells nothing."""
        found = [name for name, known in self._operators.items() if hmac.compare_digest(hashed, known)]
        return found[0] if found else None

    def _person(self, token: str) -> Caller:
        if self._verifier is None or token.count(".") != 2:  # said whatever is known of revocations right now
            raise unauthorized("this token is nobody's; log in, or leave it out to sign up")
        try:
            claims = self._verifier.verify(token, API)
        except TokenRefused as refused:
            raise unauthorized(f"{refused}; log in again, or leave the token out to sign up") from refused
        except ViewStale as stale:
            raise stale.problem() from stale
        return Caller(claims.email, claims.role, claims.org_id, claims.org, claims)


def check(caller: Caller, permission: str) -> None:
    """Raise a Problem (403) that says who has the permission, unless the caller does."""
    if caller.may(permission):
        return
    needed = _BY_NAME[permission]
    holders = ", ".join(sorted(needed.roles))
    raise Problem(
        403, "forbidden", "The role does not allow it",
        f"to {needed.about} takes {permission}, which these have: {holders}; {caller.name} is "
        f"{caller.role or 'nothing here'}",
        more={"permission": permission, "roles": sorted(needed.roles)},
    )  # fmt: skip


def _is_its_own(request: Request, operation: Operation) -> bool:
    return hmac.compare_digest(digest(bearer(request)), operation.token_hash or "")


def unauthorized(detail: str) -> Problem:
    """401: who calls is not known, or not any more."""
    return Problem(401, "unauthorized", "The caller is not known", detail, headers=_HEADERS)
