"""An organization's logins to PostgreSQL: password, role, and the Secret that its pods read."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pulumi
import pulumi_postgresql as postgresql
import pulumi_random as random

from components.kubernetes import credentials_secret
from components.settings import DatabaseAddress, Settings
from provider.resources import DatabaseLogin, OrganizationRow, clear_login
from tenants import names
from tenants.plan import TenantPlan

_LONGEST_CLEARING = 20.0  # seconds
_PASSWORD_BYTES = 32  # as 64 hexadecimal digits: 256 bits, and nothing that a URL must quote


@dataclass(frozen=True)
class TenantDatabase:
    """Where pods find the database, and the hook that each of their roles is made with."""

    address: DatabaseAddress
    ca_certificate: str | None
    role_hooks: pulumi.ResourceHookBinding

    @classmethod
    def at(cls, settings: Settings, tenancy: pulumi.ProviderResource) -> Self:
        """The database of the settings. Make it once a program: it registers the hook."""
        address = DatabaseAddress.from_url(settings.database_url)
        certificate = Path(address.ca_file).read_text(encoding="ascii") if address.ca_file else None
        return cls(address, certificate, _clear_the_way(tenancy))


@dataclass(frozen=True)
class Logins:
    """What was registered: the password in force, and the roles and the Secret, which the gate waits for."""

    password: pulumi.Output[str]
    resources: Sequence[pulumi.Resource]


def _clear_the_way(tenancy: pulumi.ProviderResource) -> pulumi.ResourceHookBinding:
    """Before a role is made: one of the same name is what a killed run left, and CREATE ROLE would fail on it."""

    async def clear(args: pulumi.ResourceHookArgs) -> None:
        async with asyncio.timeout(_LONGEST_CLEARING):  # a failing engine may never answer: see components/hooks.py
            await clear_login((args.new_inputs or {})["name"], tenancy)

    return pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook("clear-the-way-for-a-login", clear)])


def register_logins(
    plan: TenantPlan,
    row: OrganizationRow,
    database: TenantDatabase,
    with_row: pulumi.ResourceOptions,
    inside: pulumi.ResourceOptions,
) -> Logins:
    """Register the login of each generation, and the Secret with the current one.

    `with_row` are the options of what goes with the row, `inside` of what stands in the namespace.
    """
    logins = {generation: _login(plan, row, generation, database, with_row) for generation in plan.database.generations}
    role, login = logins[plan.database.current]
    address = database.address
    host = f"[{address.host}]" if ":" in address.host else address.host
    where = f"{host}:{address.port}/{address.dbname}?sslmode={address.sslmode}"
    values: dict[str, pulumi.Input[str]] = {
        "host": address.host,
        "port": str(address.port),
        "dbname": address.dbname,
        "username": login.role_name,
        "password": login.password,
        "sslmode": address.sslmode,
        "url": pulumi.Output.format("postgresql://{0}:{1}@{2}", login.role_name, login.password, where),
    }
    secret = credentials_secret(plan, names.DATABASE_SECRET, values, database.ca_certificate, role, inside)
    return Logins(login.password, [*(role for role, _ in logins.values()), secret])


def _login(
    plan: TenantPlan, row: OrganizationRow, generation: int, database: TenantDatabase, with_row: pulumi.ResourceOptions
) -> tuple[postgresql.Role, DatabaseLogin]:
    # Not RandomPassword: it also makes a bcrypt hash, which nobody reads and which takes a tenth of a second.
    # Nor does it wait for the row: the longest way to the gate leads through it.
    password = random.RandomBytes(
        f"{plan.slug}-password-{generation}",
        length=_PASSWORD_BYTES,
        opts=pulumi.ResourceOptions(parent=with_row.parent),
    )
    login = DatabaseLogin(
        f"{plan.slug}-login-{generation}",
        org_id=row.id,
        operation_id=row.operation_id,
        generation=generation,
        namespace=plan.namespace,
        fresh=password.hex,
        opts=with_row,
    )
    role = postgresql.Role(
        f"{plan.slug}-role-{generation}",
        name=login.role_name,
        login=True,
        password=login.verifier,
        roles=[names.TENANT_GROUP_ROLE],
        connection_limit=plan.database.connections,
        statement_timeout=plan.database.statement_timeout,
        opts=pulumi.ResourceOptions.merge(
            with_row,
            pulumi.ResourceOptions(hooks=database.role_hooks, delete_before_replace=True, replace_on_changes=["name"]),
        ),
    )
    return role, login
