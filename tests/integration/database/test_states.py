"""Pulumi's tables in a schema of the role's own name: made once by many, read, listed with ages, forgotten."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database import states
from database.pool import Database
from tests.integration.prepared import Prepared

ROLE, TABLE = "states_of_tests", "pulumi_state_a3"
PASSWORD = "only-for-this-test"
Scenario = Callable[[Database], Awaitable[None]]


@pytest.fixture
def run(prepared: Prepared) -> Iterator[Callable[[Scenario], None]]:
    async def within(scenario: Scenario) -> None:
        url = make_conninfo(**{**conninfo_to_dict(prepared.platform), "user": ROLE, "password": PASSWORD})
        async with Database(url) as database:
            await scenario(database)

    with psycopg.connect(prepared.platform, autocommit=True) as connection:
        connection.execute(f"create role {ROLE} login password '{PASSWORD}'")
        connection.execute(f"grant {ROLE} to current_user")
        connection.execute(f"create schema {ROLE} authorization {ROLE}")
        yield lambda scenario: asyncio.run(within(scenario))
        connection.execute(f"drop schema {ROLE} cascade")
        connection.execute(f"drop role {ROLE}")


def test_many_may_make_a_table_at_once(run: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database) -> None:
        await asyncio.gather(*(states.make(database, TABLE) for _ in range(8)))
        assert await states.tables(database, "pulumi_state") == [TABLE]
        assert await states.tables(database, "pulumi") == [], "another family's"

    run(scenario)


def test_what_is_kept_is_found_until_it_is_removed(run: Callable[[Scenario], None]) -> None:
    async def scenario(database: Database) -> None:
        await states.make(database, TABLE)
        assert await states.read(database, TABLE, "db/a.json") is None
        for text in ("{}", 'ä "%s" {}'):
            await states.write(database, TABLE, "db/a.json", text)
            assert await states.read(database, TABLE, "db/a.json") == text
        await states.write(database, TABLE, "db_a.json", "another folder's, although _ is a pattern's")
        assert [*await states.below(database, TABLE, "db/")] == ["db/a.json"]
        assert 0 <= (await states.below(database, TABLE, "db/"))["db/a.json"] < 60
        await states.remove(database, TABLE, ["db/a.json", "db/never.json"])
        assert await states.below(database, TABLE, "db/") == {}

    run(scenario)
