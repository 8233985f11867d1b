"""The proof that the admission policies deny: a stored policy admits everything until it is bound and synced.

A namespace of our own, never opened, is the canary. For each policy there is one attempt that this policy alone must
refuse, by name, tried as a server-side dry run by a user that holds the rights for these attempts and nothing else.
The namespace, the user's rights and that of impersonating it are set up once with the platform's identity
(deploy/identity/).
"""

import asyncio
import time
from dataclasses import dataclass

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused, PolicyNotInForce
from tenants import names

CANARY = names.namespace(names.CANARY_SLUG)
CANARY_USER = "agent-ready:canary"
POD_POLICY = "agent-ready-pods-wait-for-isolation"
LABEL_POLICY = "agent-ready-isolation-label"
_IN_A_ROW = 3  # several API servers may sync at different times


@dataclass(frozen=True)
class Attempt:
    """What `policy` must refuse: creating `body` in a collection, or patching the Namespace if `path` is empty."""

    policy: str
    says: str
    path: str
    body: Json

    async def verdict(self, api: ClusterApi) -> str:
        """What went wrong, in words; "" if it was refused by this policy."""
        try:
            if self.path:
                await api.create(self.path, self.body, dry_run=True, impersonate=CANARY_USER)
            else:
                await api.patch(f"{NAMESPACES}/{CANARY}", self.body, dry_run=True, impersonate=CANARY_USER)
        except ApiRefused as refused:
            if f"'{self.policy}'" in str(refused):
                return ""
            return (
                f"the policy {self.policy} does not refuse {self.says} in {CANARY}, but something else does: {refused}"
            )
        return f"the policy {self.policy} does not refuse {self.says} in {CANARY}"


async def wait_until_denied(api: ClusterApi, *, timeout: float = 60.0) -> None:
    """Return once every policy was seen to deny several times in a row; raise PolicyNotInForce otherwise."""
    deadline, seen = time.monotonic() + timeout, 0
    while seen < _IN_A_ROW:
        verdict = await _admitted(api)
        seen = 0 if verdict else seen + 1
        if verdict and time.monotonic() > deadline:
            raise PolicyNotInForce(
                f"after {timeout:.0f} s {verdict}; look at `kubectl get validatingadmissionpolicies` "
                "and apply deploy/identity/ if the canary or its rights are missing"
            )
        await asyncio.sleep(0.02 if seen else 0.1)


async def still_denied(api: ClusterApi) -> bool:
    """Whether every policy denies right now."""
    return not await _admitted(api)


async def _admitted(api: ClusterApi) -> str:
    """What was not refused by its policy, in words; "" if each policy refused its attempt."""
    verdicts = await asyncio.gather(*(attempt.verdict(api) for attempt in ATTEMPTS))
    return "; ".join(filter(None, verdicts))


_CORE = f"{NAMESPACES}/{CANARY}"
_APPS = f"/apis/apps/v1/namespaces/{CANARY}"
_NETWORK = f"/apis/networking.k8s.io/v1/namespaces/{CANARY}"
_RBAC_GROUP = "rbac.authorization.k8s.io"
_RBAC = f"/apis/{_RBAC_GROUP}/v1/namespaces/{CANARY}"
# Pod Security would admit it, so that only the policies can refuse it.
_POD_SPEC: Json = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "canary",
            "image": "registry.invalid/canary",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}


def _named(**content: object) -> Json:
    return {"metadata": {"name": "canary"}, **content}


def _marked(**marks: object) -> Json:
    return {"metadata": {"name": "canary", **marks}}


_DEPLOYMENT = _named(
    spec={
        "selector": {"matchLabels": {"app": "canary"}},
        "template": {"metadata": {"labels": {"app": "canary"}}, "spec": {**_POD_SPEC, "nodeName": "canary"}},
    }
)
_BINDING = _named(
    roleRef={"apiGroup": _RBAC_GROUP, "kind": "Role", "name": "try"},
    subjects=[{"apiGroup": _RBAC_GROUP, "kind": "User", "name": "somebody"}],
)
_TOKEN = {
    "metadata": {"name": "canary", "annotations": {"kubernetes.io/service-account.name": "default"}},
    "type": "kubernetes.io/service-account-token",
}
_CLAIM = _named(
    spec={
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
        "volumeName": "somebodys",
    }
)
_WILDCARD = _named(rules=[{"apiGroups": [names.DOMAIN], "resources": ["canaries"], "verbs": ["*"]}])

ATTEMPTS: tuple[Attempt, ...] = (
    Attempt(POD_POLICY, "a pod before the gate", f"{_CORE}/pods", _named(spec=_POD_SPEC)),
    Attempt(LABEL_POLICY, "the forged label", "", {"metadata": {"labels": {names.READY_LABEL: "true"}}}),
    Attempt("agent-ready-namespaces", "a changed Namespace", "", {"metadata": {"labels": {"canary": "true"}}}),
    Attempt(
        "agent-ready-baseline",
        "an object with the platform's label",
        f"{_CORE}/configmaps",
        _marked(labels={names.BASELINE_LABEL: "true"}),
    ),
    Attempt(
        "agent-ready-tenant-kinds",
        "a kind that is not listed",
        f"{_CORE}/podtemplates",
        _named(template={"spec": _POD_SPEC}),
    ),
    Attempt(
        "agent-ready-tenant-finalizers",
        "a finalizer of a tenant's own",
        f"{_CORE}/configmaps",
        _marked(finalizers=["canary.example/stay"]),
    ),
    Attempt("agent-ready-tenant-bindings", "a binding that names a user", f"{_RBAC}/rolebindings", _BINDING),
    Attempt("agent-ready-tenant-roles", "a role with a wildcard", f"{_RBAC}/roles", _WILDCARD),
    Attempt(
        "agent-ready-tenant-network",
        "a NetworkPolicy that opens the namespace",
        f"{_NETWORK}/networkpolicies",
        _named(spec={"podSelector": {}, "ingress": [{}]}),
    ),
    Attempt(
        "agent-ready-services",
        "a Service of type ExternalName",
        f"{_CORE}/services",
        _named(spec={"type": "ExternalName", "externalName": "canary.example"}),
    ),
    Attempt("agent-ready-pods-stay-in-place", "a pod that chooses its node", f"{_APPS}/deployments", _DEPLOYMENT),
    Attempt("agent-ready-volumes", "a claim that names its volume", f"{_CORE}/persistentvolumeclaims", _CLAIM),
    Attempt("agent-ready-secrets", "a token that never ends", f"{_CORE}/secrets", _TOKEN),
)
