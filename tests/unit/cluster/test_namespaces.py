"""Claims: ours by creation or resumption, everybody else's untouched, deleted by UID only."""

import asyncio
from typing import Any

import pytest

from cluster import namespaces
from cluster.api import NAMESPACES, Json
from cluster.errors import ApiRefused, NamespaceTaken, StillTerminating
from tests.unit.cluster.fakes import NAMESPACE, FakeCluster

LABELS = {"agent-ready.io/organization": "acme", "agent-ready.io/plan": "starter"}
OPERATION = "agent-ready.io/operation-id"


def ours(**meta: Any) -> Json:
    """A namespace that an earlier run of ours made."""
    return {"metadata": {"labels": dict(LABELS), "annotations": {OPERATION: "op-1"}, **meta}}


def claim(cluster: FakeCluster, labels: dict[str, str] | None = None) -> namespaces.Claim:
    return asyncio.run(namespaces.claim(cluster, "org-acme", "op-1", LABELS if labels is None else labels))


def test_a_fresh_namespace_is_created_once_with_our_labels_and_operation() -> None:
    cluster = FakeCluster()
    made = claim(cluster)
    assert made == namespaces.Claim("org-acme", "uid-1", "op-1", LABELS), "the claim says what was made"
    assert cluster.calls == [("POST", NAMESPACES)], "one create-only call; nothing is looked up or patched first"
    stored = cluster.objects[NAMESPACE]
    assert stored["metadata"]["annotations"][OPERATION] == "op-1", "the operation-id is what a later run resumes by"


def test_an_interrupted_run_of_ours_is_resumed_with_the_same_uid() -> None:
    cluster = FakeCluster()
    first = claim(cluster)
    again = claim(cluster)
    assert again == first, "a killed run is found again, not doubled"


def test_resuming_brings_the_labels_up_to_date() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours())
    wanted = {"agent-ready.io/organization": "acme", "agent-ready.io/plan": "business"}
    assert claim(cluster, wanted).labels == wanted, "the plan may have changed since the interrupted run"


@pytest.mark.parametrize(
    ("annotations", "owner"),
    [
        ({OPERATION: "op-2"}, "carries the operation-id op-2"),
        ({}, "was not made by this platform"),
        ({"other": "x"}, "was not made by this platform"),
        ({OPERATION: ""}, "was not made by this platform"),
    ],
)
def test_somebody_elses_namespace_is_refused_and_stays_untouched(annotations: dict[str, str], owner: str) -> None:
    cluster = FakeCluster()
    before = cluster.put(NAMESPACE, {"metadata": {"labels": {"team": "x"}, "annotations": annotations}})
    snapshot = str(before)
    with pytest.raises(NamespaceTaken, match=owner) as refused:
        claim(cluster)
    assert str(cluster.objects[NAMESPACE]) == snapshot, "not one label of theirs may change"
    assert cluster.writes() == [("POST", NAMESPACES)], "the refused creation is the only write that was tried"
    assert "Choose another slug" in str(refused.value), "the text gives the way out"


def test_a_namespace_without_annotations_is_somebody_elses() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, {"metadata": {}})
    with pytest.raises(NamespaceTaken, match="was not made by this platform"):
        claim(cluster)


def test_our_own_namespace_on_its_way_out_is_not_reused() -> None:
    cluster = FakeCluster()
    held = [{"status": "True", "message": "pods has 1 item"}, {"status": "False", "message": "not this"}]
    cluster.put(NAMESPACE, {**ours(deletionTimestamp="2026-11-23T18:00:00Z"), "status": {"conditions": held}})
    with pytest.raises(StillTerminating, match="pods has 1 item") as refused:
        claim(cluster)
    assert "not this" not in str(refused.value), "only conditions that hold are named"
    assert cluster.writes() == [("POST", NAMESPACES)], "a terminating namespace is not relabelled"


def test_a_namespace_that_vanishes_between_two_calls_is_created_after_all() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours())
    cluster.before_get = lambda path: cluster.objects.pop(path, None) and None
    made = claim(cluster)
    assert made.uid != "uid-1", "the old one is gone, the new one is ours"
    assert NAMESPACE in cluster.objects, "it was created"


def test_another_refusal_of_the_api_server_is_passed_on() -> None:
    cluster = FakeCluster()

    def forbid(method: str, path: str, body: Json, user: str | None) -> None:
        raise ApiRefused(403, "Forbidden", "no")

    cluster.admission = forbid
    with pytest.raises(ApiRefused) as refused:
        claim(cluster)
    assert refused.value.code == 403, "only 409 means that somebody was there first"


