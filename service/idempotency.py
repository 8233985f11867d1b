"""One key, one operation: what was answered is answered again, and never done again."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from database.operations import Operation
from service.access import Caller
from service.bodies import request_hash
from service.logs import REQUEST_ID
from service.problems import Problem, stored

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True)
class Asking:
    """Who asks, with which key, for what, in which request: as `database.operations.Wanted` takes it.

    `jti` names their token, `invitation_id` what they accept: both are judged again when it is their turn.
    """

    caller: str
    key: str
    request_hash: str
    request_id: str
    jti: str | None = None
    invitation_id: str | None = None


def asking(request: Request, caller: Caller, kind: str, asked: Mapping[str, Any]) -> Asking:
    """What `asked` is known by; without the header nobody repeats it. Raise a Problem (400) for a key that is none."""
    return Asking(caller.name, key_or_new(request), request_hash(kind, dict(asked)), REQUEST_ID.get(), caller.jti)


def key_of(request: Request) -> str:
    """The request's key; raise a Problem (400) if there is none."""
    key = request.headers.get(HEADER.lower())
    if key is None:
        raise Problem(
            400, "no-idempotency-key", f"The header {HEADER} is missing",
            f"send one of your choice, such as a UUID (`{HEADER}: {uuid.uuid4()}`), and the same when you retry",
        )  # fmt: skip
    return _checked(key)


def key_or_new(request: Request) -> str:
    """The request's key, or one that nobody repeats."""
    key = request.headers.get(HEADER.lower())
    return _checked(key) if key is not None else f"none-{uuid.uuid4()}"


def replay(operation: Operation, request_hash: str, *, status: int) -> JSONResponse:
    """What the key's operation has come to: its answer with `status`, or its problem.

    Raises a Problem: 422 if something else was asked with this key, 409 while the operation is at work.
    """
    if operation.request_hash != request_hash:
        raise Problem(
            422, "idempotency-key-reused", "This key was used for another request",
            f"take a new {HEADER} for a new request; the first one's operation is {operation.id}",
        )  # fmt: skip
    if operation.state == "PENDING":
        raise Problem(
            409, "in-flight", "The first request with this key is still at work",
            "ask again in a second, with the same key and body", headers={"Retry-After": "1"},
            more={"operation_id": operation.id},
        )  # fmt: skip
    if operation.problem is not None:
        raise stored(operation.problem)
    return JSONResponse(operation.answer, status)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise Problem(
            400, "bad-idempotency-key", f"The header {HEADER} is not valid",
            "send 1 to 200 printable ASCII characters without spaces",
        )  # fmt: skip
    return key
