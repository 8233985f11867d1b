"""The proof that the gate's admission policies deny: a stored policy admits everything until it is synced.

A namespace of our own, never opened, is the canary: a pod there must be refused, and an identity that may update
this one Namespace but holds no right to open gates must fail to label it. Both are tried as server-side dry runs.
The namespace and both rights are set up once with the platform's identity (deploy/identity/).
"""

import asyncio
import time
from collections.abc import Coroutine

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.errors import ApiRefused, PolicyNotInForce
from tenants import names

CANARY = names.namespace(names.CANARY_SLUG)
CANARY_USER = "agent-ready:canary"
POD_POLICY = "agent-ready-pods-wait-for-isolation"
LABEL_POLICY = "agent-ready-isolation-label"
_IN_A_ROW = 3  # several API servers may sync at different times


async def wait_until_denied(api: ClusterApi, *, timeout: float = 60.0) -> None:
    """Return once both policies were seen to deny several times in a row; raise PolicyNotInForce otherwise."""
    deadline, seen, verdict = time.monotonic() + timeout, 0, ""
    while seen < _IN_A_ROW:
        verdict = await _admitted(api)
        seen = 0 if verdict else seen + 1
        if time.monotonic() > deadline:
            raise PolicyNotInForce(
                f"after {timeout:.0f} s {verdict}; look at `kubectl get validatingadmissionpolicies` "
                "and apply deploy/identity/ if the canary is missing"
            )
        await asyncio.sleep(0.02 if seen else 0.1)


async def still_denied(api: ClusterApi) -> bool:
    """Whether both policies deny right now."""
    return not await _admitted(api)


async def _admitted(api: ClusterApi) -> str:
    """What was admitted though it must not be, in words; "" if both were refused by our policies."""
    if not await _refused_by(POD_POLICY, api.create(f"{NAMESPACES}/{CANARY}/pods", _POD, dry_run=True)):
        return f"the policy {POD_POLICY} does not refuse a pod in the unready namespace {CANARY}"
    forged = {"metadata": {"labels": {names.READY_LABEL: "true"}}}
    attempt = api.patch(f"{NAMESPACES}/{CANARY}", forged, dry_run=True, impersonate=CANARY_USER)
    if not await _refused_by(LABEL_POLICY, attempt):
        return f"the policy {LABEL_POLICY} lets {CANARY_USER} set the label {names.READY_LABEL}"
    return ""


async def _refused_by(policy: str, attempt: Coroutine[object, object, Json]) -> bool:
    try:
        await attempt
    except ApiRefused as refused:
        return policy in str(refused)
    return False


_POD: Json = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "canary"},
    "spec": {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "canary",
                "image": "registry.invalid/canary",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}
