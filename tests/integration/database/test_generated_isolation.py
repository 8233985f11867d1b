"""Isolation, tried by statements that are made from the catalog: tables × commands × contexts × roles.

Nothing of another organization may be read, changed, or told: by rows, errors, plans, statistics, collisions of keys,
or by an answer that depends on what the other has. It runs on servers of its own, since it fills every table.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Generator, Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from database.errors import DatabaseFault
from database.pool import Connection, Database
from tests.integration.database import isolation_catalog, isolation_rows
from tests.integration.database.isolation_attempts import Attempt
from tests.integration.database.isolation_field import (
    APPLICATION,
    CONTEXTS,
    MARKS,
    TENANT,
    Field,
    everything,
    fielded,
    made,
    rows_now,
    run,
)
from tests.integration.database.isolation_survey import Outcome, Survey, refusal
from tests.integration.prepared import FOREIGN, OURS, prepare

_KEPT: LiteralString = """
select c.relname, a.attname from pg_class t
left join pg_index i on i.indrelid = t.oid and i.indexprs is not null
join pg_class c on c.oid in (t.oid, i.indexrelid)
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where t.relnamespace = 'tenancy'::regnamespace and t.relkind in ('r', 'p', 'm') and a.attstattarget <> 0
  and (has_any_column_privilege('agent_ready_app', t.oid, 'select')
       or has_any_column_privilege('agent_ready_tenant', t.oid, 'select'))
union all
select e.stxname, 'extended' from pg_statistic_ext e where e.stxnamespace = 'tenancy'::regnamespace
"""


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    with prepare() as prepared:
        yield fielded(prepared)


def test_no_attempt_reads_changes_or_learns_anything(field: Field) -> None:
    before = everything(field)
    surveys = [run(field, role, context) for role in (APPLICATION, TENANT) for context in CONTEXTS]
    found = [one for survey in surveys for one in survey.found]
    assert found == [], f"{len(found)} leaks, the first ones above"
    assert sum(survey.made for survey in surveys) >= 10_000, "fewer attempts than were promised"
    own = [survey.succeeded for survey in surveys if "context own" in survey.role]
    assert min(own) > 1000, "hardly anything was allowed: this proves nothing"
    assert everything(field) == before, "rows were changed"


def test_no_statistics_are_kept_where_an_organization_can_read(field: Field) -> None:
    """EXPLAIN shows them only in tables that are large enough; and pg_stats hides them from the owner too."""
    with psycopg.connect(field.prepared.platform) as platform:
        assert platform.execute(_KEPT).fetchall() == [], (
            "`alter column … set statistics 0`, also for expressions of indexes"
        )


@pytest.mark.parametrize("context", ["foreign", "0", "-1", "1e0", "' or true --", "9" * 30, "acme", " 2", "2\n", "{2}"])
def test_a_login_sees_its_own_rows_whatever_it_puts_into_the_context(field: Field, context: str) -> None:
    number = field.prepared.organizations
    value = str(number[FOREIGN]) if context == "foreign" else context
    with psycopg.connect(field.prepared.tenants[OURS]) as connection:
        connection.execute("select set_config('app.current_org', %s, false)", [value])
        for table in ("projects", "notes", "documents"):
            seen = connection.execute(f"select distinct org_id from tenancy.{table}").fetchall()
            assert seen == [(number[OURS],)], table
        made = connection.execute("insert into tenancy.projects (name) values ('by a pod') returning org_id").fetchone()
        assert made == (number[OURS],), "a row without an owner is the login's, not the context's"
        connection.rollback()


async def after_an_error(connection: Connection) -> None:
    await connection.execute("select 1/0")


async def after_a_cancelled_statement(connection: Connection) -> None:
    asyncio.get_running_loop().call_later(0.05, connection.cancel)
    await connection.execute("select pg_sleep(30)")


async def after_a_cancelled_task(connection: Connection) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(0.05, task.cancel)
    await connection.execute("select pg_sleep(30)")


@pytest.mark.parametrize("hazard", [after_an_error, after_a_cancelled_statement, after_a_cancelled_task])
def test_a_pooled_connection_carries_nothing_over(field: Field, hazard: Callable[[Connection], Any]) -> None:
    """It was at work for the other organization when that happened; then it is used without one, and for ours."""
    surveys = asyncio.run(_pooled(field, hazard))
    assert [one for survey in surveys for one in survey.found] == []
    assert min(survey.made for survey in surveys) > 300, "fewer attempts than were meant"


async def _pooled(field: Field, hazard: Callable[[Connection], Any]) -> list[Survey]:
    number, surveys = field.prepared.organizations, []
    async with Database(field.prepared.application, size=1) as database:
        for context, org_id in (("unset", None), ("own", number[OURS])):
            with pytest.raises((DatabaseFault, asyncio.CancelledError)):
                await asyncio.create_task(_work(database, number[FOREIGN], hazard))
            survey = field.survey(APPLICATION, context)
            async with database.transaction(org_id=org_id) as connection:
                await _drive(connection, survey.inquire(_short(field, survey)))
            surveys.append(survey)
    return surveys


async def _work(database: Database, org_id: int, hazard: Callable[[Connection], Any]) -> None:
    async with database.transaction(org_id=org_id) as connection:
        await connection.execute("select * from tenancy.notes")
        await hazard(connection)


def _short(field: Field, survey: Survey) -> list[Attempt]:
    """The attempts that read and write rows, of each table."""
    with psycopg.connect(field.prepared.application) as connection:
        kinds = {
            "SELECT",
            "SELECT WHERE",
            "COUNT",
            "UPDATE",
            "DELETE",
            "UPDATE ALL",
            "DELETE ALL",
            "INSERT",
            "INSERT OWN",
        }
        return [one for one in made(field, survey, connection, whole=False) if one.command in kinds]


async def _drive(connection: Connection, inquiry: Generator[str, Outcome, None]) -> None:
    try:
        statement = next(inquiry)
        while True:
            statement = inquiry.send(await _attempted(connection, statement))
    except StopIteration:
        return


async def _attempted(connection: Connection, statement: str) -> Outcome:
    try:
        async with connection.transaction(force_rollback=True):
            cursor = await connection.execute(statement)  # type: ignore[arg-type]
            rows = await cursor.fetchall() if cursor.description else []
            return Outcome("ok", max(cursor.rowcount, 0), [{name: str(row[name]) for name in row} for row in rows])
    except psycopg.Error as error:
        return refusal(error, [])


#: What may be forgotten or done wrong when a table is made, and a kind of attempt that has to notice it.
BROKEN: dict[str, tuple[str, str]] = {
    "row level security is not enabled": ("alter table tenancy.scratch disable row level security", "SELECT"),
    "a policy lets everybody read": ("create policy wrong on tenancy.scratch for select using (true)", "SELECT WHERE"),
    "a policy lets everybody change": (
        "create policy wrong on tenancy.scratch for update using (true); "
        "create policy seen on tenancy.scratch for select using (true)", "UPDATE ALL"),
    "a policy lets everybody delete": (
        "create policy wrong on tenancy.scratch for delete using (true)", "DELETE ALL"),
    "a policy lets rows be given away": (
        "create policy wrong on tenancy.scratch for insert with check (true)", "INSERT"),
    "a name is taken for everybody": ("create unique index on tenancy.scratch (name)", "INSERT OWN"),
    "an index begins with something else": ("create index on tenancy.scratch (name)", "EXPLAIN BY INDEX"),
    "the planner keeps values": (
        "alter table tenancy.scratch alter column size set statistics 100; insert into tenancy.scratch "
        "select (select id from tenancy.organizations where slug = 'foreign'), g::text, 'isolation-other-size-0' "
        "from generate_series(1, 3000) g; analyze tenancy.scratch", "EXPLAIN"),
    "two policies are joined by OR": (
        "create policy wrong on tenancy.scratch for select using (org_id = 0)", "EXPLAIN BY INDEX"),
    "a policy asks when the first row does": (
        "alter policy own on tenancy.scratch using (org_id = (select tenancy.current_org()))",
        "EXPLAIN ANALYZE RANGE"),
    "a view does as its owner may": ("create view tenancy.scratch_view as select * from tenancy.scratch; "
        "grant select on tenancy.scratch_view to agent_ready_app", "SELECT"),
    "TRUNCATE was granted": ("grant truncate on tenancy.scratch to agent_ready_app", "TRUNCATE"),
    "a function does as its owner may": (
        "create function tenancy.scratch_of(org bigint) returns setof text language sql security definer "
        "return (select name from tenancy.scratch where org_id = org limit 1); "
        "grant execute on function tenancy.scratch_of(bigint) to agent_ready_app", "FUNCTION"),
}  # fmt: skip
SOUND = """
create table tenancy.scratch (org_id bigint not null, name text not null, size text not null default 'some',
  primary key (org_id, name));
