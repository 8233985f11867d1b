"""`If-Match` and `If-None-Match` of a setting: which version a change builds on."""

import re

from fastapi import Request

from database.settings import Expected
from service.problems import Problem

_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def expected(request: Request) -> Expected:
    """The version that the caller names; raise a Problem: 428 if none is, 400 if it cannot be read."""
    named = named_version(request)
    if named is None:
        raise Problem(
            428, "precondition-required", "The change does not say which version it builds on",
            'send `If-Match: "<version>"` with the `ETag` of what you read, or `If-None-Match: *` for a first value; '
            "`If-Match: *` takes any version",
        )  # fmt: skip
    return named


def named_version(request: Request) -> Expected | None:
    """The same, or None if none is named."""
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    if match is None and none_match is None:
        return None
    if match is None and none_match == "*":
        return "unset"
    if none_match is None and match == "*":
        return "any"
    found = _VERSION.fullmatch(match or "")
    if found is None or none_match is not None:
        raise Problem(
            400, "bad-precondition", "The precondition cannot be read",
            'send one of `If-Match: "<version>"`, such as "3" in its quotes, `If-Match: *`, and `If-None-Match: *`',
        )  # fmt: skip
    return int(found[1])
