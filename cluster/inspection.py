"""What keeps a namespace from being imported: everything in it that a tenant could not have made there. Only reading.

The admission policies judge what is written; what stood before them they never see. So its pods are judged by Pod
Security itself, its kinds by what `tenants/permissions.py` lets an admin write, and what reaches further by rules of
policies/admission/, which are said again here: no dry run can resubmit what lives (a claim is bound, an address taken).
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused, NotImportable
from cluster.isolation import denies_everything
from tenants import names
from tenants.permissions import ROLES, RULES

# Who is listed here may be given more than a namespace; what names ours would go to the tenant's admins.
_TRUSTING = (
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "/apis/apiregistration.k8s.io/v1/apiservices",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
)
_WRITTEN = {
    f"{resource}.{rule.group}".rstrip(".")
    for rule in RULES["admin"]
    for resource in rule.resources
    if "create" in rule.verbs
}
# What Kubernetes makes of that by itself, and what can only narrow.
_BESIDE = {"events", "events.events.k8s.io", "endpoints", "endpointslices.discovery.k8s.io",
           "leases.coordination.k8s.io", "resourcequotas", "limitranges"}  # fmt: skip
_FINALIZERS = {"foregroundDeletion", "orphan", "kubernetes.io/pvc-protection", "batch.kubernetes.io/job-tracking",
               "service.kubernetes.io/load-balancer-cleanup"}  # fmt: skip
_ENFORCE_VERSION = "pod-security.kubernetes.io/enforce-version"
_NEVER_REACHED = "v1.999"  # judged like the newest


@dataclass(frozen=True)
class _Standing:
    """One object, its kind as kubectl writes it."""

    kind: str
    body: Json

    @property
    def reference(self) -> str:
        """What `kubectl delete` takes."""
        return f"{self.kind}/{self.body['metadata']['name']}"


@dataclass(frozen=True)
class _Scene:
    """The types of Service that the catalog allows, and the Services whose addresses Kubernetes itself finds."""

    namespace: str
    exposed: frozenset[str]
    backed: frozenset[str]


async def findings(api: ClusterApi, namespace: Json, labels: dict[str, str]) -> list[str]:
    """Everything that keeps `namespace`, as it was read, from becoming one of ours with `labels`; in words.

    Raises NotImportable if nobody allowed the platform to look into it.
    """
    name = namespace["metadata"]["name"]
    inside, trusting, pods = await asyncio.gather(
        _inside(api, name), _trusting(api, name), _insecure_pods(api, namespace, labels)
    )
    exposed = frozenset(kind for kind, label in names.EXPOSE_LABELS.items() if labels.get(label) == "true")
    services = (it.body for it in inside if it.kind == "services")
    backed = frozenset(body["metadata"]["name"] for body in services if body["spec"].get("selector"))
    scene = _Scene(name, exposed, backed)
    unfit = [f"{it.reference} {problem}" for it in inside for problem in _problems(it, scene)]
    return [*_namespace(namespace), *unfit, *trusting, *pods]


async def end_consent(api: ClusterApi, name: str) -> None:
    """Take the right to look into the namespace away again; gone already is fine."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{name}/rolebindings/{names.IMPORT_BINDING}"
    if found := await api.get(path):
        await api.delete(path, uid=found["metadata"]["uid"])


async def _inside(api: ClusterApi, namespace: str) -> list[_Standing]:
    """Every object in the namespace, of every kind that the API server has and somebody can make."""
    groups = (await _read(api, "/apis"))["groups"]
    versions = ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"])]
    kinds: dict[str, str] = {}
    for root, answer in zip(versions, await asyncio.gather(*(_read(api, root) for root in versions)), strict=True):
        group = root.split("/")[2] if root.startswith("/apis/") else ""
        for resource in answer["resources"]:
            if resource["namespaced"] and "/" not in resource["name"] and {"create", "list"} <= set(resource["verbs"]):
                kinds.setdefault(f"{resource['name']}.{group}".rstrip("."), f"{root}/namespaces/{namespace}")
    paths = [f"{where}/{kind.split('.')[0]}" for kind, where in kinds.items()]
    lists = await asyncio.gather(*(_read(api, path, namespace) for path in paths))
    return [_Standing(kind, body) for kind, found in zip(kinds, lists, strict=True) for body in found["items"]]


