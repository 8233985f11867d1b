"""An API server in memory: enough of Kubernetes' rules for claims, gates and proofs, and a log of every call."""

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused
from cluster.isolation import Isolation

RBAC, NETWORK, DISCOVERY = "rbac.authorization.k8s.io", "networking.k8s.io", "discovery.k8s.io"
KINDS = {
    "": ("pods", "services", "configmaps", "secrets", "endpoints", "serviceaccounts", "resourcequotas", "limitranges"),
    RBAC: ("rolebindings", "roles"),
    NETWORK: ("networkpolicies", "ingresses"),
    DISCOVERY: ("endpointslices",),
    "apps": ("deployments",),
    "cilium.io": ("ciliumnetworkpolicies",),
}
TRUSTING = {
    f"/apis/{RBAC}/v1": ("clusterrolebindings", "rolebindings"),
    "/apis/admissionregistration.k8s.io/v1": ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
    "/apis/apiregistration.k8s.io/v1": ("apiservices",),
    "/apis/apiextensions.k8s.io/v1": ("customresourcedefinitions",),
}
COLLECTIONS = {"namespaces"}.union(*KINDS.values(), *TRUSTING.values())
Admission = Callable[[str, str, Json, str | None], None]
NAMESPACE = f"{NAMESPACES}/org-acme"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/org-acme/networkpolicies"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/org-acme/rolebindings"
WANTED = Isolation(
    namespace="org-acme",
    uid="uid-1",
    quota="quota",
    limits="limits",
    service_account="default",
    network_policies=("default-deny", "baseline-egress"),
    role_bindings=("organization-owners",),
)


class Killed(Exception):
    """The process ends here."""


