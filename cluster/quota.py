"""An organization's quota, changed at once in the live cluster; its stack follows later and finds nothing to do."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from cluster.api import NAMESPACES, ClusterApi, Json
from cluster.applying import owned
from cluster.errors import ApiRefused, BelowUse, ClusterError, NotEnforced
from cluster.usage import below
from tenants import names
from tenants.plan import TenantPlan


async def enforce(api: ClusterApi, plan: TenantPlan, *, timeout: float = 15.0) -> datetime:
    """Apply the plan's ResourceQuota and LimitRange; return when the quota was seen to be in force.

    Raises BelowUse, ClusterError if one of them is missing (nothing is made here), NotEnforced after `timeout` seconds.
    """
    namespace = f"{NAMESPACES}/{plan.namespace}"
    quotas, limits = f"{namespace}/resourcequotas", f"{namespace}/limitranges/{names.LIMITS}"
    quota_now, limits_now = await asyncio.gather(_standing(api, f"{quotas}/{names.QUOTA}"), _standing(api, limits))
    if problems := below(quota_now, plan.slug, plan.sizes):
        raise BelowUse("; ".join(problems))
    quota, _ = await asyncio.gather(
        _apply(api, f"{quotas}/{names.QUOTA}", "ResourceQuota", quota_now, {"hard": plan.quota}),
        _apply(api, limits, "LimitRange", limits_now, {"limits": list(_limits(plan))}),
    )
    await _wait(api, quotas, quota, timeout)
    return datetime.now(UTC)


async def read(api: ClusterApi, slug: str) -> Json:
    """The live quota's `enforced` and `in_use` amounts by their Kubernetes names; empty where there is none."""
    found = await api.get(f"{NAMESPACES}/{names.namespace(slug)}/resourcequotas/{names.QUOTA}")
    status = (found or {}).get("status", {})
    return {"enforced": status.get("hard", {}), "in_use": status.get("used", {})}


async def _standing(api: ClusterApi, path: str) -> Json:
    found = await api.get(path)
    if found is None:
        raise ClusterError(f"{path} is missing, so that it cannot be changed; deploy the organization again first")
    return found


async def _apply(api: ClusterApi, path: str, kind: str, found: Json, spec: Json) -> Json:
    body = {"apiVersion": "v1", "kind": kind, "metadata": owned(found), "spec": spec}
    return await api.apply(path, body, manager=names.FIELD_MANAGER)


def _limits(plan: TenantPlan) -> Iterator[Json]:
    """As components/quota.py registers them."""
    limits = plan.limits
    yield {
        "type": "Container",
        "default": limits.default,
        "defaultRequest": limits.default_request,
        "max": limits.maximum,
    }
    yield {"type": "PersistentVolumeClaim", "max": {"storage": limits.largest_volume}}


async def _wait(api: ClusterApi, quotas: str, quota: Json, timeout: float) -> None:
    """Follow the quota by a watch until its controller has taken over what we applied."""
    deadline = time.monotonic() + timeout
    while not _in_force(quota):
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotEnforced(
                f"{quotas}/{names.QUOTA} was changed, but after {timeout:.0f} s its status.hard is not "
                "spec.hard; look at kube-controller-manager"
            )
        quota = await _next(api, quotas, quota, left) or quota


async def _next(api: ClusterApi, quotas: str, quota: Json, seconds: float) -> Json | None:
    """The next state that is in force, or whatever stands there if the watch ends before."""
    version, uid = quota["metadata"]["resourceVersion"], quota["metadata"]["uid"]
    try:
        async with api.watch(quotas, names.QUOTA, version=version, seconds=max(1, int(seconds))) as states:
            async for state in states:
                if state["metadata"]["uid"] != uid:
                    raise ClusterError(f"{quotas}/{names.QUOTA} was replaced by another while it was changed")
                if _in_force(state):
                    return state
    except ApiRefused as refused:
        if refused.code != 410:  # too old a version: read again
            raise
    return await api.get(f"{quotas}/{names.QUOTA}")


def _in_force(quota: Json) -> bool:
    return bool(quota.get("status", {}).get("hard") == quota["spec"]["hard"])
