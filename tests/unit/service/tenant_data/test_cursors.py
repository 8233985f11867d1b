"""Cursors: read again as they were written, by whom they were written for, and in that query alone."""

import hashlib
import hmac
import uuid
from datetime import UTC, datetime

import pytest

from database.tenant_rows import NEWEST, Position
from service.problems import Problem
from service.tenant_data.cursors import Cursors

PLACE = Position(datetime(2026, 11, 25, 23, 59, 59, 123456, tzinfo=UTC), uuid.UUID(int=7))


def sign(purpose: str, text: str) -> bytes:
    return hmac.digest(b"key", f"{purpose}\0{text}".encode(), hashlib.sha256)


CURSORS = Cursors(sign, "1")


@pytest.mark.parametrize("place", [PLACE, NEWEST, Position(datetime(1969, 1, 1, tzinfo=UTC), uuid.UUID(int=0))])
def test_a_cursor_is_read_as_it_was_written(place: Position) -> None:
    assert CURSORS.read(CURSORS.write(place, "q"), "q") == place


def test_a_cursor_that_was_changed_anywhere_is_refused() -> None:
    written = CURSORS.write(PLACE, "q")
    for position in range(len(written)):
        for letter in "AZaz09-_=. ":
            changed = written[:position] + letter + written[position + 1 :]
            if changed != written:
                with pytest.raises(Problem, match="400"):
                    CURSORS.read(changed, "q")


@pytest.mark.parametrize("text", ["", "=", "A", "A" * 53, "A" * 54, "A" * 55, "é" * 54, "\n" * 54])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="400"):
        CURSORS.read(text, "q")


def test_a_cursor_fits_no_other_query_and_no_other_owner() -> None:
    written = CURSORS.write(PLACE, "q")
    for cursors, query in ((CURSORS, "q2"), (Cursors(sign, "2"), "q"), (Cursors(sign, "1 q"), "")):
        with pytest.raises(Problem, match="400"):
            cursors.read(written, query)