def test_relabelling_keeps_the_gates_label_and_foreign_labels_and_drops_ours_that_are_unwanted() -> None:
    cluster = FakeCluster()
    labels = {
        "isolation-ready": "true",
        "kubernetes.io/metadata.name": "org-acme",
        "team": "robots",
        "agent-ready.io/plan": "starter",
        "agent-ready.io/old": "x",
        "pod-security.kubernetes.io/audit": "baseline",
    }
    cluster.put(NAMESPACE, ours(labels=labels))
    claimed = claim(cluster, {"agent-ready.io/plan": "business"})
    assert claimed.labels == {
        "isolation-ready": "true",
        "kubernetes.io/metadata.name": "org-acme",
        "team": "robots",
        "agent-ready.io/plan": "business",
    }, "an update must neither close the gate nor take what others set, and must remove what we no longer want"


def test_relabelling_meets_only_the_namespace_that_was_claimed() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours(uid="another"))
    before = namespaces.Claim("org-acme", "uid-1", "op-1", {})
    with pytest.raises(ApiRefused, match="uid mismatch"):
        asyncio.run(namespaces.relabel(cluster, before, LABELS))


@pytest.mark.parametrize(
    "found",
    [None, {"metadata": {}}, ours(annotations={OPERATION: "op-2"}), ours(deletionTimestamp="2026-11-23T18:00:00Z")],
)
def test_reading_finds_nothing_when_ours_is_gone_going_or_anothers(found: Json | None) -> None:
    cluster = FakeCluster()
    if found:
        cluster.put(NAMESPACE, found)
    assert asyncio.run(namespaces.read(cluster, "org-acme", "op-1")) is None, (
        "a refresh must see that ours is not there"
    )


def test_reading_finds_ours_as_it_is() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours(labels={"agent-ready.io/plan": "edited"}))
    found = asyncio.run(namespaces.read(cluster, "org-acme", "op-1"))
    assert found and found.labels == {"agent-ready.io/plan": "edited"}, "drift must be visible"


def delete(cluster: FakeCluster, timeout: float = 5.0) -> None:
    asyncio.run(namespaces.delete(cluster, "org-acme", "uid-1", timeout=timeout))


def test_deleting_waits_until_the_namespace_is_really_gone() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours())
    cluster.finalizers_hold = True
    looks = iter(range(3))

    def finish(path: str) -> None:
        if next(looks) == 2:
            del cluster.objects[path]

    cluster.before_get = finish
    delete(cluster)
    assert NAMESPACE not in cluster.objects, "it returned only after the namespace was gone"
    assert [method for method, _ in cluster.calls] == ["DELETE", "GET", "GET", "GET"], "it looked until then"


def test_deleting_what_is_gone_already_is_fine() -> None:
    delete(FakeCluster())


def test_deleting_never_touches_another_namespace_of_the_same_name() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours(uid="uid-9"))
    delete(cluster)
    assert NAMESPACE in cluster.objects, "ours was replaced by another: that one stays"


def test_a_namespace_that_does_not_go_away_is_reported_with_what_holds_it() -> None:
    cluster = FakeCluster()
    held = [{"status": "True", "message": "Some content in the namespace has finalizers remaining: example.com/stuck"}]
    cluster.put(NAMESPACE, {**ours(), "status": {"conditions": held}})
    cluster.finalizers_hold = True
    with pytest.raises(StillTerminating, match=r"example\.com/stuck") as stuck:
        delete(cluster, timeout=0.03)
    assert "org-acme is still terminating after 0 s" in str(stuck.value), "the text names the namespace and the wait"


def test_a_stuck_namespace_without_conditions_is_reported_with_its_finalizers() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, {**ours(), "spec": {"finalizers": ["kubernetes"]}})
    cluster.finalizers_hold = True
    with pytest.raises(StillTerminating, match=r"finalizers \['kubernetes'\]"):
        delete(cluster, timeout=0.03)


def test_a_deletion_that_was_reported_stuck_can_be_waited_for_again() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, ours())
    cluster.finalizers_hold = True
    with pytest.raises(StillTerminating):
        delete(cluster, timeout=0.03)
    cluster.finalizers_hold = False
    delete(cluster)
    assert NAMESPACE not in cluster.objects, "running again resumes the deletion"
