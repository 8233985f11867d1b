"""An environment's stacks, what each should hold, and which of them an update may pass by."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from database.deployments import Deployment
from engine.errors import Misplaced, NotConfigured
from tenants.catalog import load_catalog
from tenants.plan import plan
from tenants.shards import Shard, all_shards

# Everything, beside the catalog, that decides what a stack deploys.
_PROGRAM = ("__main__.py", "Pulumi.yaml", "requirements.txt", "components/*.py", "tenants/*.py", "provider/*.py",
            "policies/admission/*.yaml", "database/migrations/*.sql")  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """One stack as it should be: which organizations it holds, and a digest of everything that it deploys."""

    shard: Shard
    stack: str
    slugs: tuple[str, ...]
    digest: str


def wanted(root: Path, environment: str) -> tuple[Wanted, ...]:
    """Every stack of the environment, the platform's first; raise CatalogError or NotConfigured."""
    configuration = root / f"Pulumi.{environment}.yaml"
    if not configuration.is_file():
        raise NotConfigured(f"{configuration} does not exist; copy Pulumi.dev.yaml to it and edit it")
    text = configuration.read_text()
    config = (yaml.safe_load(text) or {}).get("config") or {}
    catalog = load_catalog(root / "tenants" / "orgs")
    program = _program_digest(root) + text + _target()
    found = []
    for shard in all_shards(int(config.get("agent-ready-k8s:shards", 1))):
        mine = shard.mine(catalog)
        plans = json.dumps([asdict(plan(organization)) for organization in mine], sort_keys=True)
        digest = hashlib.sha256(f"{program}\0{shard}\0{plans}".encode()).hexdigest()
        found.append(Wanted(shard, shard.stack(environment), tuple(o.slug for o in mine), digest))
    return tuple(found)


def changed(stacks: Iterable[Wanted], deployed: Mapping[str, Deployment]) -> tuple[Wanted, ...]:
    """The stacks whose last finished update deployed something else; drift is a refresh's matter."""
    return tuple(w for w in stacks if w.stack not in deployed or deployed[w.stack].digest != w.digest)


def check_places(stacks: Iterable[Wanted], deployed: Mapping[str, Deployment]) -> None:
    """Raise Misplaced if an update would make a second copy of an organization that another stack holds."""
    holder = {slug: record.stack for record in deployed.values() for slug in record.slugs}
    moved = [(slug, holder[slug], w.stack) for w in stacks for slug in w.slugs if holder.get(slug, w.stack) != w.stack]
    if moved:
        listed = "; ".join(f"{slug} is in {source}, belongs to {target}" for slug, source, target in moved[:5])
        raise Misplaced(
            f"{len(moved)} organizations would change their stack ({listed}); nothing was changed. The number of "
            "shards was edited: put it back, or move them first with `python -m engine move`"
        )


def _target() -> str:
    """The cluster that is deployed to, as its kubeconfig says: another one holds nothing of what is recorded."""
    kubeconfig = Path(os.environ.get("PULUMI_KUBECONFIG", os.devnull))
    return kubeconfig.read_text() if kubeconfig.is_file() else str(kubeconfig)


def _program_digest(root: Path) -> str:
    files = sorted(path for pattern in _PROGRAM for path in root.glob(pattern))
    texts = b"\0".join(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() for path in files)
    return hashlib.sha256(texts).hexdigest()