class FakeCluster(ClusterApi):
    """Objects by path. `calls` lists (method, path); `admission` may refuse; `before_get` may play a controller.

    `warned` is what a dry run is warned of; `dies_after` so many patches and deletions comes Killed.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.impersonated: list[str | None] = []
        self.admission: Admission = lambda method, path, body, user: None
        self.before_get: Callable[[str], None] = lambda path: None
        self.finalizers_hold = False
        self.warned: list[str] = []
        self.dry_run: Json = {}
        self.dies_after: int | None = None
        self.applied: Callable[[Json], None] = lambda stored: None
        self.managers: list[str] = []
        self._versions = count(1)
        self._uids = (f"uid-{number}" for number in count(1))

    async def close(self) -> None:
        """Nothing is open."""

    def put(self, path: str, body: Json) -> Json:
        """Store an object as somebody else made it; its UID is given if it has none."""
        stored = copy.deepcopy(body)
        meta = stored.setdefault("metadata", {})
        meta.setdefault("name", path.rsplit("/", 1)[-1])
        meta.setdefault("uid", next(self._uids))
        self.objects[path] = stored
        return stored

    def writes(self) -> list[tuple[str, str]]:
        """Calls that were more than reading."""
        return [call for call in self.calls if call[0] not in ("GET", "DRY-RUN")]

    def _live(self) -> None:
        if self.dies_after is not None and len(self.writes()) >= self.dies_after:
            raise Killed

    async def get(self, path: str) -> Json | None:
        self.calls.append(("GET", path))
        self.before_get(path)
        if path.rsplit("/", 1)[-1] in COLLECTIONS:
            return {"items": [copy.deepcopy(o) for p, o in self.objects.items() if p.rsplit("/", 1)[0] == path]}
        return copy.deepcopy(self.objects.get(path))

    async def create(self, path: str, body: Json, *, dry_run: bool = False, impersonate: str | None = None) -> Json:
        self.calls.append(("POST", path))
        self.impersonated.append(impersonate)
        self.admission("POST", path, body, impersonate)
        target = f"{path}/{body['metadata']['name']}"
        if target in self.objects:
            raise ApiRefused(409, "AlreadyExists", f"POST {path}: {target} already exists")
        return copy.deepcopy(body if dry_run else self.put(target, body))

    async def patch(self, path: str, body: Json, *, dry_run: bool = False, impersonate: str | None = None) -> Json:
        if not dry_run:
            self._live()
        self.calls.append(("PATCH", path))
        self.impersonated.append(impersonate)
        self.admission("PATCH", path, body, impersonate)
        if path not in self.objects:
            raise ApiRefused(404, "NotFound", f"PATCH {path}: not found")
        stored = self.objects[path]["metadata"]
        for key in ("uid", "resourceVersion"):
            if body.get("metadata", {}).get(key, stored.get(key)) != stored.get(key):
                raise ApiRefused(409, "Conflict", f"PATCH {path}: {key} mismatch")
        merged = _merge(self.objects[path], body)
        if not dry_run:
            self.objects[path] = merged
        return copy.deepcopy(merged)

    async def apply(self, path: str, body: Json, *, manager: str) -> Json:
        """Server-side apply as far as it goes: all but metadata is ours. `applied` may play a controller."""
        self._live()
        self.calls.append(("APPLY", path))
        found, uid = self.objects.get(path), body["metadata"].get("uid")
        if found is None and uid is None:
            found = self.put(path, {"metadata": body["metadata"]})
        elif found is None or found["metadata"]["uid"] != (uid or found["metadata"]["uid"]):
            raise ApiRefused(409, "Conflict", f"PATCH {path}: uid mismatch")
        found.update({key: copy.deepcopy(value) for key, value in body.items() if key != "metadata"})
        found["metadata"]["resourceVersion"] = str(next(self._versions))
        self.managers.append(manager)
        before = copy.deepcopy(found)
        self.applied(found)
        return before

    @asynccontextmanager
    async def watch(
        self, collection: str, name: str, *, version: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Json]]:
        self.calls.append(("WATCH", collection))

        async def states() -> AsyncIterator[Json]:
            yield copy.deepcopy(self.objects[f"{collection}/{name}"])

        yield states()

    async def warnings(self, path: str, body: Json) -> list[str]:
        await self.patch(path, body, dry_run=True)
        self.calls[-1] = ("DRY-RUN", path)
        self.dry_run = body
        return self.warned

    async def delete(self, path: str, *, uid: str) -> None:
        self._live()
        self.calls.append(("DELETE", path))
        found = self.objects.get(path)
        if found is None or found["metadata"]["uid"] != uid:
            return
        if self.finalizers_hold:
            found["metadata"]["deletionTimestamp"] = "2026-11-23T18:00:00Z"
        else:
            del self.objects[path]


def announced() -> FakeCluster:
    """A cluster whose API server tells what kinds it has, KINDS, and that has nothing else."""
    cluster = FakeCluster()
    groups = [{"name": group, "versions": [{"groupVersion": f"{group}/v1"}]} for group in KINDS if group]
    cluster.objects["/apis"] = {"groups": groups}
    for group, kinds in KINDS.items():
        verbs = ["create", "delete", "get", "list"]
        resources = [{"name": kind, "namespaced": True, "verbs": verbs} for kind in kinds]
        resources += [
            {"name": "readings", "namespaced": True, "verbs": ["get", "list"]},
            {"name": "reviews", "namespaced": True, "verbs": ["create"]},
            {"name": "pods/status", "namespaced": True, "verbs": verbs},
            {"name": "nodes", "namespaced": False, "verbs": verbs},
        ]
        cluster.objects[root_of(group)] = {"resources": resources}
    return cluster


def root_of(group: str) -> str:
    """Where the kinds of an API group are found."""
    return f"/apis/{group}/v1" if group else "/api/v1"


def isolated() -> FakeCluster:
    """A cluster in which WANTED stands completely; only the gate's label is missing."""
    cluster = FakeCluster()
    cluster.put(NAMESPACE, {"metadata": {"labels": {"kubernetes.io/metadata.name": "org-acme"}}})
    cluster.put(
        f"{NAMESPACE}/resourcequotas/quota", {"spec": {"hard": {"pods": "5"}}, "status": {"hard": {"pods": "5"}}}
    )
    cluster.put(f"{NAMESPACE}/limitranges/limits", {"spec": {"limits": [{"type": "Container"}]}})
    cluster.put(f"{NAMESPACE}/serviceaccounts/default", {"automountServiceAccountToken": False})
    cluster.put(f"{POLICIES}/default-deny", {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}})
    cluster.put(f"{POLICIES}/baseline-egress", {"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}})
    cluster.put(
        f"{BINDINGS}/organization-owners", {"subjects": [{"kind": "User", "name": "agent-ready:ada@acme.example"}]}
    )
    return cluster


def _merge(target: Any, change: Any) -> Any:
    """JSON merge patch, RFC 7386."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged
