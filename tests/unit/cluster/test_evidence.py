"""Only what carries exactly our operation-id is taken away, by its UID."""

import asyncio

import pytest

from cluster import evidence
from cluster.errors import StillTerminating
from tenants import names
from tests.unit.cluster.fakes import NAMESPACE, NAMESPACES, FakeCluster


def carrying(token: str | None) -> FakeCluster:
    cluster = FakeCluster()
    annotations = {} if token is None else {names.OPERATION_ANNOTATION: token}
    cluster.put(NAMESPACE, {"metadata": {"annotations": annotations}})
    return cluster


def test_our_namespace_is_removed_and_a_second_time_there_is_nothing_to_do() -> None:
    cluster = carrying("op-1")
    assert asyncio.run(evidence.remove(cluster, "acme", "op-1", timeout=1)), "it was there"
    assert not asyncio.run(evidence.remove(cluster, "acme", "op-1", timeout=1)), "and is gone"


@pytest.mark.parametrize("token", ["op-2", None])
def test_a_namespace_of_another_operation_or_of_nobody_stays(token: str | None) -> None:
    cluster = carrying(token)
    assert not asyncio.run(evidence.remove(cluster, "acme", "op-1", timeout=1))
    assert cluster.writes() == [], "untouched"
    found = asyncio.run(evidence.carrier(cluster, "acme"))
    assert found is not None and found.operation_id == (token or "")


def test_a_namespace_that_stays_terminating_is_an_error_that_says_so() -> None:
    cluster = carrying("op-1")
    cluster.finalizers_hold = True
    with pytest.raises(StillTerminating, match="org-acme is still terminating"):
        asyncio.run(evidence.remove(cluster, "acme", "op-1", timeout=0.05))
    (carrier,) = asyncio.run(evidence.carriers(cluster))
    assert carrier.is_going


def test_carriers_are_organizations_namespaces_with_an_operation_id() -> None:
    cluster = carrying("op-1")
    for name, annotations in (("kube-system", {names.OPERATION_ANNOTATION: "op-9"}), ("org-plain", {})):
        cluster.put(f"{NAMESPACES}/{name}", {"metadata": {"annotations": annotations}})
    assert [one.name for one in asyncio.run(evidence.carriers(cluster))] == ["org-acme"]
