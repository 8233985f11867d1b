"""Every attempt on another organization's rows: one statement each, made from the catalog and from rows that exist.

Most come in two forms, for what the other organization has and for what nobody has. Whoever gets two different answers
has been told something, whatever the answer says.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from tests.integration.database.isolation_catalog import Catalog, Column, Relation
from tests.integration.database.isolation_commands import AIMED, BY_VALUE, REFUSED, SEQUENCE, WHOLE
from tests.integration.database.isolation_rows import Row

_NOWHERE = "999999999"
_NAMES = itertools.count()


@dataclass(frozen=True)
class Attempt:
    """`aimed`: at the other's row alone, so that it must touch none. `nowhere`: the same for what nobody has.

    `keyed` is what the statement names, which an answer may repeat. `limit`: it may touch the allowed rows alone.
    `refused`: it must be.
    """

    command: str
    relation: str
    statement: str
    nowhere: str | None = None
    keyed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    aimed: bool = False
    limit: bool = False
    refused: bool = False
    column: str = ""


@dataclass(frozen=True)
class Victim:
    """The other organization: its number, its rows, and those of the one that attacks."""

    org_id: int
    rows: dict[str, list[Row]]
    own_id: int
    own: dict[str, list[Row]]


def attempts(
    catalog: Catalog, victim: Victim, readable: dict[str, list[str]], insertable: dict[str, list[str]], *, whole: bool
) -> Iterator[Attempt]:
    """All of them. Where nothing can be read, one column stands for all; unless `whole`, one for each type."""
    for relation in catalog.relations:
        columns = readable.get(relation.name) or [column.name for column in relation.columns]
        yield from _whole(relation, _list(columns))
        row = victim.rows[relation.name][-1]
        taken = {(name, value) for own in victim.own.get(relation.name, []) for name, value in own.items()}
        named = [
            column for column in relation.columns if row[column.name] and (column.name, row[column.name]) not in taken
        ]
        kinds = {column.type: column for column in reversed(named)}
        some = named if whole else [*kinds.values()]
        for column in some if relation.name in readable else named[:1]:
            yield from _by_value(relation, column, str(row[column.name]), _list(columns))
        yield from _inserts(relation, victim, row, insertable.get(relation.name, []))
    yield from _functions(catalog, victim)
    yield from _sequences(catalog)


def _list(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _text(statement: str, relation: Relation, **parts: sql.Composable) -> str:
    made = sql.SQL(statement).format(t=sql.Identifier("tenancy", relation.name), **parts)  # type: ignore[arg-type]
    return made.as_string(None)


def _whole(relation: Relation, a: sql.Composed) -> Iterator[Attempt]:
    """What names no row."""
    name = {"name": sql.Literal(relation.name), "regclass": sql.Literal(f"tenancy.{relation.name}")}
    for command, statement in WHOLE.items():
        cursor = sql.Identifier(f"c{next(_NAMES)}")
        yield Attempt(command, relation.name, _text(statement, relation, n=cursor, a=a, **name))
    for command, statement in REFUSED.items() if relation.is_table else ():
        yield Attempt(command, relation.name, _text(statement, relation), refused=True)
    yield Attempt("DELETE ALL", relation.name, _text("delete from {t}", relation), limit=True)
    for column in relation.columns:
        c = sql.Identifier(column.name)
        yield Attempt("UPDATE ALL", relation.name, _text("update {t} set {c} = {c}", relation, c=c), limit=True)
    owner = sql.Identifier(relation.owner or relation.columns[0].name)
    yield Attempt("MERGE ALL", relation.name, _text(
        "merge into {t} r using (select 1) one on true when matched then delete", relation), limit=True)  # fmt: skip
    yield Attempt(
        "UPDATE RETURNING",
        relation.name,
        _text("update {t} set {c} = {c} returning {a}", relation, c=owner, a=a),
        limit=True,
    )


def _by_value(relation: Relation, column: Column, value: str, a: sql.Composed) -> Iterator[Attempt]:
    """What names one of the other's values, and what names one that nobody has."""
    absent = other(column, value)
    for command, statement in BY_VALUE.items():
        made = [
            _text(statement, relation, c=sql.Identifier(column.name), v=_typed(column, one),
                  n=sql.Identifier(f"c{next(_NAMES)}"), a=a)
            for one in (value, absent)
        ]  # fmt: skip
        yield Attempt(command, relation.name, made[0], made[1] if absent != value else None, (value,), (absent,),
                      aimed=command in AIMED, column=column.name)  # fmt: skip


def _typed(column: Column, value: str) -> sql.Composed:
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(column.type))  # type: ignore[arg-type]


