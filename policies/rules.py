"""The rules as pure functions: from a resource's type and properties to what is wrong with it, in words.

Where a rule needs more than the properties (the resource's name, which of them are secret, the plans' limits), it
takes a Context. Rules about what must be *there* see the whole stack, after the resources; all others see each
resource before it is registered, and prevent it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.quantities import exceeds

Properties = Mapping[str, Any]
Limits = Mapping[str, Mapping[str, str]]

_PREFIX = "org-"
_BOUNDED = tuple(f"{side}.{what}" for side in ("requests", "limits") for what in ("cpu", "memory"))
_SECURITY = "pod-security.kubernetes.io/enforce"
_PLAN = "agent-ready.io/plan"
_QUOTA, _LIMITS = "kubernetes:core/v1:ResourceQuota", "kubernetes:core/v1:LimitRange"
_NETWORK = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_CLAIM = "tenancy:index:NamespaceClaim"
_DATA = {"tenancy:index:OrganizationRow": "-row", _CLAIM: "-namespace", "tenancy:index:DatabaseSchema": ""}
_DNS = re.compile(r"^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$")
_SECRET_KEY = re.compile(r"(^|_)(password|passphrase|token|secret|private_?key|api_?key|credentials?)$")
_SECRET_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----")


class Unknown:
    """A value that a preview cannot know. It is empty to the rules, so that what must be there is missed."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "(not known before the update)"


@dataclass(frozen=True)
class Context:
    """What is known beside the properties. `secrets` are the paths of secret values, or None if nobody knows."""

    name: str = ""
    secrets: frozenset[str] | None = None
    limits: Limits = field(default_factory=dict)
    delete_before_replace: bool = False


