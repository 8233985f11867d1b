"""Parameters of OAuth requests, from a query or a form: each at most once, short, and printable."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request

from service.errors import ServiceError

FORM = "application/x-www-form-urlencoded"
_LONGEST, _MOST = 8192, 40  # no token of ours is longer
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")
Parameters = Mapping[str, str]


class Malformed(ServiceError):
    """The parameters cannot be read; the text says which rule they break."""


def of_query(request: Request) -> Parameters:
    """The query's parameters; raise Malformed."""
    return _read(request.scope["query_string"])


async def of_form(request: Request) -> Parameters:
    """The body's parameters, which is a form of `Content-Type: application/x-www-form-urlencoded`; raise Malformed."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Malformed(f"the body is not a form; send it with Content-Type: {FORM}")
    return _read(await request.body())


def _read(given: bytes) -> Parameters:
    try:
        pairs = parse_qsl(given.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError as error:
        raise Malformed(f"the parameters are not form-encoded UTF-8, or more than {_MOST}") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a parameter is there more than once; send each once")
    if any(len(value) > _LONGEST for value in found.values()):
        raise Malformed(f"a parameter has more than {_LONGEST} characters")
    if any(_UNSEEN.search(name + value) for name, value in pairs):
        raise Malformed("a parameter holds a control character")
    # An empty one counts as left out (RFC 6749, 3.1).
    return {name: value for name, value in found.items() if value}
