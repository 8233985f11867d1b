"""Rows for every table, of both organizations, made from what the catalog says about columns and constraints.

Three of each, alike where keys allow it: so that a planner who keeps statistics would know their values.
"""

import hashlib
import itertools
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import CheckViolation, UniqueViolation

from tests.integration.database.isolation_catalog import Catalog, Relation

Row = dict[str, str | None]
_ROWS, _TRIES = 3, 3000
_LITERAL = re.compile(r"'((?:[^']|'')*)'::")
_MORE_TEXTS = ("{marker}", "{digest}", "{digest:.43}", "SCRAM-SHA-256${marker}", "{marker}/x")
_VALUES = {
    "bigint": ("{number}",), "integer": ("{number}", "1"), "smallint": ("1",), "boolean": ("true", "false"),
    "uuid": ("{uuid}",), "jsonb": ('{{"said": "{marker}"}}', '[{{"said": "{marker}"}}]'),
    "timestamp with time zone": ("2031-01-01 00:00:0{second}+00",), "interval": ("1 second",), "xid8": ("{number}",),
    "bytea": ("\\x{digest}",), "name": ("{marker}",), "text[]": ("{{{marker}}}",), "double precision": ("{number}",),
    "numeric": ("{number}",), "inet": ("192.0.2.{second}",), "tsvector": ("{marker}",),
}  # fmt: skip


class CannotFill(Exception):
    """No row could be made for a table: teach `_VALUES` its types, or the test's preparations its row."""


def fill(connection: psycopg.Connection[Any], catalog: Catalog, organizations: dict[str, int]) -> None:
    """Insert rows into every table, referenced ones first; raise CannotFill for those that take none."""
    left = [one for one in catalog.relations if one.is_table and one.name != "organizations"]
    while left:
        ready = [one for one in left if not {ref.table for ref in one.references} & {o.name for o in left} - {one.name}]
        if not ready:
            raise CannotFill(f"{', '.join(one.name for one in left)} refer to each other in a circle")
        for relation in ready:
            for mark, org_id in organizations.items():
                _add_rows(connection, catalog, relation, mark, org_id)
            left.remove(relation)
    connection.execute(sql.SQL("analyze {}").format(sql.SQL(", ").join(
        sql.Identifier("tenancy", one.name) for one in catalog.relations if one.is_table)))  # fmt: skip


def _add_rows(
    connection: psycopg.Connection[Any], catalog: Catalog, relation: Relation, mark: str, org_id: int
) -> None:
    made, problem = 0, ""
    for number in range(_ROWS * 3):
        try:
            with connection.transaction():
                _add(connection, catalog, relation, mark, org_id, number)
            made += 1
        except (psycopg.Error, CannotFill) as error:
            problem = str(error)
        if made == _ROWS:
            return
    if not rows_of(connection, relation, org_id):
        raise CannotFill(f"no row of {mark} in tenancy.{relation.name}: {problem}")


def _add(
    connection: psycopg.Connection[Any], catalog: Catalog, relation: Relation, mark: str, org_id: int, number: int
) -> None:
    """Insert one row: every column's first candidate, and others where a constraint refuses those."""
    choices = {column.name: list(_candidates(relation, column.name, mark, number)) for column in relation.columns
               if not column.made and (column.needed or column.type in ("text", "jsonb"))}  # fmt: skip
    fixed = _referenced(connection, catalog, relation, org_id, choices)
    if relation.owner:
        fixed[relation.owner] = str(org_id)
    unknown = [name for name, options in choices.items() if not options]
    if unknown:
        raise CannotFill(f"no value is known for {', '.join(unknown)}")
    row: Row = {name: options[0] for name, options in choices.items()} | fixed
    turns: dict[str, Iterator[Row]] = {}
    for _ in range(_TRIES):
        try:
            with connection.transaction():
                _insert(connection, relation, row)
            return
        except CheckViolation as refused:
            name = str(refused.diag.constraint_name)
            if name not in turns:
                turns[name] = _combinations(relation, name, fixed, mark, number)
            row |= next(turns[name], {})
        except UniqueViolation as taken:
            raise CannotFill(str(taken)) from taken
    raise CannotFill(f"{relation.name} took none of {_TRIES} rows, the last of them {row}")


