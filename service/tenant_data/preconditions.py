"""`If-Match`: which version of a row a change builds on, and what is told if it is another by now."""

from fastapi import Request

from database.tenant_rows import Kept
from service.preconditions import named_version
from service.problems import Problem


def required(request: Request) -> int | None:
    """The version that the caller names, None for any; raise a Problem: 428 if none is named, 400 if unreadable."""
    if request.headers.get("if-match") is None:
        raise Problem(
            428, "precondition-required", "The change does not say which version it builds on",
            'send `If-Match: "<version>"` with the `ETag` of what you read; `If-Match: *` takes any version',
        )  # fmt: skip
    return optional(request)


def optional(request: Request) -> int | None:
    """The same; None also if none is named."""
    named = named_version(request)
    if named == "unset":
        raise Problem(
            400, "bad-precondition", "The precondition cannot be read",
            'send `If-Match: "<version>"`, such as "3" in its quotes, or `If-Match: *`',
        )  # fmt: skip
    return named if isinstance(named, int) else None


def tag(row: Kept) -> str:
    """The row's `ETag`."""
    return f'"{row.version}"'


def outdated(row: Kept) -> Problem:
    """It lives, at another version."""
    return Problem(
        412, "outdated", "It was changed meanwhile",
        f"it is at version {row.version} by now; read it again, and send what it is to be",
        headers={"ETag": tag(row)}, more={"version": row.version},
    )  # fmt: skip
