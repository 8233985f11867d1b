"""A real PostgreSQL with this checkout's schema, two organizations in it, and a login that belongs to each."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from database import change_sets, configs, logins, migrations, organizations
from database.change_sets import Asked
from database.documents import DOCUMENTS
from database.notes import NOTES
from database.organizations import Facts
from database.pool import Database
from database.projects import PROJECTS
from tenants import names
from tests.integration.localplane.checkouts import make_checkout

OURS, FOREIGN = "ours", "foreign"
_PEOPLE: tuple[LiteralString, ...] = (
    "insert into tenancy.memberships (org_id, email, role) values (tenancy.current_org(), %(email)s, 'owner')",
    "insert into tenancy.invitations (org_id, email, role, invited_by, token_hash, expires_at) "
    "values (tenancy.current_org(), %(email)s, 'viewer', 'test', %(email)s, now())",
)


@dataclass(frozen=True)
class Prepared:
    """How each role connects, and the numbers of both organizations. `tenants` are URLs by organization's slug.

    `environment` is what `.local/env` sets.
    """

    platform: str
    application: str
    tenants: dict[str, str]
    organizations: dict[str, int]
    path: str
    kubeconfig: Path
    environment: Mapping[str, str]

    @property
    def ours(self) -> int:
        return self.organizations[OURS]

    @property
    def foreign(self) -> int:
        return self.organizations[FOREIGN]


@pytest.fixture(scope="session")
def prepared() -> Iterator[Prepared]:
    with prepare() as made:
        yield made


@contextmanager
def prepare() -> Iterator[Prepared]:
    """One more of these, on servers of its own, for what would spoil everybody's."""
    above = Path(tempfile.mkdtemp(prefix="database-"))
    above.chmod(0o755)
    checkout = make_checkout(above / "checkout")
    try:
        checkout.up()
        environment = checkout.env()
        platform = environment["PLATFORM_DATABASE_URL"]
        numbers = asyncio.run(_fill(platform))
        tenants = {slug: _login(platform, slug) for slug in numbers}
        yield Prepared(platform, environment["DATABASE_URL"], tenants, numbers, environment["PATH"],
                       Path(environment["KUBECONFIG"]), environment)  # fmt: skip
    finally:
        checkout.down()
        shutil.rmtree(above)


async def _fill(url: str) -> dict[str, int]:
    """Migrate, and give both organizations rows in every table that has any."""
    numbers = {}
    async with Database(url, size=1) as database:
        await migrations.migrate(database)
        for slug in (OURS, FOREIGN):
            async with database.transaction(actor="test", reason="to be there") as connection:
                row = await organizations.claim(
                    connection, slug, Facts(slug, "starter", quota={"cpu": "10", "memory": "20Gi"}), managed_by="test"
                )
                await configs.put_defaults(connection, row.id, {("ai", "threshold"): "0.5"})
                asked = Asked([{"service": "ai", "key": "threshold", "unset": True}], "to be there", "test", True)
                await change_sets.add(connection, row.id, asked, "WAITING")
                await logins.bind(connection, row.id, names.database_role(row.operation_id, 1), 1, fresh=password(slug))
            async with database.transaction(org_id=row.id, actor="test") as connection:
                project = await PROJECTS.add(connection, name="apollo", description=slug)
                assert project is not None
                await NOTES.add(connection, project_id=project.id, title="first", body=slug)
                for statement in _PEOPLE:
                    await connection.execute(statement, {"email": f"ada@{slug}.example"})
                await DOCUMENTS.add(connection, project_id=None, name="plan", media_type="text/plain", content=slug)
            numbers[slug] = row.id
    return numbers


def password(slug: str) -> str:
    """Of an organization's login, in these tests."""
    return f"password-of-{slug}"


def _login(platform: str, slug: str) -> str:
    """Make the role as Pulumi does; its URL."""
    with psycopg.connect(platform) as connection:
        role, verifier = connection.execute(
            "select r.role_name, r.verifier from tenancy.organization_roles r "
            "join tenancy.organizations o on o.id = r.org_id where o.slug = %s", [slug],
        ).fetchone() or ("", "")  # fmt: skip
        made = sql.SQL("create role {} login password {} in role {}")
        group = sql.Identifier(names.TENANT_GROUP_ROLE)
        connection.execute(made.format(sql.Identifier(role), sql.Literal(verifier), group))
    return make_conninfo("", **{**conninfo_to_dict(platform), "user": role, "password": password(slug)})
