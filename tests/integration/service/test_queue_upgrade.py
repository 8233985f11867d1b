"""The queue's tables after the library's version has changed: brought up one by one, recorded, never guessed."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import LiteralString

import pytest

from database import queue
from database.errors import MigrationError
from database.pool import Database
from database.queue import Shipped
from service.queue import Queue, shipped
from tests.integration.service.conftest import Stage

CATALOG = """
select 'column' as what, table_name || '.' || column_name || ' ' || data_type as name
from information_schema.columns where table_schema = 'jobs'
union select 'enum', t.typname || '.' || e.enumlabel from pg_enum e join pg_type t on t.oid = e.enumtypid
where t.typnamespace = 'jobs'::regnamespace
union select 'function', p.proname || md5(regexp_replace(p.prosrc, '\\s', '', 'g')) from pg_proc p
where p.pronamespace = 'jobs'::regnamespace
union select 'trigger', tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'jobs'::regnamespace and not tgisinternal
union select 'index', indexname from pg_indexes where schemaname = 'jobs'
"""


@pytest.fixture
def empty(stage: Stage) -> Iterator[Stage]:
    """A database without a queue, before and after."""
    drop = "drop schema if exists jobs cascade"
    execute(stage, drop)
    yield stage
    execute(stage, drop)


def execute(stage: Stage, *statements: LiteralString) -> None:
    async def run() -> None:
        async with Database(stage.prepared.platform, size=1) as database, database.transaction() as connection:
            for statement in statements:
                await connection.execute(statement)

    asyncio.run(run())


def prepare(stage: Stage, wanted: Shipped, at_once: int = 1) -> list[str]:
    """What ran, by all of the replicas that started at once."""

    async def run() -> list[str]:
        async with Database(stage.prepared.platform, size=at_once) as database:
            ran = await asyncio.gather(*(queue.prepare(database, wanted) for _ in range(at_once)))
        return [name for one in ran for name in one]

    return asyncio.run(run())


def recorded(stage: Stage) -> list[str]:
    return [row["name"] for row in stage.rows("select name from jobs.schema_migrations order by name")]


def catalog(stage: Stage) -> set[tuple[str, str]]:
    return {(row["what"], row["name"]) for row in stage.rows(CATALOG)}


def older(version: str) -> Shipped:
    """What the library shipped as of that version; of its schemas we have only the first."""
    now = shipped()
    first = min(now.migrations)
    found: Mapping[str, LiteralString] = {name: text for name, text in now.migrations.items() if name <= version}
    return Shipped(version, now.migrations[first], found)


def test_a_new_database_gets_the_schema_and_the_record_of_every_migration(empty: Stage) -> None:
    assert prepare(empty, shipped(), at_once=3) == []
    assert recorded(empty) == sorted(shipped().migrations)
    assert prepare(empty, shipped()) == [], "a second start changes nothing"


@pytest.mark.parametrize("version", ["00.00.00_01_initial.sql", "02.14.02", "03.01.00_01_pre_add_heartbeat.sql"])
def test_an_older_queue_is_brought_up_in_order_and_is_the_same_as_a_new_one(empty: Stage, version: str) -> None:
    prepare(empty, shipped())
    wanted = catalog(empty)
    execute(empty, "drop schema jobs cascade")
    first = older(min(shipped().migrations))
    prepare(empty, first)
    prepare(empty, older(version))
    rest = [name for name in sorted(shipped().migrations) if name > version]
    assert sorted(prepare(empty, shipped(), at_once=3)) == rest, "each once, whoever starts at the same time"
    order = empty.rows("select name from jobs.schema_migrations order by applied_at, name")
    assert [row["name"] for row in order] == sorted(shipped().migrations)
    assert catalog(empty) == wanted
    assert prepare(empty, shipped()) == []


def test_the_queue_of_a_brought_up_database_takes_jobs(empty: Stage) -> None:
    prepare(empty, older("00.00.00_01_initial.sql"))

    async def run() -> None:
        async with Database(empty.prepared.platform, size=1) as database:
            opened = Queue(empty.prepared.platform)
            await opened.open(database)
            try:
                await opened.resume("8b7c3a52-9a0e-4b0f-8f2b-0d1c2b3a4d5e")
            finally:
                await opened.close()

    asyncio.run(run())
    assert len(empty.rows("select id from jobs.procrastinate_jobs")) == 1


def test_tables_of_before_the_record_are_those_of_the_version_that_made_them(empty: Stage) -> None:
    prepare(empty, shipped())
    execute(empty, "drop table jobs.schema_migrations")
    newer: dict[str, LiteralString] = {**shipped().migrations, "03.99.00_01_new.sql": "create table new_one ()"}
    assert prepare(empty, replace(shipped(), migrations=newer)) == ["03.99.00_01_new.sql"]
    assert recorded(empty) == sorted(newer)
    assert ("index", "schema_migrations_pkey") in catalog(empty)


def test_a_queue_that_is_newer_than_the_library_is_refused_and_left_alone(empty: Stage) -> None:
    prepare(empty, shipped())
    execute(empty, "insert into jobs.schema_migrations (name) values ('99.00.00_01_future.sql')")
    with pytest.raises(
        MigrationError, match=r"99\.00\.00_01_future.*procrastinate .* does not know; start the checkout"
    ):
        prepare(empty, older("03.01.00_01_pre_add_heartbeat.sql"))
    assert len(recorded(empty)) == len(shipped().migrations) + 1


def test_a_migration_that_fails_is_named_and_neither_kept_nor_recorded(empty: Stage) -> None:
    prepare(empty, shipped())
    broken: dict[str, LiteralString] = {
        **shipped().migrations,
        "03.99.00_01_broken.sql": "create table half (); nonsense",
    }
    with pytest.raises(MigrationError, match=r"migration 03\.99\.00_01_broken"):
        prepare(empty, replace(shipped(), migrations=broken))
    assert recorded(empty) == sorted(shipped().migrations)
    assert not empty.rows("select from pg_tables where schemaname = 'jobs' and tablename = 'half'")