NOTHING = Context()
Check = Callable[..., Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """One mandatory rule; `check(kind, properties, context)` yields a sentence a violation."""

    name: str
    description: str
    check: Check


@dataclass(frozen=True)
class Resource:
    """One resource of the whole stack."""

    kind: str
    urn: str
    properties: Properties


@dataclass(frozen=True)
class StackRule:
    """One rule about the whole stack; `check` yields the URN that it is about and a sentence."""

    name: str
    description: str
    check: Callable[[Sequence[Resource], Limits], Iterator[tuple[str, str]]]


def no_wildcard_rbac(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """Roles name what they grant; `*` grants what nobody has thought of yet."""
    if kind.split("/")[0] != "kubernetes:rbac.authorization.k8s.io":
        return
    for index, rule in enumerate(properties.get("rules") or []):
        for key in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
            if any("*" in value for value in rule.get(key) or []):
                yield f"rules[{index}].{key} holds the wildcard '*'; list what is meant"


def quota_is_bounded(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """An organization's quota bounds requests and limits of cpu and memory, storage and the number of pods."""
    if kind != _QUOTA or not _in_organization(properties):
        return
    hard = (properties.get("spec") or {}).get("hard") or {}
    for key in (*_BOUNDED, "requests.storage", "pods"):
        if key not in hard:
            yield f"spec.hard has no {key}; without it the organization's use is unbounded"


def default_deny_is_closed(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """The policy named default-deny selects every pod, in both directions, and opens nothing."""
    if kind != _NETWORK or _metadata(properties).get("name") != "default-deny":
        return
    spec = properties.get("spec") or {}
    if set(spec.get("policyTypes") or []) != {"Ingress", "Egress"}:
        yield "default-deny must list both policyTypes, Ingress and Egress"
    if spec.get("podSelector") or spec.get("ingress") or spec.get("egress"):
        yield "default-deny must select every pod and allow nothing; put allowances into policies of their own"


def namespaces_are_restricted(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """An organization's namespace is named after it and enforces the Pod Security Standard `restricted`."""
    if kind != _CLAIM:
        return
    if not str(properties.get("name", "")).startswith(_PREFIX):
        yield f"the namespace {properties.get('name')!r} must be named {_PREFIX}<slug>"
    if (properties.get("labels") or {}).get(_SECURITY) != "restricted":
        yield f"the label {_SECURITY} must be 'restricted'"


def quota_is_within_limits(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """No quota is larger than the largest plan's maximum; no container may be given more than that either."""
    if not _in_organization(properties) or not context.limits:
        return
    largest = _largest(context.limits)
    if kind == _QUOTA:
        yield from _beyond("spec.hard", (properties.get("spec") or {}).get("hard") or {}, largest, "any plan allows")
    if kind == _LIMITS:
        for index, item in enumerate((properties.get("spec") or {}).get("limits") or []):
            most = {f"limits.{key}": value for key, value in (item.get("max") or {}).items()}
            yield from _beyond(f"spec.limits[{index}].max", most, largest, "any plan allows")


def containers_are_bounded(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """An organization's LimitRange gives each container defaults and a maximum of cpu and memory."""
    if kind != _LIMITS or not _in_organization(properties):
        return
    items = (properties.get("spec") or {}).get("limits") or []
    containers = [item for item in items if item.get("type") == "Container"]
    if not containers:
        yield "spec.limits has no item of type Container; without it a container needs no limit"
    for item in containers:
        for key in ("default", "defaultRequest", "max"):
            for what in ("cpu", "memory"):
                if what not in (item.get(key) or {}):
                    yield f"spec.limits of type Container has no {key}.{what}"


def networks_stay_inside(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """An organization's NetworkPolicies name the other end of each rule by its namespace, never by address."""
    if kind != _NETWORK or not _in_organization(properties):
        return
    spec = properties.get("spec") or {}
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or []):
            peers = rule.get(end) or []
            if not peers:
                yield f"spec.{direction}[{index}] names no peer, which means everybody"
            for peer in peers:
                selected = peer.get("namespaceSelector")
                if "ipBlock" in peer or (selected is not None and not selected.get("matchLabels")):
                    yield f"spec.{direction}[{index}].{end} opens to addresses or to every namespace"


def namespaces_are_claimed(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """Namespaces are made by NamespaceClaim only: the Kubernetes provider would take over one that exists."""
    if kind.startswith("kubernetes:core/v1:Namespace"):
        yield "use NamespaceClaim; this resource takes over, and deletes, a namespace that somebody else made"


def objects_are_named(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """Objects have a name of their own choosing; what is cluster-wide is called agent-ready*."""
    if not kind.startswith("kubernetes:"):
        return
    name, namespace = _metadata(properties).get("name"), _metadata(properties).get("namespace")
    if (_metadata(properties).get("annotations") or {}).get("pulumi.com/autonamed"):
        yield f"metadata.name was left out and became {name!r}; give the name that tenants/names.py plans"
    elif not isinstance(name, str) or not _DNS.match(name):
        yield f"metadata.name is {name!r}; give a lower-case DNS name"
    elif not namespace and not name.startswith("agent-ready"):
        yield f"the cluster-wide name {name!r} must start with agent-ready"
    elif namespace and not str(namespace).startswith((_PREFIX, "agent-ready")):
        yield f"the namespace {namespace!r} is neither an organization's nor the platform's"


def secrets_are_secret(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """Passwords, tokens and keys are Pulumi secrets, so that state, logs and previews hold them encrypted."""
    if context.secrets is None:
        return
    for path, value in _leaves(properties, ""):
        if not isinstance(value, str | Unknown) or _is_secret(path, context.secrets):
            continue
        top, text = path.split(".", 1)[0], value if isinstance(value, str) else ""
        if kind == "kubernetes:core/v1:Secret" and top in ("data", "stringData"):
            yield f"{path} of a Secret is no Pulumi secret; wrap it in pulumi.Output.secret"
        elif _SECRET_KEY.search(_snake(path.rsplit(".", 1)[-1])) or _SECRET_VALUE.search(text):
            yield f"{path} looks like a credential in plain text; wrap it in pulumi.Output.secret"


def data_is_kept(kind: str, properties: Properties, context: Context = NOTHING) -> Iterator[str]:
    """What holds data is never replaced: its identity is part of its resource's name, and nothing asks for deletion."""
    if kind not in _DATA:
        return
    if context.delete_before_replace:
        yield "deleteBeforeReplace would delete an organization's data first; leave it out"
    identity = str(properties.get("slug") or str(properties.get("name") or "").removeprefix(_PREFIX))
    if identity and context.name and context.name != f"{identity}{_DATA[kind]}":
        yield (
            f"{context.name} holds {identity!r}: a slug never changes, and another one under the same resource's name "
            "would delete the organization's data; add a new organization instead"
        )


RULES: tuple[Rule, ...] = tuple(
    Rule(check.__name__.replace("_", "-"), " ".join((check.__doc__ or "").split()), check)
    for check in (
        no_wildcard_rbac,
        quota_is_bounded,
        default_deny_is_closed,
        namespaces_are_restricted,
        quota_is_within_limits,
        containers_are_bounded,
        networks_stay_inside,
        namespaces_are_claimed,
        objects_are_named,
        secrets_are_secret,
        data_is_kept,
    )
)


def isolation_is_complete(resources: Sequence[Resource], limits: Limits) -> Iterator[tuple[str, str]]:
    """Each namespace has its quota, its limits and default-deny, and its quota is inside its organization's plan."""
    for claim in (resource for resource in resources if resource.kind == _CLAIM):
        namespace = claim.properties.get("name")
        inside = [r for r in resources if _metadata(r.properties).get("namespace") == namespace]
        quotas = [r for r in inside if r.kind == _QUOTA]
        denials = [r for r in inside if r.kind == _NETWORK and _metadata(r.properties).get("name") == "default-deny"]
        for what, found in (
            ("ResourceQuota", quotas),
            ("LimitRange", [r for r in inside if r.kind == _LIMITS]),
            ("NetworkPolicy default-deny", denials),
        ):
            if not found:
                yield claim.urn, f"{namespace} has no {what}; without it the organization is not isolated"
        plan = str((claim.properties.get("labels") or {}).get(_PLAN, ""))
        for quota in quotas if limits else ():
            if plan not in limits:
                yield claim.urn, f"{namespace} has the unknown plan {plan!r}; known are {', '.join(limits)}"
                break
            hard = (quota.properties.get("spec") or {}).get("hard") or {}
            for violation in _beyond("spec.hard", hard, limits[plan], f"plan {plan} allows"):
                yield quota.urn, violation


STACK_RULES: tuple[StackRule, ...] = (
    StackRule("isolation-is-complete", " ".join((isolation_is_complete.__doc__ or "").split()), isolation_is_complete),
)


def _metadata(properties: Properties) -> Mapping[str, Any]:
    return properties.get("metadata") or {}


def _in_organization(properties: Properties) -> bool:
    return str(_metadata(properties).get("namespace", "")).startswith(_PREFIX)


def _largest(limits: Limits) -> dict[str, str]:
    """The largest amount of each key over all plans."""
    largest: dict[str, str] = {}
    for plan in limits.values():
        for key, value in plan.items():
            if key not in largest or exceeds(value, largest[key]):
                largest[key] = value
    return largest


def _beyond(path: str, asked: Mapping[str, Any], most: Mapping[str, str], than: str) -> Iterator[str]:
    for key, value in asked.items():
        if key in most and exceeds(str(value), most[key]):
            yield f"{path} {key} is {value}, more than {than} ({most[key]})"


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _leaves(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, value


def _is_secret(path: str, secrets: frozenset[str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:end]) in secrets for end in range(1, len(parts) + 1))


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
