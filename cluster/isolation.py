"""The isolation gate: it opens only after every part of the isolation was read back from the live cluster.

The label `isolation-ready=true` on the Namespace is the gate; admission policies admit no pod without it.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import NotIsolated
from tenants import names

_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
_NETWORK = "/apis/networking.k8s.io/v1/namespaces"


@dataclass(frozen=True)
class Isolation:
    """What must stand in a namespace before its gate opens, by name."""

    namespace: str
    uid: str
    quota: str
    limits: str
    service_account: str
    network_policies: tuple[str, ...]
    role_bindings: tuple[str, ...]


async def missing(api: ClusterApi, wanted: Isolation) -> list[str]:
    """What keeps the namespace from being isolated, in words; an empty list means that it is."""
    core = f"{NAMESPACES}/{wanted.namespace}"
    namespace, quota, limits, account, policies, bindings = await asyncio.gather(
        api.get(core),
        api.get(f"{core}/resourcequotas/{wanted.quota}"),
        api.get(f"{core}/limitranges/{wanted.limits}"),
        api.get(f"{core}/serviceaccounts/{wanted.service_account}"),
        api.get(f"{_NETWORK}/{wanted.namespace}/networkpolicies"),
        api.get(f"{_RBAC}/{wanted.namespace}/rolebindings"),
    )
    return [
        *_namespace(namespace, wanted),
        *_quota(quota),
        *_limits(limits),
        *_account(account),
        *_policies(_by_name(policies), wanted),
        *_bindings(_by_name(bindings), wanted),
    ]


async def open_gate(api: ClusterApi, wanted: Isolation, *, timeout: float = 30.0) -> None:
    """Wait until the isolation is complete, then set the label; raise NotIsolated after `timeout` seconds."""
    deadline, pause = time.monotonic() + timeout, 0.005
    while gaps := await missing(api, wanted):
        if time.monotonic() > deadline:
            raise NotIsolated(
                f"namespace {wanted.namespace} is not isolated after {timeout:.0f} s, so that its gate stays closed: "
                + "; ".join(gaps)
            )
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.25)
    await _label(api, wanted, "true")


async def close_gate(api: ClusterApi, wanted: Isolation) -> None:
    """Take the label away; running pods stay, new ones are refused. A namespace that is gone needs no gate."""
    found = await api.get(f"{NAMESPACES}/{wanted.namespace}")
    if found and found["metadata"]["uid"] == wanted.uid:
        await _label(api, wanted, None)


async def is_open(api: ClusterApi, wanted: Isolation) -> bool:
    """Whether our namespace carries the label and is still isolated."""
    found = await api.get(f"{NAMESPACES}/{wanted.namespace}")
    labels = found["metadata"].get("labels", {}) if found else {}
    return labels.get(names.READY_LABEL) == "true" and not await missing(api, wanted)


async def _label(api: ClusterApi, wanted: Isolation, value: str | None) -> None:
    change = {"metadata": {"uid": wanted.uid, "labels": {names.READY_LABEL: value}}}
    await api.patch(f"{NAMESPACES}/{wanted.namespace}", change)


def _by_name(found: Json | None) -> dict[str, Json]:
    return {item["metadata"]["name"]: item for item in (found or {}).get("items", [])}


def _namespace(found: Json | None, wanted: Isolation) -> Iterator[str]:
    if found is None:
        yield f"namespace {wanted.namespace} is gone"
    elif found["metadata"]["uid"] != wanted.uid:
        yield f"namespace {wanted.namespace} was replaced by another (UID {found['metadata']['uid']})"
    elif "deletionTimestamp" in found["metadata"]:
        yield f"namespace {wanted.namespace} is being deleted"


def _quota(found: Json | None) -> Iterator[str]:
    """A quota admits everything until the controller has copied `spec.hard` into `status.hard`."""
    if found is None:
        yield "the ResourceQuota is missing"
        return
    hard = found.get("spec", {}).get("hard")
    if not hard:
        yield "the ResourceQuota bounds nothing (it has no spec.hard)"
    elif found.get("status", {}).get("hard") != hard:
        yield "the ResourceQuota is not enforced yet (status.hard differs from spec.hard)"


def _limits(found: Json | None) -> Iterator[str]:
    kinds = {limit["type"] for limit in (found or {}).get("spec", {}).get("limits", [])}
    if "Container" not in kinds:
        yield "the LimitRange for containers is missing"


def _account(found: Json | None) -> Iterator[str]:
    if found is None or found.get("automountServiceAccountToken") is not False:
        yield "the default ServiceAccount is missing or mounts its token"


def _policies(found: dict[str, Json], wanted: Isolation) -> Iterator[str]:
    for name in wanted.network_policies:
        if name not in found:
            yield f"the NetworkPolicy {name} is missing"
    deny = found.get(names.DEFAULT_DENY, {}).get("spec")
    if deny is not None and not denies_everything(deny):
        yield f"the NetworkPolicy {names.DEFAULT_DENY} does not close both directions for every pod"


def denies_everything(spec: Json) -> bool:
    """Whether a NetworkPolicy closes both directions for every pod and opens nothing."""
    both = set(spec.get("policyTypes", [])) == {"Ingress", "Egress"}
    return both and not spec.get("podSelector") and not spec.get("ingress") and not spec.get("egress")


def _bindings(found: dict[str, Json], wanted: Isolation) -> Iterator[str]:
    for name in wanted.role_bindings:
        if not found.get(name, {}).get("subjects"):
            yield f"the RoleBinding {name} is missing or names nobody"
