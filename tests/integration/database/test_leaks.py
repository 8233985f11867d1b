"""No role reads or writes another organization's rows: every table, every statement, every way to set the context."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import CheckViolation, GeneratedAlways, InsufficientPrivilege

from database.errors import DatabaseFault
from database.pool import Database
from tests.integration.prepared import FOREIGN, OURS, Prepared

UNSET = None
PLATFORM = 0  # whose settings are everybody's defaults, to read
_NUMBERED = """
select c.relname, min(a.attname) filter (
  where a.attname = case c.relname when 'organizations' then 'id' else 'org_id' end)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'tenancy'::regnamespace and c.relkind in ('r', 'p') group by c.relname order by 1
"""


@pytest.fixture(scope="module")
def tables(prepared: Prepared) -> dict[str, str | None]:
    """Every table of the schema, and the column that names the organization."""
    with psycopg.connect(prepared.platform) as connection:
        return dict(connection.execute(_NUMBERED).fetchall())


def contexts(prepared: Prepared) -> dict[str, tuple[str, str | None, set[int]]]:
    """For each case: the role's URL, what it puts into app.current_org, and whose rows it may see."""
    ours, foreign = prepared.ours, prepared.foreign
    tenant = prepared.tenants[OURS]
    return {
        "the application in our context": (prepared.application, str(ours), {ours}),
        "the application in the other context": (prepared.application, str(foreign), {foreign}),
        "the application without a context": (prepared.application, UNSET, set()),
        "the application in an empty context": (prepared.application, "", set()),
        "our login, context set to ours": (tenant, str(ours), {ours}),
        "our login, context set to the other": (tenant, str(foreign), {ours}),
        "our login without a context": (tenant, UNSET, {ours}),
        "our login, context empty": (tenant, "", {ours}),
        "the other login, context set to ours": (prepared.tenants[FOREIGN], str(ours), {foreign}),
    }


CASES = list(contexts(Prepared("", "", {OURS: "", FOREIGN: ""}, {OURS: 1, FOREIGN: 2}, "", Path(), {})))


@pytest.fixture(params=CASES)
def acting(request: pytest.FixtureRequest, prepared: Prepared) -> Iterator[tuple[psycopg.Connection[Any], set[int]]]:
    """A connection in one of these contexts; whatever it did is rolled back."""
    url, context, allowed = contexts(prepared)[request.param]
    with psycopg.connect(url) as connection:
        if context is not UNSET:
            connection.execute("select set_config('app.current_org', %s, false)", [context])
        connection.commit()
        yield connection, allowed
        connection.rollback()


def attempt(connection: psycopg.Connection[Any], statement: sql.Composed, *values: Any) -> int | None:
    """How many rows a statement touched, or None if it was refused; nothing of it stays."""
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(statement, values).rowcount
    except (InsufficientPrivilege, GeneratedAlways, CheckViolation):
        return None


def test_a_select_shows_the_allowed_rows_and_no_others(
    acting: tuple[psycopg.Connection[Any], set[int]], tables: dict[str, str | None]
) -> None:
    connection, allowed = acting
    readable = {}
    for table, column in tables.items():
        wanted = sql.SQL("select {} from tenancy.{}").format(sql.Identifier(column or "ctid"), sql.Identifier(table))
        try:
            readable[table] = {row[0] for row in connection.execute(wanted)}
        except InsufficientPrivilege:
            connection.rollback()
            connection.execute("select 1")
    assert {"organizations", "service_configs", "config_history", "quota_changes"} <= readable.keys()
    assert readable.pop("config_epoch"), "the same for everybody"
    readable = {table: seen - {PLATFORM} for table, seen in readable.items()}
    assert readable == dict.fromkeys(readable, allowed), "the allowed rows, all of them, and no others"


def test_what_is_not_allowed_is_neither_changed_nor_deleted(
    acting: tuple[psycopg.Connection[Any], set[int]], tables: dict[str, str | None], prepared: Prepared
) -> None:
    """Every column by itself: rights are given column by column. Without WHERE, which would need the right to read."""
    connection, allowed = acting
    for table, column in tables.items():
        most = _count(prepared, table, column, allowed)
        update = sql.SQL("update tenancy.{0} set {1} = {1}")
        for name in _columns(prepared, table):
            changed = attempt(connection, update.format(sql.Identifier(table), sql.Identifier(name)))
            assert changed is None or changed <= most, f"{table}.{name}: {changed} rows changed, {most} are allowed"
        deleted = attempt(connection, sql.SQL("delete from tenancy.{}").format(sql.Identifier(table)))
        assert deleted is None or deleted <= most, f"{table}: {deleted} rows deleted, {most} are allowed"


