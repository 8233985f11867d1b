"""Where isolation is tried: a database with rows of two organizations in every table, and who tries it how."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from tests.integration.database import isolation_catalog, isolation_rows
from tests.integration.database.isolation_attempts import Attempt, Victim, attempts
from tests.integration.database.isolation_catalog import Catalog
from tests.integration.database.isolation_rows import Row
from tests.integration.database.isolation_survey import Survey, drive
from tests.integration.prepared import FOREIGN, OURS, Prepared

MARKS = {OURS: "isolation-ours", FOREIGN: "isolation-other"}
CONTEXTS = {"own": OURS, "foreign": FOREIGN, "unset": None, "empty": "", "garbage": "1 or 1=1"}
APPLICATION, TENANT = "application", "tenant"
#: The same for everybody, to read.
PUBLIC = frozenset({"config_epoch"})
#: Names that are public: a sign-up tells that a slug is taken.
PUBLIC_NAMES = frozenset({("organizations", "slug")})
#: What the platform finds without an organization, so that an index begins with it. EXPLAIN ANALYZE as the
#: application's role tells whether it exists; no organization's own login can read these columns.
FOUND_BY_PLATFORM = frozenset({
    ("organizations", "operation_id"), ("memberships", "email"), ("invitations", "id"), ("config_change_sets", "id"),
    ("outbox", "id"),
})  # fmt: skip
_READABLE: LiteralString = """
select c.relname, array_agg(a.attname::text order by a.attnum) from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'tenancy'::regnamespace and a.attnum > 0 and not a.attisdropped
  and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_column_privilege(c.oid, a.attnum, %s) group by 1
"""


@dataclass(frozen=True)
class Field:
    """The database, the catalog, and every row of both organizations."""

    prepared: Prepared
    catalog: Catalog
    rows: dict[str, dict[str, list[Row]]]
    made: dict[tuple[str, int, bool], list[Attempt]] = dataclasses.field(default_factory=dict)

    def survey(self, role: str, context: str) -> Survey:
        """Of a role in a context: whose rows are the other's, and what only the other has."""
        victim = OURS if (role, context) == (APPLICATION, "foreign") else FOREIGN
        nobody = role == APPLICATION and context not in ("own", "foreign")
        counts = {name: 0 if nobody else len(rows) for name, rows in self.rows[self.other(victim)].items()}
        exempt = PUBLIC_NAMES | (FOUND_BY_PLATFORM if role == APPLICATION else frozenset())
        return Survey(f"{role}, context {context}", self.prepared.organizations[victim], self._secrets(victim), counts,
                      {one.name: one.owner for one in self.catalog.relations}, exempt)  # fmt: skip

    def victim(self, survey: Survey) -> Victim:
        """What the attempts are made from."""
        numbers = {number: slug for slug, number in self.prepared.organizations.items()}
        slug = numbers[survey.victim_id]
        own = self.other(slug)
        return Victim(survey.victim_id, self.rows[slug], self.prepared.organizations[own], self.rows[own])

    @staticmethod
    def other(slug: str) -> str:
        return OURS if slug == FOREIGN else FOREIGN

    def _secrets(self, victim: str) -> frozenset[str]:
        """Values that the other's rows hold and one's own do not; short ones are nothing to recognize."""
        theirs, own = (
            {value for name, rows in self.rows[slug].items() if name not in PUBLIC
             for row in rows for value in row.values() if value and len(value) >= 8}
            for slug in (victim, self.other(victim))
        )  # fmt: skip
        return frozenset({MARKS[victim], *(value for value in theirs - own if MARKS[victim] not in value)})


def fielded(prepared: Prepared) -> Field:
    """Fill every table, and note what is there."""
    with psycopg.connect(prepared.platform, autocommit=True) as platform:
        catalog = isolation_catalog.read(platform)
        numbers = prepared.organizations
        isolation_rows.fill(platform, catalog, {MARKS[slug]: numbers[slug] for slug in MARKS})
        return Field(prepared, catalog, rows_now(platform, catalog, prepared))


def made(field: Field, survey: Survey, connection: psycopg.Connection[Any], *, whole: bool = True) -> Iterator[Attempt]:
    """The attempts of whoever is connected."""
    readable, insertable = (
        dict(connection.execute(_READABLE, [right]).fetchall()) for right in ("select", "insert")
    )  # fmt: skip
    connection.commit()
    return attempts(field.catalog, field.victim(survey), readable, insertable, whole=whole)


def run(field: Field, role: str, context: str) -> Survey:
    """Every attempt of a role in a context, each undone."""
    survey = field.survey(role, context)
    url = field.prepared.application if role == APPLICATION else field.prepared.tenants[OURS]
    with psycopg.connect(url) as connection:
        whole = context in ("own", "foreign")
        key = (role, survey.victim_id, whole)
        statements = field.made.get(key) or list(made(field, survey, connection, whole=whole))
        field.made[key] = statements
        if role == APPLICATION:  # it writes settings and change sets, and is trusted not to hold them up
            statements = [one for one in statements if one.command != "LOCK"]
        value = CONTEXTS[context]
        if value is not None:
            number = field.prepared.organizations.get(value, value)
            connection.execute("select set_config('app.current_org', %s, false)", [str(number)])
        connection.commit()
        drive(connection, survey.inquire(statements))
        connection.rollback()
    return survey


def everything(field: Field) -> dict[str, dict[str, list[Row]]]:
    """Every row as it is now."""
    with psycopg.connect(field.prepared.platform) as platform:
        return rows_now(platform, field.catalog, field.prepared)


def rows_now(
    platform: psycopg.Connection[Any], catalog: Catalog, prepared: Prepared
) -> dict[str, dict[str, list[Row]]]:
    """By organization and table."""
    return {
        slug: {one.name: isolation_rows.rows_of(platform, one, prepared.organizations[slug], mark)
               for one in catalog.relations}
        for slug, mark in MARKS.items()
    }  # fmt: skip
