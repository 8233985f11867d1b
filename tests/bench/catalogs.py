"""Catalogs of 1, 10, 100 … organizations: first up, no-op, one changed; memory, state; beside raw API calls."""

import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from psycopg import sql

from cluster.api import ClusterApi
from cluster.errors import ApiRefused
from database.pool import Database
from tests.bench.measure import MIB, Measured, measure, table
from tests.e2e.checkout import Checkout

HEADER = (
    *("organizations", "stacks", "resources", "first up", "per organization", "raw calls", "ratio", "no-op up"),
    *("no-op preview", "preview of one", "one changed", "memory", "state"),
)
PER_STACK = 50  # organizations; what one stack carries without its own size costing more than another's start
REPEATS = 3  # of what can be repeated; the median counts
_SERVERS_OWN = {"status", "__fieldManager", "__initialApiVersion", "__inputs"}


def run(sizes: list[int]) -> tuple[str, list[dict[str, object]]]:
    """Measure every size on a platform of its own; the table in Markdown, and its rows."""
    rows = [_measure(size) for size in sizes]
    shown = [
        (
            str(row["organizations"]), str(row["stacks"]), str(row["resources"]), f"{row['first_up']:.1f} s",
            f"{row['first_up'] / row['organizations'] * 1000:.0f} ms", f"{row['raw']:.2f} s",
            f"{row['first_up'] / row['raw']:.1f}", f"{row['no_op']:.1f} s", f"{row['no_op_preview']:.1f} s",
            f"{row['preview_of_one']:.1f} s", f"{row['one_changed']:.1f} s",
            f"{row['memory'] / MIB:.0f} MiB", f"{row['state'] / 1024:.0f} KiB",
        )
        for row in rows
    ]  # fmt: skip
    return table("Catalogs", HEADER, shown), list(rows)


def _measure(size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        checkout = Checkout(Path(folder))
        _write_catalog(checkout, size)
        try:
            checkout.plane("up").ok()
            return _measured(checkout, size)
        finally:
            checkout.plane("down")


def _measured(checkout: Checkout, size: int) -> dict[str, Any]:
    def engine(*arguments: str) -> Measured:
        return measure([sys.executable, "-m", "engine", *arguments], checkout.folder, checkout.environment)

    first = engine("up")
    no_op = statistics.median(engine("up").seconds for _ in range(REPEATS))
    no_op_preview = statistics.median(engine("review").seconds for _ in range(REPEATS))
    previews, changes = [], []
    for number in range(REPEATS):
        checkout.edit(f"bench-{number % size:04}", quota={"cpu": 3 + number})
        previews.append(engine("review").seconds)
        changes.append(engine("up").seconds)
    states = [json.loads(path.read_text()) for path in _state_files(checkout)]
    resources = [r for state in states for r in state["checkpoint"]["latest"].get("resources", [])]
    raw = asyncio.run(_raw(checkout, resources))
    return {
        "organizations": size, "stacks": len(states), "resources": len(resources), "first_up": first.seconds,
        "no_op": no_op, "no_op_preview": no_op_preview, "preview_of_one": statistics.median(previews),
        "one_changed": statistics.median(changes),
        "memory": first.memory, "raw": raw, "state": sum(path.stat().st_size for path in _state_files(checkout)),
    }  # fmt: skip


def _state_files(checkout: Checkout) -> list[Path]:
    return sorted((checkout.folder / ".local" / "pulumi-state" / ".pulumi" / "stacks").rglob("dev*.json"))


def _write_catalog(checkout: Checkout, size: int) -> None:
    if size > PER_STACK:
        with (checkout.folder / "Pulumi.dev.yaml").open("a") as file:
            file.write(f"  agent-ready-k8s:shards: {-(-size // PER_STACK)}\n")
    for path in checkout.catalog.glob("*.yaml"):
        path.unlink()
    for number in range(size):
        name = f"bench-{number:04}"
        members = [{"email": f"{role}@{name}.example", "role": role} for role in ("owner", "admin", "member", "viewer")]
        data = {"name": name, "members": members, "configs": {"ai/threshold": 0.5, "email/max_retries": 3}}
        (checkout.catalog / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))


