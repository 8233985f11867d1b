"""What row-level security costs: the service's own queries as the application's role, which policies judge, and as the
owner, whom they do not judge here, with the organization named in the query. In turns, on the same rows.
"""

import random
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg

from database.sql import query

Json = dict[str, Any]
_CONTEXT: LiteralString = "select set_config('app.current_org', %s, false)"
_FILL: tuple[LiteralString, ...] = (
    """insert into tenancy.organizations (slug, name, plan, status, managed_by)
       select 'rls-' || g, 'rls', 'starter', 'COMMITTED', 'bench' from generate_series(1, %(organizations)s) g""",
    """insert into tenancy.projects (org_id, name, description, created_by, created_at)
       select o.id, 'project ' || g, 'one of many', 'bench', now() - g * interval '1 minute'
       from tenancy.organizations o, generate_series(1, %(each)s) g where o.slug like 'rls-%%'""",
    """insert into tenancy.notes (org_id, project_id, title, body, created_by, created_at)
       select p.org_id, p.id, 'note ' || g, t.body, 'bench', now() - g * interval '1 second'
       from (select distinct on (org_id) org_id, id from tenancy.projects where name = 'project 1') p,
         generate_series(1, %(each)s) g,
         lateral (select string_agg('word' || ((g * 7919 + w * (p.org_id * 31 + w)) %% 1000), ' ') as body
                  from generate_series(1, 30) w) t""",
)
# Vacuumed, and analyzed as autovacuum does; the owner is not judged by policies from here on.
_SETTLE: tuple[LiteralString, ...] = tuple(
    statement
    for table in ("projects", "notes")
    for statement in (
        f"vacuum analyze tenancy.{table}",
        f"alter table tenancy.{table} no force row level security",
    )
)


@dataclass(frozen=True)
class Sizes:
    """So many organizations with so many projects and notes each, and repetitions of each query."""

    organizations: int = 200
    each: int = 500
    repeats: int = 1500


@dataclass(frozen=True)
class Case:
    """A query of the service, and what it is asked with."""

    what: str
    name: str
    values: Callable[[Json], Json]


_PAGE = {"at": datetime(9999, 1, 1, tzinfo=UTC), "before": UUID(int=2**128 - 1), "most": 51}
CASES = (
    Case("a note by its id", "notes.read", lambda row: row),
    Case("a project by its id", "projects.read", lambda row: {"id": row["project_id"]}),
    Case("a page of 50 notes", "notes.living", lambda row: {**row, **_PAGE, "words": None}),
    Case("a search among notes", "notes.living", lambda row: {**row, **_PAGE, "words": row["body"][:15]}),
    Case("write a note", "notes.add", lambda row: {**row, "title": "new"}),
    Case("create a project", "projects.add", lambda row: {"name": f"new {random.random()}", "description": ""}),
)


def measured(platform: str, application: str, sizes: Sizes) -> list[Json]:
    """Fill the database, measure; rows with medians in seconds."""
    with (
        psycopg.connect(platform, autocommit=True) as owner,
        psycopg.connect(application, autocommit=True) as role,
    ):
        for statement in _FILL:
            owner.execute(statement, vars(sizes))
        for statement in _SETTLE:
            owner.execute(statement)
        notes = "select id, org_id, project_id, body from tenancy.notes order by md5(id::text) limit %s"
        rows = [dict(zip(("id", "org_id", "project_id", "body"), row, strict=True))
                for row in owner.execute(notes, [sizes.repeats])]  # fmt: skip
        return [_case(case, owner, role, rows) for case in CASES]


def _case(case: Case, owner: psycopg.Connection[Any], role: psycopg.Connection[Any], rows: list[Json]) -> Json:
    under, free = query(case.name), explicit(query(case.name))
    took: dict[str, list[float]] = {"under": [], "free": []}
    for number, row in enumerate(rows):
        for connection in (owner, role):
            connection.execute(_CONTEXT, [str(row["org_id"])])
        values = case.values(row) | {"org_id": row["org_id"]}
        turns = [("under", role, under), ("free", owner, free)]
        for name, connection, statement in turns if number % 2 else reversed(turns):
            took[name].append(_timed(connection, statement, values | case.values(row)))
    warm = len(rows) // 10  # connections prepare what they have run five times
    medians = {name: statistics.median(all_[warm:]) for name, all_ in took.items()}
    return {"what": case.what, **medians, "ratio": medians["under"] / medians["free"]}


def _timed(connection: psycopg.Connection[Any], statement: LiteralString, values: Json) -> float:
    began = time.perf_counter()
    connection.execute(statement, values).fetchall()
    return time.perf_counter() - began


def explicit(statement: LiteralString) -> LiteralString:
    """The same with the organization named wherever a table is read or written."""
    named = re.sub(
        r"(from|update) (tenancy\.\w+)( p)?(.*?)\bwhere ",
        lambda found: (
            f"{found[1]} {found[2]}{found[3] or ''}{found[4]}where {'p.' if found[3] else ''}org_id = %(org_id)s and "
        ),
        statement,
        flags=re.DOTALL,
    )
    return cast(LiteralString, named.replace("tenancy.current_org()", "%(org_id)s"))