def other(column: Column, value: str) -> str:
    """A value of the same form that nobody has."""
    if column.type in ("bigint", "integer", "xid8", "smallint"):
        return str(int(value) + 97_000) if column.type != "smallint" else value
    if column.type in ("text", "name", "uuid", "bytea", "jsonb", "text[]") and value not in ("true", "false"):
        turned = {**dict(zip("0123456789", "1234567890", strict=True)), **dict(zip("abcdef", "bcdefa", strict=True)),
                  "o": "u", "i": "y"}  # fmt: skip
        return "".join(turned.get(c, c) for c in value) if column.type != "jsonb" else value.replace("i", "y")
    return value


def _inserts(relation: Relation, victim: Victim, row: Row, columns: list[str]) -> Iterator[Attempt]:
    """A copy of the other's row: for the other, and for oneself with its keys, which must not collide with anything."""
    wanted = columns or [column.name for column in relation.columns if not column.made]
    values = {name: value for name, value in row.items() if name in wanted and value is not None}
    owner, unique = relation.owner, {name for key in relation.unique for name in key if name != relation.owner}
    fresh = {name: other(relation.column(name), value) if name in unique else value for name, value in values.items()}
    for given, ending in itertools.product((values, fresh), ("", " on conflict do nothing", " returning 1")):
        yield Attempt("INSERT" + ending.upper(), relation.name, _insert(relation, given) + ending,
                      keyed=tuple(given.values()), aimed=True)  # fmt: skip
    if owner is None or owner not in values or relation.name == "organizations":
        return
    own = next((one for one in victim.own.get(relation.name, [])), {})
    pointing = {name: own.get(name) for ref in relation.references for name in ref.columns if own.get(name)}
    mine = {
        name: value for name, value in {**values, **pointing, owner: str(victim.own_id)}.items() if value is not None
    }
    keys = list(relation.unique) + [ref.columns for ref in relation.references]
    for key in keys:
        theirs = {**mine, **{name: values[name] for name in key if name in values and name != owner}}
        nobodys = theirs | {
            name: other(relation.column(name), theirs[name]) for name in key if name in theirs and name != owner
        }
        if nobodys == theirs:
            continue
        for ending in ("", " on conflict do nothing"):
            made = [_insert(relation, values) + ending for values in (theirs, nobodys)]
            yield Attempt("INSERT OWN" + ending.upper(), relation.name, made[0], made[1], tuple(theirs.values()),
                          tuple(nobodys.values()))  # fmt: skip


def _insert(relation: Relation, values: dict[str, str]) -> str:
    return _text(
        "insert into {t} ({names}) overriding system value values ({values})", relation,
        names=sql.SQL(", ").join(map(sql.Identifier, values)),
        values=sql.SQL(", ").join(_typed(relation.column(name), value) for name, value in values.items()),
    )  # fmt: skip


def _functions(catalog: Catalog, victim: Victim) -> Iterator[Attempt]:
    """Each with the other's number, ids and texts, and with what nobody has."""
    texts = [
        row[name]
        for rows in victim.rows.values()
        for row in rows[-1:]
        for name in ("email", "slug", "id")
        if len(row.get(name) or "") >= 5
    ]
    for name, types in catalog.functions:
        for text in texts[:8] or ["nobody"]:
            given = [[_argument(kind, str(victim.org_id), str(text)) for kind in types],
                     [_argument(kind, _NOWHERE, other(_A_TEXT, str(text))) for kind in types]]  # fmt: skip
            made = [
                sql.SQL("select * from {}({})")
                .format(sql.Identifier("tenancy", name), sql.SQL(", ").join(one))
                .as_string(None)
                for one in given
            ]
            yield Attempt("FUNCTION", name, made[0], made[1] if types else None, (str(victim.org_id), str(text)),
                          (_NOWHERE, other(_A_TEXT, str(text))))  # fmt: skip


_A_TEXT = Column("", "text", False, False)


def _argument(kind: str, number: str, text: str) -> sql.Composed:
    is_uuid = len(text) == 36 and text.count("-") == 4
    values = {"bigint": number, "integer": number, "text": text, "name": text, "uuid": text if is_uuid else None}
    return sql.SQL("{}::{}").format(sql.Literal(values.get(kind)), sql.SQL(kind))  # type: ignore[arg-type]


def _sequences(catalog: Catalog) -> Iterator[Attempt]:
    for name in catalog.sequences:
        parts = {"literal": sql.Literal(f"tenancy.{name}"), "s": sql.Identifier("tenancy", name)}
        for command, statement in SEQUENCE.items():
            made = sql.SQL(statement).format(**parts)  # type: ignore[arg-type]
            yield Attempt(command, name, made.as_string(None), aimed=True)
