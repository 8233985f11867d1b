"""Which version a change builds on: read from the request's headers, or asked for."""

import pytest
from fastapi import Request

from service.preconditions import expected, named_version
from service.problems import Problem


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [({"if_match": '"3"'}, 3), ({"if_match": '"0"'}, 0), ({"if_match": "*"}, "any"), ({"if_none_match": "*"}, "unset")],
)
def test_a_version_is_named(headers: dict[str, str], wanted: object) -> None:
    assert expected(request(**headers)) == wanted


def test_without_one_it_is_asked_for() -> None:
    assert named_version(request()) is None
    with pytest.raises(Problem) as asked:
        expected(request())
    assert asked.value.status == 428 and "If-Match" in asked.value.detail


@pytest.mark.parametrize(
    "headers",
    [
        {"if_match": "3"}, {"if_match": 'W/"3"'}, {"if_match": '"03"'}, {"if_match": '"3", "4"'}, {"if_match": '"-1"'},
        {"if_match": f'"{10**18}"'}, {"if_none_match": '"3"'}, {"if_match": '"3"', "if_none_match": "*"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        expected(request(**headers))
    assert refused.value.status == 400