async def _raw(checkout: Checkout, resources: list[dict[str, Any]]) -> float:
    """Seconds for the same namespaces, objects and rows by bare calls, 32 at a time, as the engine has them."""
    environment = checkout.environment
    spaces = [_namespace(r) for r in resources if r["type"] == "tenancy:index:NamespaceClaim"]
    inside = [made for r in resources if (made := _object(r))]
    rows = [r["inputs"]["values"] for r in resources if r["type"] == "tenancy:index:ConfigDefaults"]
    limit = asyncio.Semaphore(32)
    api = ClusterApi(Path(environment["KUBECONFIG"]))
    async with api, Database(environment["PLATFORM_DATABASE_URL"]) as database:
        await api.get("/version")
        began = time.monotonic()

        async def create(path: str, body: dict[str, Any]) -> None:
            async with limit:
                await _post(api, path, body)

        await asyncio.gather(*(create("/api/v1/namespaces", body) for body in spaces))
        inserts = (_insert(database, f"raw-{n}", values) for n, values in enumerate(rows))
        await asyncio.gather(*(create(path, body) for path, body in inside), *inserts)
        return time.monotonic() - began


async def raw_calls(checkout: Checkout, count: int) -> list[float]:
    """Seconds that each of `count` organizations takes by bare calls, one after the other."""
    state = json.loads(_state_files(checkout)[0].read_text())
    resources = state["checkpoint"]["latest"]["resources"]
    space = next(_namespace(r) for r in resources if r["type"] == "tenancy:index:NamespaceClaim")
    model = space["metadata"]["name"]
    objects = [made for r in resources if (made := _object(r)) and f"/{model}/" in made[0]]
    values = next(r["inputs"]["values"] for r in resources if r["type"] == "tenancy:index:ConfigDefaults")
    found = []
    api = ClusterApi(Path(checkout.environment["KUBECONFIG"]))
    async with api, Database(checkout.environment["PLATFORM_DATABASE_URL"]) as database:
        for number in range(count):
            name = f"raw-single-{number}"
            began = time.monotonic()
            await _post(api, "/api/v1/namespaces", {**space, "metadata": {**space["metadata"], "name": name}})
            calls = (_post(api, path.replace(model, name), body) for path, body in objects)
            await asyncio.gather(*calls, _insert(database, name, values))
            found.append(time.monotonic() - began)
    return found


async def _post(api: ClusterApi, path: str, body: dict[str, Any]) -> None:
    """Create; a default ServiceAccount that its controller made first is patched instead."""
    try:
        await api.create(path, body)
    except ApiRefused as refused:
        if refused.code != 409:
            raise
        await api.patch(f"{path}/{body['metadata']['name']}", body)


async def _insert(database: Database, slug: str, values: dict[str, str]) -> None:
    """The same rows and the same login, in one transaction."""
    async with database.transaction(actor="bench", reason="raw") as connection:
        cursor = await connection.execute(
            "insert into tenancy.organizations (slug, name, plan, managed_by) values (%s, %s, 'starter', 'bench')"
            " returning id",
            (slug, slug),
        )
        row = await cursor.fetchone()
        assert row is not None
        for name, value in values.items():
            service, _, key = name.partition("/")
            await connection.execute(
                "insert into tenancy.service_configs (org_id, service, key, value, source)"
                " values (%s, %s, %s, %s::jsonb, 'catalog')",
                (row["id"], service, key, value),
            )
        await connection.execute(
            "insert into tenancy.pod_credentials (org_id, username, password_sha256) values (%s, %s, %s)",
            (row["id"], slug, secrets.token_hex(32)),
        )
        await connection.execute(
            sql.SQL("create role {} login password {} connection limit 20 in role agent_ready_tenant").format(
                sql.Identifier(slug), sql.Literal(secrets.token_hex(20))
            )
        )


def _namespace(resource: dict[str, Any]) -> dict[str, Any]:
    inputs = resource["inputs"]
    name = inputs["name"].replace("org-", "raw-", 1)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": inputs["labels"]}}


_COLLECTIONS = {
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
    "LimitRange": "/api/v1/namespaces/{}/limitranges",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}


def _object(resource: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Where and what to post for one of the state's namespaced objects."""
    inputs = resource.get("inputs", {})
    collection = _COLLECTIONS.get(inputs.get("kind", ""))
    if collection is None or "namespace" not in inputs.get("metadata", {}):
        return None
    namespace = inputs["metadata"]["namespace"].replace("org-", "raw-", 1)
    body = {key: value for key, value in inputs.items() if key not in _SERVERS_OWN}
    name = inputs["metadata"]["name"]
    if inputs["kind"] == "Secret":  # the state holds ciphertext; the same keys with values of that length do
        body["stringData"] = dict.fromkeys(("host", "port", "dbname", "username", "password", "url"), "x" * 40)
        body.pop("data", None)
    body["metadata"] = {"name": name, "labels": inputs["metadata"].get("labels", {})}
    return collection.format(namespace), body
