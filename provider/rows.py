"""Handlers of what lives in PostgreSQL: the schema, organizations' rows, default settings."""

import json
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from cluster import usage
from database import configs, members, migrations, organizations
from database.pool import Connection
from provider.handlers import Handler, Inputs
from provider.wire import Plain


class SchemaInputs(Inputs):
    """A digest of the migrations, so that new ones run, and what a destroy does to the data."""

    migrations: str
    on_destroy: Literal["keep", "drop"]


class DatabaseSchemaHandler(Handler[SchemaInputs]):
    """Brings the database to this checkout's version; never backwards."""

    kind = "DatabaseSchema"
    inputs = SchemaInputs

    async def create(self, wanted: SchemaInputs) -> tuple[str, Plain]:
        return "tenancy", await self.update("tenancy", wanted, {})

    async def read(self, resource_id: str, known: SchemaInputs, outputs: Plain) -> Plain | None:
        version = await migrations.current_version(self.database)
        if version == 0:
            return None
        return {
            **known.model_dump(),
            "migrations": known.migrations if version == migrations.latest() else "",
        }

    async def update(self, resource_id: str, wanted: SchemaInputs, outputs: Plain) -> Plain:
        await migrations.migrate(self.database)
        return {}

    async def delete(self, resource_id: str, known: SchemaInputs, outputs: Plain) -> None:
        if known.on_destroy == "drop":
            await migrations.drop(self.database)


class OrganizationInputs(Inputs):
    """The organization as its row and its memberships have it; `members` are roles by e-mail address.

    `reservation` is the operation that has reserved the row, if one has.
    """

    slug: str
    display_name: str
    plan: str
    managed_by: str
    quota: dict[str, str] = Field(default_factory=dict)  # defaults: what state of earlier versions lacks
    database_rotation: int = 1
    retention_days: int = 30
    members: dict[str, str] = Field(default_factory=dict)  # none: memberships are left alone
    reservation: str | None = None

    def facts(self) -> organizations.Facts:
        """The same for the database room."""
        return organizations.Facts(
            name=self.display_name,
            plan=self.plan,
            quota=self.quota,
            database_rotation=self.database_rotation,
            retention_days=self.retention_days,
        )


class OrganizationRowHandler(Handler[OrganizationInputs]):
    """Claims the slug, keeps the organization's facts and members, and leaves a tombstone.

    A changed quota is recorded; a membership that ends or changes ends its tokens.
    """

    kind = "OrganizationRow"
    inputs = OrganizationInputs
    replace_on = frozenset({"slug", "managed_by"})
    at_creation = frozenset({"reservation"})

    async def refusals(self, wanted: OrganizationInputs, known: Plain) -> dict[str, str]:
        if not known or known.get("quota") == wanted.quota:
            return {}
        problems = await usage.below_use(self.cluster, wanted.slug, wanted.quota)
        return {"quota": "; ".join(problems)} if problems else {}

    async def create(self, wanted: OrganizationInputs) -> tuple[str, Plain]:
        owner = wanted.managed_by
        async with self.database.transaction(actor=_actor(owner), reason=_reason(owner)) as connection:
            if wanted.reservation:
                row = await organizations.claim_reserved(
                    connection, wanted.slug, wanted.facts(), managed_by=owner, operation_id=wanted.reservation
                )
            else:
                row = await organizations.claim(connection, wanted.slug, wanted.facts(), managed_by=owner)
            await _keep_members(connection, row.id, wanted)
        return str(row.id), {"operation_id": row.operation_id}

    async def read(self, resource_id: str, known: OrganizationInputs, outputs: Plain) -> Plain | None:
        async with self.database.transaction() as connection:
            row = await organizations.read(connection, int(resource_id))
            found = await members.roles(connection, int(resource_id))
        if row is None:
            return None
        live = OrganizationInputs(
            slug=row.slug,
            display_name=row.name,
            plan=row.plan,
            managed_by=row.managed_by,
            quota=row.quota,
            database_rotation=row.database_rotation,
            retention_days=row.retention_days,
            members=found,
            reservation=known.reservation,
        )
        return {**live.model_dump(exclude_none=True), "operation_id": row.operation_id}

    async def update(self, resource_id: str, wanted: OrganizationInputs, outputs: Plain) -> Plain:
        owner = wanted.managed_by
        async with self.database.transaction(actor=_actor(owner), reason=_reason(owner)) as connection:
            row = await organizations.describe(connection, int(resource_id), wanted.facts(), managed_by=owner)
            await _keep_members(connection, row.id, wanted)
        return {"operation_id": row.operation_id}

    async def delete(self, resource_id: str, known: OrganizationInputs, outputs: Plain) -> None:
        async with self.database.transaction() as connection:
            await organizations.delete(connection, int(resource_id), managed_by=known.managed_by)
        if self.users is not None:
            await self.users.discard(int(resource_id))


async def _keep_members(connection: Connection, org_id: int, wanted: OrganizationInputs) -> None:
    if wanted.members:
        await members.sync(connection, org_id, wanted.members)


class ConfigInputs(Inputs):
    """Default settings: `service/key` to JSON text."""

    org_id: str
    values: dict[str, str]


class ConfigDefaultsHandler(Handler[ConfigInputs]):
    """Writes defaults; the history and the outbox are written by the same transaction, in the database."""

    kind = "ConfigDefaults"
    inputs = ConfigInputs
    replace_on = frozenset({"org_id"})

    async def create(self, wanted: ConfigInputs) -> tuple[str, Plain]:
        return wanted.org_id, await self.update(wanted.org_id, wanted, {})

    async def read(self, resource_id: str, known: ConfigInputs, outputs: Plain) -> Plain | None:
        async with self.database.transaction() as connection:
            if await organizations.read(connection, int(resource_id)) is None:
                return None
            stored = await configs.read_all(connection, int(resource_id))
        ours = {f"{c.service}/{c.key}": c for c in stored}
        values = {
            name: default if ours[name].source == "api" or _same(default, ours[name].value) else ours[name].value
            for name, default in known.values.items()
            if name in ours
        }
        return {
            **outputs,
            "org_id": known.org_id,
            "values": {k: v for k, v in values.items() if v is not None},
        }

    async def update(self, resource_id: str, wanted: ConfigInputs, outputs: Plain) -> Plain:
        rows = {_setting(name): value for name, value in wanted.values.items()}
        async with self.database.transaction(actor="catalog", reason="default from the catalog") as connection:
            changed = await configs.put_defaults(connection, int(wanted.org_id), rows)
        return {"changes": [f"{c.service}/{c.key}={c.version}" for c in changed]}

    async def delete(self, resource_id: str, known: ConfigInputs, outputs: Plain) -> None:
        """Nothing to do: settings belong to the organization and go with its row."""


def _same(default: str, stored: str | None) -> bool:
    """Whether two JSON texts mean one value. jsonb spells numbers and characters in its own way."""
    if stored is None:
        return False
    ours, theirs = _exact(default), _exact(stored)
    return type(ours) is type(theirs) and bool(ours == theirs)


def _exact(text: str) -> Any:
    """The JSON value; every number a Decimal, as in jsonb: 1 is 1.0, but not true."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def _actor(managed_by: str) -> str:
    """Who histories say has done it: `catalog` or `api`."""
    return managed_by.partition(":")[0]


def _reason(managed_by: str) -> str:
    return f"from the {_actor(managed_by)}"


def _setting(name: str) -> tuple[str, str]:
    service, _, key = name.partition("/")
    return service, key
