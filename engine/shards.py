"""An environment's stacks and what each should hold, as the catalog and the committed configuration say."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from database.deployments import Record
from engine.errors import Misplaced, NotConfigured
from tenants.catalog import load_catalog
from tenants.holding import Holding
from tenants.model import Organization
from tenants.plan import plan
from tenants.shards import Shard, all_shards, shard_of

# Everything, beside the catalog, that decides what a stack deploys.
_PROGRAM = ("__main__.py", "Pulumi.yaml", "requirements.txt", "components/*.py", "tenants/*.py", "provider/*.py",
            "policies/admission/*.yaml", "database/migrations/*.sql")  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """One stack as it should be. `frame` is a digest of all that it deploys beside its organizations."""

    shard: Shard
    stack: str
    frame: str
    organizations: tuple[Organization, ...]

    @property
    def slugs(self) -> tuple[str, ...]:
        """The organizations that it should hold."""
        return tuple(organization.slug for organization in self.organizations)

    def holding(self, organizations: Iterable[Organization]) -> Holding:
        """What the program is handed when it is to register these organizations."""
        return Holding(slugs=self.slugs, organizations=tuple(organizations))


def digest(organization: Organization) -> str:
    """SHA-256 over all that an organization consists of: another one means that something has to be deployed."""
    return hashlib.sha256(json.dumps(asdict(plan(organization)), sort_keys=True).encode()).hexdigest()


def wanted(root: Path, environment: str) -> tuple[Wanted, ...]:
    """Every stack of the environment, the platform's first; raise CatalogError or NotConfigured."""
    text, shards = _configuration(root, environment)
    catalog = load_catalog(root / "tenants" / "orgs")
    program = _program_digest(root) + text + _target()
    return tuple(
        Wanted(
            shard=shard,
            stack=shard.stack(environment),
            frame=hashlib.sha256(f"{program}\0{shard}".encode()).hexdigest(),
            organizations=shard.mine(catalog),
        )
        for shard in shards
    )


def shards(root: Path, environment: str) -> tuple[Shard, ...]:
    """The parts that the environment is split into, the platform's first; raise NotConfigured."""
    return _configuration(root, environment)[1]


def check_places(stacks: Iterable[Wanted], record: Record) -> None:
    """Raise Misplaced if an organization is held by another stack than the one that it belongs to now."""
    places = {w.shard: w.stack for w in stacks}
    moved = [
        (placed.slug, placed.stack, belongs)
        for placed in record.placements.values()
        if (belongs := places[home(placed.slug, places)]) != placed.stack
    ]
    if moved:
        listed = "; ".join(f"{slug} is in {source}, belongs to {target}" for slug, source, target in moved[:5])
        raise Misplaced(
            f"{len(moved)} organizations would change their stack ({listed}); nothing was changed. The number of "
            "shards was edited: put it back, or move them first with `python -m engine move`"
        )


def home(slug: str, shards: Iterable[Shard]) -> Shard:
    """The one of an environment's shards that an organization belongs to."""
    return shard_of(slug, max(shard.count for shard in shards))


def _configuration(root: Path, environment: str) -> tuple[str, tuple[Shard, ...]]:
    """The environment's committed configuration as text, and its shards."""
    configuration = root / f"Pulumi.{environment}.yaml"
    if not configuration.is_file():
        raise NotConfigured(f"{configuration} does not exist; copy Pulumi.dev.yaml to it and edit it")
    text = configuration.read_text()
    config = (yaml.safe_load(text) or {}).get("config") or {}
    return text, all_shards(int(config.get("agent-ready-k8s:shards", 1)))


def _target() -> str:
    """The cluster that is deployed to, as its kubeconfig says: another one holds nothing of what is recorded."""
    kubeconfig = Path(os.environ.get("PULUMI_KUBECONFIG", os.devnull))
    return kubeconfig.read_text() if kubeconfig.is_file() else str(kubeconfig)


def _program_digest(root: Path) -> str:
    files = sorted(path for pattern in _PROGRAM for path in root.glob(pattern))
    texts = b"\0".join(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() for path in files)
    return hashlib.sha256(texts).hexdigest()
