"""An API server in memory: enough of Kubernetes' rules for claims, gates and proofs, and a log of every call."""

import copy
from collections.abc import Callable
from itertools import count
from typing import Any

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused
from cluster.isolation import Isolation

COLLECTIONS = {
    "namespaces",
    "pods",
    "resourcequotas",
    "limitranges",
    "serviceaccounts",
    "networkpolicies",
    "rolebindings",
}
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


class FakeCluster(ClusterApi):
    """Objects by path. `calls` lists (method, path); `admission` may refuse; `before_get` may play a controller."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.impersonated: list[str | None] = []
        self.admission: Admission = lambda method, path, body, user: None
        self.before_get: Callable[[str], None] = lambda path: None
        self.finalizers_hold = False
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
        return [call for call in self.calls if call[0] != "GET"]

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
        self.calls.append(("PATCH", path))
        self.impersonated.append(impersonate)
        self.admission("PATCH", path, body, impersonate)
        if path not in self.objects:
            raise ApiRefused(404, "NotFound", f"PATCH {path}: not found")
        if (
            body.get("metadata", {}).get("uid", self.objects[path]["metadata"]["uid"])
            != self.objects[path]["metadata"]["uid"]
        ):
            raise ApiRefused(409, "Conflict", f"PATCH {path}: uid mismatch")
        merged = _merge(self.objects[path], body)
        if not dry_run:
            self.objects[path] = merged
        return copy.deepcopy(merged)

    async def delete(self, path: str, *, uid: str) -> None:
        self.calls.append(("DELETE", path))
        found = self.objects.get(path)
        if found is None or found["metadata"]["uid"] != uid:
            return
        if self.finalizers_hold:
            found["metadata"]["deletionTimestamp"] = "2026-11-23T18:00:00Z"
        else:
            del self.objects[path]


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
