"""The schema as it really is: what the committed file says, closed by default, histories that cannot be rewritten."""

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from database import dump, logins, organizations
from database.errors import DatabaseFault
from database.organizations import Facts
from database.pool import Database
from database.scram import verifier
from tests.integration.prepared import Prepared

UNGUARDED = """
select c.relname::text from pg_class c
where c.relnamespace = 'tenancy'::regnamespace and c.relkind in ('r', 'p')
  and (c.relname = 'organizations' or exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped))
  and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
"""
HISTORIES = ("config_history", "quota_changes")


def rows(url: str, statement: str, *values: Any) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]


def test_the_committed_schema_is_what_the_migrations_lead_to(prepared: Prepared) -> None:
    fresh = dump.schema_of(prepared.platform, {"PATH": prepared.path})
    assert dump.FILE.read_text() == fresh, "run `python -m database.dump` after a new migration, and read what changed"


def test_every_table_of_organizations_has_a_forced_policy(prepared: Prepared) -> None:
    assert rows(prepared.platform, UNGUARDED) == [], "enable and force row level security, and write a policy"


@pytest.mark.parametrize("guard", [
    "", "alter table tenancy.forgotten enable row level security",
    "alter table tenancy.forgotten enable row level security, force row level security",
])  # fmt: skip
def test_a_table_without_a_forced_policy_is_found(prepared: Prepared, guard: str) -> None:
    with psycopg.connect(prepared.platform) as connection:
        connection.execute("create table tenancy.forgotten (org_id bigint)")
        connection.execute(guard)  # type: ignore[arg-type]
        assert connection.execute(UNGUARDED).fetchall() == [("forgotten",)]
        connection.rollback()


def test_nothing_in_the_schema_is_everybodys(prepared: Prepared) -> None:
    functions = """select p.proname from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                   where p.pronamespace = 'tenancy'::regnamespace and a.grantee = 0"""
    assert rows(prepared.platform, functions) == [], "revoke execute from public in the migration that makes it"


@pytest.mark.parametrize("table", HISTORIES)
@pytest.mark.parametrize(
    "statement", ["update tenancy.{} set actor = 'x'", "delete from tenancy.{}", "truncate tenancy.{}"]
)
def test_histories_are_append_only_for_their_owner_too(prepared: Prepared, table: str, statement: str) -> None:
    for url in (prepared.platform, prepared.application, *prepared.tenants.values()):
        with psycopg.connect(url) as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(statement.format(table))  # type: ignore[arg-type]


@pytest.mark.parametrize("table", HISTORIES)
def test_nobody_but_the_owner_has_a_right_to_write_a_history(prepared: Prepared, table: str) -> None:
    held = """select r, p from unnest('{agent_ready_app,agent_ready_tenant}'::name[]) r,
              unnest('{insert,update,delete,truncate}'::text[]) p where has_table_privilege(r, %s, p)"""
    assert rows(prepared.platform, held, f"tenancy.{table}") == []


def test_a_changed_quota_is_recorded_with_actor_and_reason_and_an_unchanged_one_is_not(prepared: Prepared) -> None:
    async def run() -> int:
        async with Database(prepared.platform, size=1) as database:
            async with database.transaction() as connection:
                row = await organizations.claim(
                    connection, "growing", Facts("G", "starter", {"cpu": "1"}), managed_by="t"
                )
            for quota, name in (({"cpu": "2", "memory": "1Gi"}, "G"), ({"cpu": "2", "memory": "1Gi"}, "Renamed")):
                async with database.transaction(actor="ada", reason="more load") as connection:
                    await organizations.describe(connection, row.id, Facts(name, "starter", quota), managed_by="t")
        return row.id

    org_id = asyncio.run(run())
    changes = (
        "select resource, old_value, new_value, actor, reason from tenancy.quota_changes where org_id = %s order by id"
    )
    assert rows(prepared.platform, changes, org_id)[1:] == [
        ("cpu", "1", "2", "ada", "more load"), ("memory", None, "1Gi", "ada", "more load"),
    ]  # fmt: skip


def test_the_end_of_an_organization_ends_its_logins_and_sets_the_day_of_the_purge(prepared: Prepared) -> None:
    role = "tenant_ending_1"

    async def run() -> int:
        async with Database(prepared.platform, size=1) as database:
            async with database.transaction() as connection:
                facts = Facts("E", "starter", retention_days=7)
                row = await organizations.claim(connection, "ending", facts, managed_by="t")
                await logins.bind(connection, row.id, role, 1, fresh="p")
                made = f"create role {role} login password '{verifier(role, 'p')}' in role agent_ready_tenant"
                await connection.execute(made)  # type: ignore[arg-type]
            user = psycopg.conninfo.make_conninfo(prepared.platform, user=role, password="p")
            with psycopg.connect(user, autocommit=True) as session:
                session.execute("select lo_create(0)")  # it owns something, and is connected
                async with database.transaction() as connection:
                    await organizations.delete(connection, row.id, managed_by="t")
                with pytest.raises(psycopg.OperationalError):
                    session.execute("select 1")
            with pytest.raises(DatabaseFault, match="belongs to no organization"):
                async with database.transaction() as connection:
                    await logins.drop(connection, "agent_ready_app")
        return row.id

    org_id = asyncio.run(run())
    assert rows(prepared.platform, "select count(*) from pg_roles where rolname = %s", role) == [(0,)]
    kept = "select purge_after - deleted_at = interval '7 days', status from tenancy.organizations where id = %s"
    assert rows(prepared.platform, kept, org_id) == [(True, "DELETED")]