async def _read(api: ClusterApi, path: str, namespace: str = "") -> Json:
    """The list at `path`, of what is in `namespace` if one is named. What cannot be looked at must not pass."""
    try:
        found = await api.get(path)
    except ApiRefused as refused:
        if refused.code != 403:
            raise
        consent = (
            f"; then, to agree to the import: `kubectl -n {namespace} create rolebinding {names.IMPORT_BINDING} "
            f"--clusterrole={names.IMPORT_ROLE} --user=<that user>`"
        )
        raise NotImportable(
            f"the platform may not look at what an import would bring, and nothing was changed ({refused}). A cluster "
            f"administrator applies deploy/identity/{consent if namespace else ''}. Run again after that"
        ) from refused
    if found is None:
        raise NotImportable(f"the API server has no {path}, so that it cannot be looked at; nothing was changed")
    return found


async def _trusting(api: ClusterApi, namespace: str) -> list[str]:
    """Who else in the cluster relies on the namespace's ServiceAccounts or Services."""
    lists = await asyncio.gather(*(_read(api, path) for path in _TRUSTING))
    found = [(path.rsplit("/", 1)[-1], item) for path, items in zip(_TRUSTING, lists, strict=True)
             for item in items["items"]]  # fmt: skip
    return [
        f"{kind}/{item['metadata']['name']}{_where(item)} trusts what runs in this namespace"
        for kind, item in found
        if item["metadata"].get("namespace") != namespace
        and any(_names(value, namespace) for key, value in item.items() if key != "metadata")
    ]


def _where(item: Json) -> str:
    namespace = item["metadata"].get("namespace")
    return f" of namespace {namespace}" if namespace else ""


def _names(value: Any, namespace: str) -> bool:
    """Whether a subject, a webhook's Service or anything else in `value` is of this namespace."""
    if isinstance(value, Mapping):
        return value.get("namespace") == namespace or any(_names(item, namespace) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, namespace) for item in value)
    return f"{value}:".startswith((f"system:serviceaccounts:{namespace}:", f"system:serviceaccount:{namespace}:"))


async def _insecure_pods(api: ClusterApi, namespace: Json, labels: dict[str, str]) -> list[str]:
    """What Pod Security says about the pods that run, if our labels came into force.

    It looks at them only when the policy changes, which another version always does.
    """
    meta = namespace["metadata"]
    version = "latest" if meta.get("labels", {}).get(_ENFORCE_VERSION) == _NEVER_REACHED else _NEVER_REACHED
    wanted = {label: value for label, value in labels.items() if label.startswith("pod-security.")}
    body = {"metadata": {"uid": meta["uid"], "labels": {**wanted, _ENFORCE_VERSION: version}}}
    said = await api.warnings(f"{NAMESPACES}/{meta['name']}", body)
    if not any("PodSecurity" in text or "Pod Security" in text for text in said):
        return []
    return [f"pods: {text}" for text in said]


def _namespace(found: Json) -> Iterator[str]:
    meta = found["metadata"]
    if names.READY_LABEL in meta.get("labels", {}):
        yield f"the namespace carries the gate's label {names.READY_LABEL}: pods could start while it is looked at"
    if meta.get("ownerReferences"):
        owners = ", ".join(f"{owner['kind']} {owner['name']}" for owner in meta["ownerReferences"])
        yield f"the namespace belongs to {owners} (ownerReferences), and would be deleted together with that"
    if held := [*meta.get("finalizers", []), *(set(found.get("spec", {}).get("finalizers", [])) - {"kubernetes"})]:
        yield f"the namespace carries the finalizers {', '.join(held)}, which could keep it from ever being deleted"


def _problems(it: _Standing, scene: _Scene) -> Iterator[str]:
    """What no tenant could have written in `it`."""
    if it.kind not in _WRITTEN | _BESIDE:
        yield "is of a kind that tenants do not write"
        return
    meta = it.body["metadata"]
    if any(label.startswith(f"{names.DOMAIN}/") for label in meta.get("labels", {})):
        yield f"carries a label of {names.DOMAIN}"
    if foreign := set(meta.get("finalizers", [])) - _FINALIZERS:
        yield f"carries the finalizers {', '.join(sorted(foreign))}, which could keep the namespace from being deleted"
    if it.kind in _RULES:
        yield from _RULES[it.kind](it.body, scene)


