"""A quota in force at once: applied as our manager with all that it owns, and awaited until it is enforced."""

import asyncio
from typing import Any

import pytest

from cluster.errors import ClusterError, NotEnforced
from cluster.quota import enforce, read
from tenants import names
from tenants.model import Organization
from tenants.plan import TenantPlan, plan
from tests.unit.cluster.fakes import NAMESPACE, FakeCluster

QUOTA, LIMITS = f"{NAMESPACE}/resourcequotas/quota", f"{NAMESPACE}/limitranges/limits"


def planned(cpu: str = "12") -> TenantPlan:
    member = {"email": "ada@acme.example", "role": "owner"}
    described = {"name": "Acme", "slug": "acme", "members": [member], "quota": {"cpu": cpu}}
    return plan(Organization.model_validate(described))


def standing() -> FakeCluster:
    """A cluster that enforces what it is told, with the labels of two managers on the quota."""
    cluster = FakeCluster()
    ours = {"f:metadata": {"f:labels": {".": {}, "f:ours": {}}, "f:annotations": {"f:pin": {}}}, "f:spec": {}}
    managed = [
        {"manager": names.FIELD_MANAGER, "operation": "Apply", "fieldsV1": ours},
        {"manager": "somebody", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}},
    ]
    metadata = {"labels": {"ours": "1", "theirs": "2"}, "annotations": {"pin": "3"}, "managedFields": managed}
    cluster.put(QUOTA, {"metadata": metadata, "spec": {"hard": {}}})
    cluster.put(LIMITS, {"spec": {"limits": []}})

    def controller(stored: Any) -> None:
        if "hard" in stored["spec"]:
            stored["status"] = {"hard": dict(stored["spec"]["hard"]), "used": {"pods": "1"}}

    cluster.applied = controller
    return cluster


def test_quota_and_limits_follow_the_plan_and_are_in_force_when_it_returns() -> None:
    cluster, wanted = standing(), planned()
    asyncio.run(enforce(cluster, wanted))
    assert cluster.objects[QUOTA]["spec"]["hard"] == cluster.objects[QUOTA]["status"]["hard"] == wanted.quota
    assert cluster.objects[LIMITS]["spec"]["limits"][0]["max"] == wanted.limits.maximum
    assert cluster.managers == [names.FIELD_MANAGER] * 2, "the engine's provider's"
    assert asyncio.run(read(cluster, "acme"))["in_use"] == {"pods": "1"}


def test_what_our_manager_applied_is_applied_again_and_nothing_of_others() -> None:
    sent: list[Any] = []

    class Listening(FakeCluster):
        """Keeps what it was sent."""

        async def apply(self, path: str, body: Any, *, manager: str) -> Any:
            sent.append(body["metadata"])
            return await super().apply(path, body, manager=manager)

    cluster = standing()
    cluster.__class__ = Listening
    asyncio.run(enforce(cluster, planned()))
    uid = cluster.objects[QUOTA]["metadata"]["uid"]
    assert sent[0] == {"name": "quota", "uid": uid, "labels": {"ours": "1"}, "annotations": {"pin": "3"}}


def test_a_missing_quota_is_not_made() -> None:
    with pytest.raises(ClusterError, match="is missing, so that it cannot be changed; deploy the organization again"):
        asyncio.run(enforce(FakeCluster(), planned()))


def test_a_controller_that_does_not_follow_is_told() -> None:
    cluster = standing()
    cluster.applied = lambda stored: None
    with pytest.raises(NotEnforced, match="look at kube-controller-manager"):
        asyncio.run(enforce(cluster, planned(), timeout=0.05))
