"""Taking a self-service organization into the catalog: its state moves, nothing of it is touched.

The file that the API's export has written stands in the catalog already. The organization's resources leave the stack
of its own and join the catalog's; the row gets its new owner; the record says which stack holds it, and the next update
confirms it. Every step can be repeated.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from database import deployments, leases, organizations
from database.organizations import OrganizationRow
from database.pool import Database
from engine.errors import EngineError, NotConfigured
from engine.runs import organization_urn
from engine.shards import Wanted, wanted
from engine.stack import PROJECT, Stack, export_state
from engine.states import states_of
from engine.workspaces import Workspaces, shared_salt, workspaces_of

_ROW = "tenancy:index:OrganizationRow"
_LEASE = 120.0  # seconds; a move takes a few
Resource = dict[str, Any]


async def adopt(root: Path, environment: str, slug: str, database: Database) -> None:
    """Move `slug` to the stack that the catalog gives it; raise EngineError or DatabaseError."""
    stack = _in_catalog(wanted(root, environment), slug)
    row = await _row(database, slug)
    owner = f"catalog:{PROJECT}/{environment}"
    if row.managed_by == owner:  # an adoption that was killed after its main step, or none at all
        await deployments.place(database, environment, slug, stack.stack)
        return
    source = await _source(database, row)
    async with _workspaces(root) as workspaces:
        lease = await leases.take(database, source, "the catalog's adoption", seconds=_LEASE)
        try:
            destination = Stack(root, environment, stack.shard)
            destination.prepare()
            workspaces.prepare(source)
            _move(workspaces, source, destination, slug, owner)
            async with database.transaction(actor="catalog", reason="adopted from self-service") as connection:
                await organizations.hand_over(connection, row.id, managed_by=owner)
            await deployments.place(database, environment, slug, destination.name)
        finally:
            await leases.release(database, lease)
        await workspaces.forget(source)
    await leases.forget(database, source)


@asynccontextmanager
async def _workspaces(root: Path) -> AsyncIterator[Workspaces]:
    """Where self-service stacks are, as this process's environment says; it must be what the service's says."""
    folder = workspaces_of(root)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    states = states_of(os.environ, folder)
    try:
        yield Workspaces(folder, states, await asyncio.to_thread(shared_salt, folder))
    finally:
        await states.close()


def _in_catalog(stacks: tuple[Wanted, ...], slug: str) -> Wanted:
    for stack in stacks:
        if slug in stack.slugs:
            return stack
    raise NotConfigured(
        f"the catalog has no {slug!r}; write its file first: `python -m cli export {slug} -o tenants/orgs/{slug}.yaml`"
    )


async def _row(database: Database, slug: str) -> OrganizationRow:
    async with database.transaction() as connection:
        row = await organizations.by_slug(connection, slug)
    if row is None or row.status != "COMMITTED":
        raise EngineError(f"{slug!r} is no organization that is whole; there is nothing to adopt")
    return row


async def _source(database: Database, row: OrganizationRow) -> str:
    async with database.transaction() as connection:
        stack = await organizations.stack_of(connection, row.id)
    if stack is None:
        raise EngineError(f"{row.slug!r} has no stack of its own; it is managed by {row.managed_by}")
    return stack


def _move(workspaces: Workspaces, source: str, destination: Stack, slug: str, owner: str) -> None:
    """Add the organization's resources to the destination's state. Secrets pass through pipes, never through a file."""
    joining = destination.export()
    resources = joining["deployment"].get("resources") or []
    there = _belonging(resources, destination.name, slug)
    if any(resource["type"] == _ROW for resource in there):
        return  # it was moved before
    leaving = export_state(workspaces.folder / source, source, workspaces.environment(source))
    inside = _belonging(leaving["deployment"].get("resources") or [], source, slug)
    if not inside:
        raise EngineError(f"stack {source} does not hold {slug!r}; let the service save it first, then try again")
    known = {r["urn"]: r for r in resources if r not in there}  # without what a refused update has begun
    moved = [_moved(resource, source, destination.name, known, owner) for resource in inside]
    joining["deployment"]["resources"] = [*known.values(), *moved]
    destination.replace(joining)


def _belonging(resources: list[Resource], stack: str, slug: str) -> list[Resource]:
    """The organization's component and everything below it, in the state's order."""
    inside = {organization_urn(stack, slug)}
    found = []
    for resource in resources:
        if resource["urn"] in inside or resource.get("parent") in inside:
            inside.add(resource["urn"])
            found.append(resource)
    return found


def _moved(resource: Resource, source: str, destination: str, known: dict[str, Resource], owner: str) -> Resource:
    """The resource as the destination's state has it: its names, its providers' identities, its owner."""
    text = json.dumps(resource)
    text = text.replace(f"pulumi:pulumi:Stack::{PROJECT}-{source}", f"pulumi:pulumi:Stack::{PROJECT}-{destination}")
    moved: Resource = json.loads(text.replace(f"urn:pulumi:{source}::", f"urn:pulumi:{destination}::"))
    if provider := moved.get("provider"):
        urn = provider.rsplit("::", 1)[0]
        moved["provider"] = f"{urn}::{known[urn]['id']}"
    if moved["type"] == _ROW:
        for side in ("inputs", "outputs"):
            moved[side]["managed_by"] = owner
    return moved