alter table tenancy.scratch enable row level security, force row level security;
create policy platform on tenancy.scratch to current_user using (true) with check (true);
create policy own on tenancy.scratch to agent_ready_app
  using (org_id = tenancy.current_org()) with check (org_id = tenancy.current_org());
alter table tenancy.scratch alter column org_id set statistics 0, alter column name set statistics 0,
  alter column size set statistics 0;
grant select, insert, update, delete on tenancy.scratch to agent_ready_app
"""


@pytest.fixture
def scratch(field: Field) -> Iterator[Callable[[str], Field]]:
    """A function that makes a table, which is gone afterwards, does something to it, and fills it as all are filled."""

    def make(change: str) -> Field:
        with psycopg.connect(field.prepared.platform, autocommit=True) as platform:
            platform.execute(SOUND)
            numbers = {MARKS[slug]: number for slug, number in field.prepared.organizations.items()}
            isolation_rows.fill(platform, isolation_catalog.read(platform).only("scratch"), numbers)
            if change:
                platform.execute(change)  # type: ignore[call-overload]
            catalog = isolation_catalog.read(platform)
            catalog = dataclasses.replace(catalog.only("scratch", "scratch_view"), functions=tuple(
                one for one in catalog.functions if one[0].startswith("scratch")))  # fmt: skip
            return Field(field.prepared, catalog, rows_now(platform, catalog, field.prepared))

    yield make
    with psycopg.connect(field.prepared.platform, autocommit=True) as platform:
        platform.execute("drop table tenancy.scratch cascade; drop function if exists tenancy.scratch_of(bigint)")


def test_a_sound_table_is_covered_without_editing_anything(scratch: Callable[[str], Field]) -> None:
    survey = run(scratch(""), APPLICATION, "own")
    assert survey.found == []
    assert survey.made > 80, "a new table is attacked as the others are"


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_is_noticed(scratch: Callable[[str], Field], mistake: str) -> None:
    change, command = BROKEN[mistake]
    found = run(scratch(change), APPLICATION, "own").found
    assert any(f": {command} scratch" in one for one in found), f"{mistake}: not noticed by {command}, but by {found}"


def test_a_table_that_cannot_be_filled_is_a_failure(field: Field) -> None:
    with psycopg.connect(field.prepared.platform) as platform:
        platform.execute("create table tenancy.strange (org_id bigint, at point not null)")
        catalog = isolation_catalog.read(platform).only("strange")
        with pytest.raises(isolation_rows.CannotFill, match=r"tenancy\.strange"):
            isolation_rows.fill(platform, catalog, {MARKS[OURS]: field.prepared.ours})
        platform.rollback()