def _columns(prepared: Prepared, table: str) -> list[str]:
    with psycopg.connect(prepared.platform) as connection:
        named = "select column_name from information_schema.columns where table_schema = 'tenancy' and table_name = %s"
        return [row[0] for row in connection.execute(named, [table])]


def _count(prepared: Prepared, table: str, column: str | None, allowed: set[int]) -> int:
    if column is None:
        return 0
    counted = sql.SQL("select count(*) from tenancy.{} where {} = any(%s)")
    with psycopg.connect(prepared.platform) as connection:
        found = connection.execute(counted.format(sql.Identifier(table), sql.Identifier(column)), [list(allowed)])
        return int((found.fetchone() or (0,))[0])


def test_no_row_is_given_to_another_organization(
    acting: tuple[psycopg.Connection[Any], set[int]], tables: dict[str, str | None], prepared: Prepared
) -> None:
    """By an insert of a copy, with numbers of its own, nor by changing whose an allowed row is."""
    connection, allowed = acting
    for number in {prepared.ours, prepared.foreign} - allowed:
        for table, column in tables.items():
            if column is None:
                continue
            row = _row_of(prepared, table, column, number)
            insert = sql.SQL(
                "insert into tenancy.{0} overriding system value "
                "select (jsonb_populate_record(null::tenancy.{0}, %s)).*"
            )
            assert attempt(connection, insert.format(sql.Identifier(table)), row) is None, f"insert into {table}"
            move = sql.SQL("update tenancy.{0} set {1} = %s").format(*map(sql.Identifier, (table, column)))
            assert not attempt(connection, move, number), f"update of {table}"


def _row_of(prepared: Prepared, table: str, column: str, number: int) -> str:
    """An existing row of that organization as JSON text; a made-up one where it has none."""
    with psycopg.connect(prepared.platform) as connection:
        statement = sql.SQL("select to_jsonb(t)::text from tenancy.{} t where {} = %s limit 1")
        found = connection.execute(statement.format(sql.Identifier(table), sql.Identifier(column)), [number]).fetchone()
    return str(found[0]) if found else f'{{"{column}": {number}}}'


def test_a_pooled_connection_carries_nothing_over_after_an_error(prepared: Prepared) -> None:
    async def seen(database: Database, org_id: int | None) -> list[int]:
        async with database.transaction(org_id=org_id) as connection:
            rows = await (await connection.execute("select id from tenancy.organizations")).fetchall()
        return [row["id"] for row in rows]

    async def run() -> None:
        async with Database(prepared.application, size=1) as database:
            assert await seen(database, prepared.ours) == [prepared.ours]
            with pytest.raises(DatabaseFault, match="division by zero"):
                async with database.transaction(org_id=prepared.ours) as connection:
                    await connection.execute("select 1/0")
            assert await seen(database, None) == [], "the failed transaction's context is gone"
            with pytest.raises(KeyError):
                async with database.transaction(org_id=prepared.ours):
                    raise KeyError
            assert await seen(database, prepared.foreign) == [prepared.foreign]
            assert await seen(database, None) == []

    asyncio.run(run())


def test_a_login_cannot_become_another(prepared: Prepared) -> None:
    with psycopg.connect(prepared.tenants[OURS], autocommit=True) as connection:
        others = connection.execute("select rolname from pg_roles where rolname <> session_user").fetchall()
        for (role,) in others:
            for statement in ("set role {}", "set session authorization {}"):
                if (role, statement) == ("agent_ready_tenant", "set role {}"):
                    continue
                with pytest.raises(InsufficientPrivilege):
                    connection.execute(sql.SQL(statement).format(sql.Identifier(role)))  # type: ignore[arg-type]
        connection.execute("set role agent_ready_tenant")
        rows = connection.execute("select id from tenancy.organizations").fetchall()
        assert rows == [(prepared.ours,)], "the group role sees what the login sees"
        for statement in (
            "create table tenancy.mine (a int)",
            "create temporary table mine (a int)",
            "create schema mine",
        ):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)


def test_an_unbound_login_sees_nothing(prepared: Prepared) -> None:
    with psycopg.connect(prepared.platform) as platform, psycopg.connect(prepared.tenants[OURS]) as tenant:
        tenant.autocommit = True
        platform.execute("create role tenant_stray in role agent_ready_tenant")
        bound = platform.execute(
            "select * from tenancy.organization_roles where org_id = %s", [prepared.ours]
        ).fetchone()
        assert bound is not None
        platform.execute("delete from tenancy.organization_roles where org_id = %s", [prepared.ours])
        platform.commit()
        try:
            assert tenant.execute("select id from tenancy.organizations").fetchall() == []
        finally:
            platform.execute("insert into tenancy.organization_roles values (%s, %s, %s, %s, %s)", bound)
            platform.execute("drop role tenant_stray")
