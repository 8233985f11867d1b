"""Revisions, the epoch, and the platform's defaults: as PostgreSQL keeps them, whoever writes."""

import asyncio
import threading
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from database import configs
from database.pool import Database
from tests.integration.prepared import OURS, Prepared

PUT = """
insert into tenancy.service_configs as c (org_id, service, key, value, source) values (%s, 'test', %s, %s, 'api')
on conflict (org_id, service, key) do update set value = excluded.value, version = c.version + 1
returning revision
"""


def put(connection: psycopg.Connection[Any], org_id: int, key: str, value: str = "1") -> int:
    row = connection.execute(PUT, [org_id, key, value]).fetchone()
    assert row is not None
    return int(row[0])


def act_as(connection: psycopg.Connection[Any], org_id: int) -> None:
    connection.execute("select set_config('app.current_org', %s, true)", [str(org_id)])


def test_several_settings_of_one_transaction_share_a_revision_and_a_time(prepared: Prepared) -> None:
    org_id = prepared.ours
    with psycopg.connect(prepared.platform) as connection:
        first = [put(connection, org_id, key) for key in ("a", "b", "a")]
        connection.commit()
        then = put(connection, org_id, "b", "2")
        connection.commit()
        other = put(connection, prepared.foreign, "a")
        rows = connection.execute(
            "select count(distinct changed_at), count(*) from tenancy.config_history "
            "where org_id = %s and revision = %s",
            [org_id, first[0]],
        ).fetchone()
    assert len(set(first)) == 1 and then == first[0] + 1, "the next transaction has the next one"
    assert rows == (1, 3) and other <= then, "organizations count apart"


def test_revisions_commit_in_their_order(prepared: Prepared) -> None:
    with psycopg.connect(prepared.platform) as one, psycopg.connect(prepared.platform) as other:
        first = put(one, prepared.ours, "order_a")
        found: list[int] = []
        waiting = threading.Thread(target=lambda: found.append(put(other, prepared.ours, "order_b")))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive(), "the second waits for the first one's end"
        one.commit()
        waiting.join(10)
        assert found == [first + 1]


def test_the_catalog_and_writers_in_another_order_do_not_wait_for_each_other_for_ever(prepared: Prepared) -> None:
    async def catalog(database: Database, value: int) -> None:
        async with database.transaction() as connection:
            wanted = {("test", key): str(value) for key in ("c", "d", "e")}
            await configs.put_defaults(connection, prepared.foreign, {**wanted, ("ai", "threshold"): "0.5"})

    async def writer(database: Database) -> None:
        async with database.transaction(org_id=prepared.foreign) as connection:
            await connection.execute("select tenancy.lock_config_head()")
            for key in ("e", "c"):
                await connection.execute(
                    "update tenancy.service_configs set version = version + 1 "
                    "where org_id = %s and service = 'test' and key = %s",
                    [prepared.foreign, key],
                )

    async def run() -> None:
        async with Database(prepared.platform, size=6) as database:
            await catalog(database, 0)
            await asyncio.gather(*(catalog(database, n) if n % 2 else writer(database) for n in range(20)))

    asyncio.run(run())


def test_the_epoch_is_kept_until_the_database_is_another_one(prepared: Prepared) -> None:
    with psycopg.connect(prepared.platform) as connection, psycopg.connect(prepared.application) as application:
        epoch = "select tenancy.config_epoch()"
        before = connection.execute(epoch).fetchone()
        connection.commit()
        assert application.execute(epoch).fetchone() == before
        application.commit()
        for column in ("identity", "timeline"):
            connection.execute(f"update tenancy.config_epoch set {column} = 'of the backup'")  # type: ignore[call-overload]
            connection.commit()
            after = application.execute(epoch).fetchone()
            application.commit()
            assert before is not None and after is not None and after[0] > before[0], f"another {column}"
            assert connection.execute(epoch).fetchone() == after, "and kept"
            connection.commit()
            before = after


def test_the_platforms_defaults_are_everybodys_to_read_and_nobody_elses_to_write(prepared: Prepared) -> None:
    with psycopg.connect(prepared.platform) as connection:
        put(connection, 0, "everybodys")
    seen = "select org_id from tenancy.service_configs where key = 'everybodys'"
    for url in (prepared.application, prepared.tenants[OURS]):
        with psycopg.connect(url) as connection:
            act_as(connection, prepared.ours)
            assert connection.execute(seen).fetchall() == [(0,)]
            for org_id in (0, prepared.foreign):
                with pytest.raises(InsufficientPrivilege), connection.transaction():
                    put(connection, org_id, "everybodys")
            for statement in ("update tenancy.config_heads set revision = 9", "delete from tenancy.config_epoch"):
                with pytest.raises(InsufficientPrivilege), connection.transaction():
                    connection.execute(statement)


def test_what_went_out_is_forgotten_after_a_day(prepared: Prepared) -> None:
    async def run() -> None:
        async with Database(prepared.platform, size=1) as database:
            await configs.forget_published(database)

    with psycopg.connect(prepared.platform, autocommit=True) as connection:
        for key, age in (("old", "2 days"), ("new", "1 hour")):
            put(connection, prepared.ours, key)
            connection.execute(
                "update tenancy.outbox set published_at = now() - %s::interval where (org_id, key) = (%s, %s)",
                [age, prepared.ours, key],
            )
        put(connection, prepared.ours, "waits")
        asyncio.run(run())
        left = connection.execute(
            "select key from tenancy.outbox where org_id = %s and key in ('old', 'new', 'waits')", [prepared.ours]
        ).fetchall()
    assert sorted(left) == [("new",), ("waits",)]
