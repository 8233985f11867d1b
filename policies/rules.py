"""The rules as pure functions: from a resource's type and properties to what is wrong with it, in words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Properties = Mapping[str, Any]
Check = Callable[[str, Properties], Iterator[str]]

_PREFIX = "org-"
_BOUNDED = tuple(f"{side}.{what}" for side in ("requests", "limits") for what in ("cpu", "memory"))
_SECURITY = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Rule:
    """One mandatory rule; `check` yields a sentence a violation."""

    name: str
    description: str
    check: Check


def no_wildcard_rbac(kind: str, properties: Properties) -> Iterator[str]:
    """Roles name what they grant; `*` grants what nobody has thought of yet."""
    if kind.split("/")[0] != "kubernetes:rbac.authorization.k8s.io":
        return
    for index, rule in enumerate(properties.get("rules") or []):
        for key in ("apiGroups", "resources", "verbs"):
            if "*" in (rule.get(key) or []):
                yield f"rules[{index}].{key} holds the wildcard '*'; list what is meant"


def quota_is_bounded(kind: str, properties: Properties) -> Iterator[str]:
    """An organization's quota bounds requests and limits of cpu and memory, storage and the number of pods."""
    if kind != "kubernetes:core/v1:ResourceQuota" or not _in_organization(properties):
        return
    hard = (properties.get("spec") or {}).get("hard") or {}
    for key in (*_BOUNDED, "requests.storage", "pods"):
        if key not in hard:
            yield f"spec.hard has no {key}; without it the organization's use is unbounded"


def default_deny_is_closed(kind: str, properties: Properties) -> Iterator[str]:
    """The policy named default-deny selects every pod, in both directions, and opens nothing."""
    if kind != "kubernetes:networking.k8s.io/v1:NetworkPolicy" or _metadata(properties).get("name") != "default-deny":
        return
    spec = properties.get("spec") or {}
    if set(spec.get("policyTypes") or []) != {"Ingress", "Egress"}:
        yield "default-deny must list both policyTypes, Ingress and Egress"
    if spec.get("podSelector") or spec.get("ingress") or spec.get("egress"):
        yield "default-deny must select every pod and allow nothing; put allowances into policies of their own"


def namespaces_are_restricted(kind: str, properties: Properties) -> Iterator[str]:
    """An organization's namespace is named after it and enforces the Pod Security Standard `restricted`."""
    if kind != "tenancy:index:NamespaceClaim":
        return
    if not str(properties.get("name", "")).startswith(_PREFIX):
        yield f"the namespace {properties.get('name')!r} must be named {_PREFIX}<slug>"
    if (properties.get("labels") or {}).get(_SECURITY) != "restricted":
        yield f"the label {_SECURITY} must be 'restricted'"


RULES: tuple[Rule, ...] = tuple(
    Rule(check.__name__.replace("_", "-"), " ".join((check.__doc__ or "").split()), check)
    for check in (no_wildcard_rbac, quota_is_bounded, default_deny_is_closed, namespaces_are_restricted)
)


def _metadata(properties: Properties) -> Mapping[str, Any]:
    return properties.get("metadata") or {}


def _in_organization(properties: Properties) -> bool:
    return str(_metadata(properties).get("namespace", "")).startswith(_PREFIX)
