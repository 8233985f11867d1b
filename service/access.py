"""Who calls: an operator by a token, the one who signed up by the token of that operation, or anybody."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from fastapi import Request

from database.operations import Operation
from service.problems import Problem

OPERATOR, ANYBODY = "operator", "sign-up"
_HEADERS = {"WWW-Authenticate": "Bearer"}


def new_token() -> tuple[str, str]:
    """A token that reads one operation, and what is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


class Access:
    """Judges the `Authorization` of requests. `operators` are further tokens, by the name of who holds one."""

    def __init__(self, operator_token: str, operators: Mapping[str, str] | None = None) -> None:
        named = {f"{OPERATOR}:{name}": digest(token) for name, token in (operators or {}).items()}
        self._operators = {OPERATOR: digest(operator_token), **named}

    def caller(self, request: Request) -> str:
        """`operator`, `operator:<name>`, or `sign-up` without a token; raise a Problem (401) for a wrong one."""
        token = _bearer(request)
        if token is None:
            return ANYBODY
        name = self._operator(digest(token))
        if name is None:
            raise _unauthorized("this token is not an operator's; leave it out to sign up")
        return name

    def require_operator(self, request: Request) -> str:
        """Who calls; raise a Problem (401) unless it is an operator."""
        caller = self.caller(request)
        if caller == ANYBODY:
            raise _unauthorized("send the operator's token: `Authorization: Bearer $OPERATOR_TOKEN`")
        return caller

    def _operator(self, hashed: str) -> str | None:
        """Whose token it is; every one is compared, so that time tells nothing."""
        found = [name for name, known in self._operators.items() if hmac.compare_digest(hashed, known)]
        return found[0] if found else None

    def require_reader(self, request: Request, operation: Operation | None) -> Operation:
        """The operation, if the caller may read it; raise a Problem (401, or 404 for the operator) otherwise."""
        token = digest(_bearer(request) or "")
        is_operator = self._operator(token) is not None
        is_its_own = hmac.compare_digest(token, (operation and operation.token_hash) or "")
        if operation is not None and (is_operator or is_its_own):
            return operation
        if is_operator:
            raise Problem(404, "no-such-operation", "There is no such operation", "look at the id again")
        raise _unauthorized("send the operator's token, or the one that came with this operation")


def _bearer(request: Request) -> str | None:
    given = request.headers.get("authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("write `Authorization: Bearer <token>`")
    return token.strip()


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", "The caller is not known", detail, headers=_HEADERS)
