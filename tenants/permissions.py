"""Who may do what: the one table that the API's checks, the cluster's roles and docs/permissions.md come from.

A permission is granted to roles and may carry RBAC rules, by which it reaches into the organization's namespace. No
wildcards; no role may touch the Namespace, its ResourceQuota, LimitRange or the isolation gate. RBAC itself refuses a
tenant's Role or RoleBinding that grants more than its author holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

RoleName = Literal["owner", "admin", "member", "viewer"]
PlatformRole = Literal["operator", "auditor"]
ROLES: tuple[RoleName, ...] = get_args(RoleName)
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)


@dataclass(frozen=True)
class Rule:
    """One RBAC rule: an API group, its resources and the verbs on them."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


@dataclass(frozen=True)
class Permission:
    """Something that may be done, by whom, and what that means in the namespace.

    An operator or an auditor has it in every organization, the others in their own.
    """

    name: str
    about: str
    roles: frozenset[str]
    rules: tuple[Rule, ...] = ()


_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete", "deletecollection")
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


_INSIDE = (
    Rule("", ("pods/exec", "pods/portforward", "pods/attach"), ("create", "get")),
    Rule("apps", ("deployments/scale", "replicasets/scale", "statefulsets/scale"), ("get", "update", "patch")),
)
_SECRETS = (
    Rule("", ("secrets", "serviceaccounts"), _READ + _WRITE),
    Rule("", ("pods/eviction", "pods/ephemeralcontainers"), ("create", "update", "patch")),
)
_NETWORK = (Rule("networking.k8s.io", ("networkpolicies",), _WRITE),)
_DELEGATION = (Rule("rbac.authorization.k8s.io", ("roles", "rolebindings"), _READ + _WRITE),)

_OPERATOR = frozenset({"operator"})
_STAFF = frozenset(PLATFORM_ROLES)
_OWNERS = frozenset({"owner", "operator"})
_ADMINS = frozenset({"owner", "admin", "operator"})
_EVERYBODY = frozenset(ROLES)
_READERS = _EVERYBODY | _STAFF
_IN_CLUSTER = frozenset({"owner", "admin"})  # there an operator has an identity of its own, an auditor none
_WORKING = frozenset({"owner", "admin", "member"})

PERMISSIONS: tuple[Permission, ...] = (
    Permission("organization:read", "see the organization, its quota and its operations", _READERS),
    Permission("organization:change", "change name, labels and retention", _ADMINS),
    Permission("organization:rotate", "give the organization's login a new password", _ADMINS),
    Permission("organization:plan", "change plan and quota, which costs money", _OWNERS),
    Permission("organization:protect", "protect it from deletion, or end that", _OWNERS),
    Permission("organization:delete", "delete the organization with everything in it", _OWNERS),
    Permission("network:change", "allow traffic to and from named organizations", _ADMINS),
    Permission("network:expose", "open ports to the world", _OPERATOR),
    Permission("members:read", "see members and invitations", _READERS),
    Permission("members:change", "invite, change and remove members and viewers", _ADMINS),
    Permission("members:govern", "the same for owners and admins; transfer the ownership", _OWNERS),
    Permission("tokens:revoke", "log out members of the organization", _ADMINS),
    Permission("clients:change", "register services behind OAuth2-Proxy", _ADMINS),
    Permission("settings:read", "read settings, flags and their history", _READERS),
    Permission("settings:change", "change settings and flags", _ADMINS),
    Permission("settings:approve", "approve or reject a change that somebody else asked for", _ADMINS),
    Permission("audit:read", "read and export the organization's audit log", _ADMINS | _STAFF),
    Permission("data:read", "read projects, notes and documents", _EVERYBODY),
    Permission("data:change", "create, change, delete and restore projects, notes and documents", _WORKING),
    Permission("cluster:use", "use kubectl, by a kubeconfig and tokens for it", _EVERYBODY),
    Permission("workloads:read", "see workloads, events and logs in the namespace", _EVERYBODY,
               _workloads(_READ) + _BASELINE),
    Permission("workloads:change", "run workloads and open a shell in them", _WORKING, _workloads(_WRITE) + _INSIDE),
    Permission("secrets:change", "Secrets, service accounts, evictions and debug containers", _IN_CLUSTER, _SECRETS),
    Permission("network:policies", "NetworkPolicies beside the baseline", _IN_CLUSTER, _NETWORK),
    Permission("workloads:delegate", "Roles and RoleBindings of no more than one holds oneself", _IN_CLUSTER,
               _DELEGATION),
    Permission("platform:read", "list organizations, drift, platform settings and the platform's audit log", _STAFF),
    Permission("platform:change", "sign up without limits, repair drift, change platform settings", _OPERATOR),
    Permission("platform:identity", "staff, signing keys, clients of the platform, anybody's sessions", _OPERATOR),
)  # fmt: skip


def permissions_of(role: str) -> frozenset[str]:
    """The names of what a role may do; none for a role that there is not."""
    return frozenset(permission.name for permission in PERMISSIONS if role in permission.roles)


#: The RBAC rules of each role in its namespace, in the table's order.
RULES: dict[RoleName, tuple[Rule, ...]] = {
    role: tuple(rule for permission in PERMISSIONS if role in permission.roles for rule in permission.rules)
    for role in ROLES
}


def documentation() -> str:
    """The table as docs/permissions.md shows it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    columns = (*ROLES, *PLATFORM_ROLES)
    yield "# Permissions"
    yield ""
    yield "Made from `tenants/permissions.py` by `python -m tenants.permissions`: the API checks and the ClusterRoles"
    yield "come from it too. A member's role counts in their organization, an operator's and an auditor's in all."
    yield ""
    yield f"| permission | what it allows | {' | '.join(columns)} | in the namespace |"
    yield f"| --- | --- |{' :-: |' * len(columns)} --- |"
    for permission in PERMISSIONS:
        marks = " | ".join("✓" if role in permission.roles else "" for role in columns)
        inside = "; ".join(f"{'/'.join(rule.verbs)} {', '.join(rule.resources)}" for rule in permission.rules)
        yield f"| `{permission.name}` | {permission.about} | {marks} | {inside} |"


if __name__ == "__main__":
    print(documentation(), end="")