def _combinations(relation: Relation, constraint: str, fixed: Row, mark: str, number: int) -> Iterator[Row]:
    """What the constraint's columns may be, all together."""
    names = [name for name in relation.checks[constraint][1] if name not in fixed and not relation.column(name).made]
    options = [[*_candidates(relation, name, mark, number), *([] if relation.column(name).needed else [None])]
               for name in names]  # fmt: skip
    for values in itertools.product(*options):
        yield dict(zip(names, values, strict=True))


def _candidates(relation: Relation, name: str, mark: str, number: int) -> Iterator[str]:
    """Values for a column: what its constraints spell out, and marked ones of its type. Keys get the number too."""
    keyed = any(name in columns for columns in relation.unique)
    marker = f"{mark}-{name}-{number if keyed else 0}".replace("_", "-").lower()
    digest = hashlib.sha256(marker.encode()).hexdigest()
    parts = {"marker": marker, "digest": digest, "number": int(digest[:7], 16), "second": number % 10,
             "uuid": f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"}  # fmt: skip
    column = relation.column(name)
    forms = _MORE_TEXTS if column.type == "text" else _VALUES.get(column.type, ())
    if column.type == "text":
        spelled = [
            found for text, names in relation.checks.values() if name in names for found in _LITERAL.findall(text)
        ]
        yield from (text for text in dict.fromkeys(spelled) if text and "^" not in text and "%" not in text)
    yield from (form.format(**parts) for form in forms)
    if column.type == "text":
        yield re.sub(r"[^a-z]", "", marker)


def _referenced(
    connection: psycopg.Connection[Any],
    catalog: Catalog,
    relation: Relation,
    org_id: int,
    choices: dict[str, list[str]],
) -> Row:
    """Keys of the same organization's rows that foreign keys point to; a key that may be null only if it is needed."""
    fixed: Row = {}
    for reference in relation.references:
        given = [column for column in reference.columns if not relation.column(column).made]
        if reference.table == "organizations" or not given:
            continue
        target = next((one for one in catalog.relations if one.name == reference.table), None)
        rows = rows_of(connection, target, org_id) if target and target != relation else []
        if rows:
            fixed |= {own: rows[0][far] for own, far in zip(reference.columns, reference.targets, strict=True)}
        elif target == relation:  # a row that refers to itself, where it may
            fixed |= {own: _uuid(choices) for own in reference.columns} | {
                far: _uuid(choices) for far in reference.targets
            }
    return fixed


def _uuid(choices: dict[str, list[str]]) -> str:
    return hashlib.md5(str(sorted(choices.items())).encode(), usedforsecurity=False).hexdigest()


def _insert(connection: psycopg.Connection[Any], relation: Relation, row: Row) -> None:
    values = [sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(relation.column(name).type))  # type: ignore[arg-type]
              for name, value in row.items()]  # fmt: skip
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier("tenancy", relation.name),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(values),
    )
    connection.execute(statement)


def rows_of(connection: psycopg.Connection[Any], relation: Relation, org_id: int, mark: str = "") -> list[Row]:
    """The organization's rows as text, marked ones at the end; where no row is an organization's those with the mark,
    or all of them.
    """
    shown = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(one.name)) for one in relation.columns)
    where = sql.SQL("where {} = {}").format(sql.Identifier(relation.owner), org_id) if relation.owner else sql.SQL("")
    found = connection.execute(
        sql.SQL("select {} from {} {}").format(shown, sql.Identifier("tenancy", relation.name), where)
    ).fetchall()
    rows = [dict(zip((one.name for one in relation.columns), row, strict=True)) for row in found]
    rows.sort(key=lambda row: (mark in str(row), str(row)))
    marked = [row for row in rows if mark in str(row)]
    return rows if relation.owner else marked or rows
