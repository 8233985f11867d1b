"""Named queries: each statement is found by its name, and a misspelt name says which there are."""

import re
from pathlib import Path

import pytest

from database.sql import query

ROOM = Path(__file__).parents[3] / "database"
FILES = sorted((ROOM / "queries").glob("*.sql"))
DECLARED = [
    f"{path.stem}.{name}" for path in FILES for name in re.findall(r"^-- name: (\w+)$", path.read_text(), re.MULTILINE)
]
USED = sorted(
    {
        name
        for path in ROOM.glob("*.py")
        for name in re.findall(rf'"((?:{"|".join(file.stem for file in FILES)})\.\w+)"', path.read_text())
    }
)
# What cannot be a parameter: names of Pulumi's tables, which psycopg's Identifier quotes.
IDENTIFIERS = {"states": {"{table}", "{index}"}}


@pytest.mark.parametrize("name", DECLARED)
def test_every_declared_query_is_one_statement(name: str) -> None:
    statement = query(name)
    assert statement == statement.strip(), "no blank lines are sent"
    assert "-- name:" not in statement, f"{name} swallowed its neighbour"
    assert statement.endswith(";"), f"{name} is cut off"
    outside = re.sub(r"\$\$.*?\$\$", "", statement, flags=re.DOTALL)
    assert outside.count(";") == 1, f"{name} holds more than one statement; parameters would not reach the second"


def test_names_are_given_once_in_a_file() -> None:
    assert len(DECLARED) == len(set(DECLARED)), "the second of two equal names would silently win"


def test_the_code_uses_exactly_the_queries_that_there_are() -> None:
    assert sorted(DECLARED) == USED, "an unused query rots, an unknown one fails at run time"


def test_an_unknown_query_names_the_ones_that_exist() -> None:
    with pytest.raises(KeyError, match=r"organizations.sql holds no query 'clam'; it has claim, by_slug"):
        query("organizations.clam")


def test_an_unknown_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        query("nowhere.claim")


@pytest.mark.parametrize("name", DECLARED)
def test_values_reach_a_statement_as_parameters_only(name: str) -> None:
    pasted = set(re.findall(r"\{\w*\}|%s\b|\$\d", query(name)))
    assert pasted <= IDENTIFIERS.get(name.partition(".")[0], set()), f"{name}: named parameters only"