def _role_binding(body: Json, scene: _Scene) -> Iterator[str]:
    name, role = body["metadata"]["name"], body["roleRef"]
    if name == names.IMPORT_BINDING and (role["kind"], role["name"]) == ("ClusterRole", names.IMPORT_ROLE):
        return  # the consent; it goes when the import is done
    if any(s["kind"] != "ServiceAccount" or s.get("namespace") != scene.namespace for s in body.get("subjects", [])):
        yield "binds others than ServiceAccounts of this namespace; people become members in the catalog"
    if role["kind"] != "Role" and role["name"] not in map(names.cluster_role, ROLES):
        yield f"binds the ClusterRole {role['name']}; bind a Role of the namespace"
    if name.startswith("organization-"):
        yield "has a name that is kept for the organization's members"


def _role(body: Json, scene: _Scene) -> Iterator[str]:
    rules = body.get("rules") or []
    granted = {word for rule in rules for key in ("verbs", "apiGroups", "resources") for word in rule.get(key, [])}
    if any("*" in word for word in granted):
        yield "grants a wildcard"
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    if any(verb in ("bind", "escalate") or verb.startswith("impersonate") for verb in verbs):
        yield "grants bind, escalate or impersonate"


def _network_policy(body: Json, scene: _Scene) -> Iterator[str]:
    name, spec = body["metadata"]["name"], body["spec"]
    kept = name in (names.DEFAULT_DENY, names.BASELINE_EGRESS)
    if kept or name.startswith((names.allow_from(""), names.allow_to(""))):
        if not denies_everything(spec):  # what it opened would stay open under ours
            yield "has a name that is kept for the platform, and does not close both directions for every pod"
    elif not (_inside_only(spec, "ingress", "from", bool(scene.exposed)) and _inside_only(spec, "egress", "to", False)):
        yield "allows traffic beyond the namespace; its peers may be podSelectors alone"


def _inside_only(spec: Json, direction: str, side: str, addresses: bool) -> bool:
    return all(
        rule.get(side) and all(addresses if "ipBlock" in peer else set(peer) == {"podSelector"} for peer in rule[side])
        for rule in spec.get(direction) or []
    )


def _service(body: Json, scene: _Scene) -> Iterator[str]:
    kind = body["spec"].get("type", "ClusterIP")
    if kind not in scene.exposed | {"ClusterIP"}:
        yield f"is of type {kind}, which reaches beyond the namespace and is not in network.expose of the catalog"
    if body["spec"].get("externalIPs"):
        yield "names externalIPs, which could capture traffic of others"


def _endpoints(body: Json, scene: _Scene) -> Iterator[str]:
    if body["metadata"]["name"] not in scene.backed:
        yield "was written by hand: no Service with a selector has its name"


def _endpoint_slice(body: Json, scene: _Scene) -> Iterator[str]:
    labels = body["metadata"].get("labels", {})
    manager, service = labels.get("endpointslice.kubernetes.io/managed-by"), labels.get("kubernetes.io/service-name")
    if manager != "endpointslice-controller.k8s.io" or service not in scene.backed:
        yield "was written by hand: it is not what Kubernetes made of a Service with a selector"


def _secret(body: Json, scene: _Scene) -> Iterator[str]:
    if body.get("type") == "kubernetes.io/service-account-token":
        yield "is a token that never ends"
    if body["metadata"]["name"] in names.SECRETS:
        yield "has the name of one of the platform's own Secrets, and would be overwritten"


def _pod(body: Json, scene: _Scene) -> Iterator[str]:
    if body["spec"].get("priorityClassName", "").startswith("system-"):
        yield "has a priority that is the cluster's own"


_RULES: dict[str, Callable[[Json, _Scene], Iterator[str]]] = {
    "rolebindings.rbac.authorization.k8s.io": _role_binding,
    "roles.rbac.authorization.k8s.io": _role,
    "networkpolicies.networking.k8s.io": _network_policy,
    "services": _service,
    "endpoints": _endpoints,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "secrets": _secret,
    "pods": _pod,
}
