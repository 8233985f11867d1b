"""Moving organizations between an environment's stacks, after its number of shards was changed.

Only states move (`pulumi state move`): no resource is touched, and the next update finds nothing to change. The
record of who holds what is written after each move, so that an interrupted move is simply repeated.
"""

from pathlib import Path

from database import deployments
from database.pool import Database
from engine.shards import Wanted, wanted
from engine.stack import Stack
from tenants.shards import Shard, all_shards

_COMPONENT = "agent-ready:tenancy:Organization"


async def move(root: Path, environment: str, database: Database) -> int:
    """Move every organization to the stack that it belongs to; return how many were moved."""
    target = {slug: w for w in wanted(root, environment) for slug in w.slugs}
    moved = 0
    for record in await deployments.read_all(database, environment):
        source = _stack(root, environment, record.stack, target)
        leaving = [slug for slug in record.slugs if slug in target and target[slug].stack != record.stack]
        for slug in leaving:
            destination = Stack(root, environment, target[slug].shard)
            destination.prepare()
            if _urn(source, slug) in source.urns():
                source.move(_urn(source, slug), destination)
            await deployments.hand_over(database, environment, slug, record.stack, destination.name)
            print(f"{slug}: {source.name} → {destination.name}", flush=True)
            moved += 1
    return moved


def _stack(root: Path, environment: str, name: str, target: dict[str, Wanted]) -> Stack:
    """The stack that a record names; one that the catalog no longer uses is found by its number."""
    known = {w.stack: w.shard for w in target.values()}
    number = int(name.rsplit("-", 1)[1]) if name != environment else 0
    most = max([number, *(w.shard.count for w in target.values())])
    fallback = Shard(number, most) if number else all_shards(1)[0]
    return Stack(root, environment, known.get(name, fallback))


def _urn(stack: Stack, slug: str) -> str:
    return f"urn:pulumi:{stack.name}::agent-ready-k8s::{_COMPONENT}::{slug}"
