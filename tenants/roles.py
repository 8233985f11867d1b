"""What each organization role may do in its namespace: the one table that ClusterRoles are made of.

No wildcards; no role may touch the Namespace, its ResourceQuota, LimitRange or the isolation gate. RBAC itself
refuses a tenant's Role or RoleBinding that grants more than its author holds.
"""

from dataclasses import dataclass
from typing import Literal, get_args

RoleName = Literal["owner", "admin", "member", "viewer"]
ROLES: tuple[RoleName, ...] = get_args(RoleName)

_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Rule:
    """One RBAC rule: an API group, its resources and the verbs on them."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


_WORKLOADS = {
    "": ("pods", "services", "configmaps", "persistentvolumeclaims", "replicationcontrollers"),
    "apps": ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"),
    "batch": ("jobs", "cronjobs"),
    "autoscaling": ("horizontalpodautoscalers",),
    "policy": ("poddisruptionbudgets",),
}
_BASELINE = (
    Rule("", ("resourcequotas", "limitranges", "events", "pods/log", "pods/status", "serviceaccounts"), _READ),
    # Written by nobody here: endpoints name addresses of other namespaces, an ingress a host that has no owner yet.
    Rule("", ("endpoints",), _READ),
    Rule("networking.k8s.io", ("networkpolicies", "ingresses"), _READ),
)


def _workloads(verbs: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(Rule(group, resources, verbs) for group, resources in _WORKLOADS.items())


_VIEWER = _workloads(_READ) + _BASELINE
_MEMBER = (
    _VIEWER
    + _workloads(_WRITE)
    + (
        Rule("", ("pods/exec", "pods/portforward", "pods/attach"), ("create", "get")),
        Rule(
            "apps",
            ("deployments/scale", "replicasets/scale", "statefulsets/scale"),
            ("get", "update", "patch"),
        ),
    )
)
_ADMIN = (
    *_MEMBER,
    Rule("", ("secrets", "serviceaccounts"), _READ + _WRITE),
    Rule("", ("pods/eviction", "pods/ephemeralcontainers"), ("create", "update", "patch")),
    Rule("networking.k8s.io", ("networkpolicies",), _WRITE),
    Rule("rbac.authorization.k8s.io", ("roles", "rolebindings"), _READ + _WRITE),
)
# In the cluster an owner is an admin; what an owner alone may do (billing, deletion, transfer) is the API's matter.
RULES: dict[RoleName, tuple[Rule, ...]] = {
    "owner": _ADMIN,
    "admin": _ADMIN,
    "member": _MEMBER,
    "viewer": _VIEWER,
}
