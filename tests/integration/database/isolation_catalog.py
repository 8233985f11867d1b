"""What there is to attack, read from PostgreSQL's own catalog: a table that is made tomorrow is in it."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

_RELATIONS: LiteralString = """
select c.relname, c.relkind in ('r', 'p') as is_table from pg_class c
where c.relnamespace = 'tenancy'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1
"""
_COLUMNS: LiteralString = """
select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull and not a.atthasdef and a.attidentity = '',
  a.attgenerated <> '' or a.attidentity <> ''
from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
_UNIQUE: LiteralString = """
select array(select a.attname::text from unnest(i.indkey::int2[]) k join pg_attribute a
  on (a.attrelid, a.attnum) = (i.indrelid, k)) from pg_index i where i.indrelid = %s::regclass and i.indisunique
"""
_CHECKS: LiteralString = """
select c.conname, pg_get_constraintdef(c.oid), array(select a.attname::text from unnest(c.conkey) k join pg_attribute a
  on (a.attrelid, a.attnum) = (c.conrelid, k))
from pg_constraint c where c.conrelid = %s::regclass and c.contype = 'c'
"""
_REFERENCES: LiteralString = """
select array(select a.attname::text from unnest(c.conkey) with ordinality k (n, o) join pg_attribute a
    on (a.attrelid, a.attnum) = (c.conrelid, k.n) order by k.o),
  r.relname,
  array(select a.attname::text from unnest(c.confkey) with ordinality k (n, o) join pg_attribute a
    on (a.attrelid, a.attnum) = (c.confrelid, k.n) order by k.o)
from pg_constraint c join pg_class r on r.oid = c.confrelid where c.conrelid = %s::regclass and c.contype = 'f'
"""
_FUNCTIONS: LiteralString = """
select p.proname, array(select format_type(t, null) from unnest(p.proargtypes::oid[]) t) from pg_proc p
where p.pronamespace = 'tenancy'::regnamespace and p.prorettype <> 'trigger'::regtype order by 1
"""
_SEQUENCES: LiteralString = """
select relname from pg_class where relnamespace = 'tenancy'::regnamespace and relkind = 'S' order by 1
"""


@dataclass(frozen=True)
class Column:
    """`needed`: an insert must give it. `made`: an insert cannot give it."""

    name: str
    type: str
    needed: bool
    made: bool


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """A table or a view. `owner` is the column that says whose a row is, None if no row is an organization's."""

    name: str
    is_table: bool
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...]
    checks: dict[str, tuple[str, tuple[str, ...]]]
    references: tuple[Reference, ...]

    @property
    def owner(self) -> str | None:
        names = {column.name for column in self.columns}
        return "org_id" if "org_id" in names else "id" if self.name == "organizations" else None

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Catalog:
    """Everything in the schema. `functions` are names with the types of their arguments."""

    relations: tuple[Relation, ...]
    functions: tuple[tuple[str, tuple[str, ...]], ...]
    sequences: tuple[str, ...]

    def only(self, *names: str) -> "Catalog":
        """The same with these relations alone."""
        return Catalog(tuple(one for one in self.relations if one.name in names), (), ())


def read(connection: psycopg.Connection[Any]) -> Catalog:
    """As it is now."""
    relations = connection.execute(_RELATIONS).fetchall()
    functions = connection.execute(_FUNCTIONS).fetchall()
    sequences = connection.execute(_SEQUENCES).fetchall()
    return Catalog(
        tuple(_relation(connection, name, is_table) for name, is_table in relations),
        tuple((name, tuple(types)) for name, types in functions),
        tuple(name for (name,) in sequences),
    )


def _relation(connection: psycopg.Connection[Any], name: str, is_table: bool) -> Relation:
    def rows(statement: LiteralString) -> list[Any]:
        return connection.execute(statement, [f"tenancy.{name}"]).fetchall()

    return Relation(
        name,
        is_table,
        tuple(Column(*row) for row in rows(_COLUMNS)),
        tuple(tuple(columns) for (columns,) in rows(_UNIQUE)),
        {constraint: (text, tuple(columns)) for constraint, text, columns in rows(_CHECKS)},
        tuple(Reference(tuple(own), table, tuple(targets)) for own, table, targets in rows(_REFERENCES)),
    )
