"""Moving organizations between an environment's stacks, after its number of shards was changed.

Only states move (`pulumi state move`): no resource is touched, and the next update finds nothing to change. The
record of who holds what is written after each move, so that an interrupted move is simply repeated.
"""

from collections import defaultdict
from pathlib import Path

from database import deployments
from database.pool import Database
from engine.runs import organization_urn
from engine.shards import home, shards
from engine.stack import Stack
from tenants.shards import Shard


async def move(root: Path, environment: str, database: Database) -> int:
    """Move every organization to the stack that it belongs to; return how many were moved."""
    parts = shards(root, environment)
    leaving: dict[str, list[str]] = defaultdict(list)
    for placed in (await deployments.read(database, environment)).placements.values():
        if home(placed.slug, parts).stack(environment) != placed.stack:
            leaving[placed.stack].append(placed.slug)
    for name, slugs in leaving.items():
        source = Stack(root, environment, _shard_of_stack(name, environment))
        source.prepare()
        held = source.urns()
        for slug in slugs:
            destination = Stack(root, environment, home(slug, parts))
            destination.prepare()
            if (urn := organization_urn(name, slug)) in held:
                source.move(urn, destination)
            await deployments.hand_over(database, environment, slug, destination.name)
            print(f"{slug}: {name} → {destination.name}", flush=True)
    return sum(map(len, leaving.values()))


def _shard_of_stack(name: str, environment: str) -> Shard:
    """The shard that a stack is named after; how many there were is not told by its name, and does not matter."""
    if name == environment:
        return Shard(1, 1)
    number = int(name.removeprefix(f"{environment}-"))
    return Shard(number, number + 1)
