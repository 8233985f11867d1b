"""Claims: ours by creation or resumption, everybody else's untouched, deleted by UID only."""

import asyncio
from typing import Any

import pytest

from cluster import namespaces
from cluster.api import NAMESPACES, Json
from cluster.errors import ApiRefused, NamespaceTaken, NotImportable, StillTerminating
from tests.unit.cluster.fakes import BINDINGS, NAMESPACE, FakeCluster, Killed, announced

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


def test_a_refused_namespace_says_how_to_import_it_unless_another_platform_has_it() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, {"metadata": {"uid": "uid-7"}})
    with pytest.raises(NamespaceTaken, match="write `adopt: uid-7` into the organization's catalog file"):
        claim(cluster)
    cluster.put(NAMESPACE, ours(annotations={OPERATION: "op-2"}))
    with pytest.raises(NamespaceTaken) as refused:
        claim(cluster)
    assert "adopt" not in str(refused.value), "what has an owner cannot be imported"


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


def adopt(cluster: FakeCluster, uid: str = "uid-7") -> namespaces.Claim:
    return asyncio.run(namespaces.claim(cluster, "org-acme", "op-1", LABELS, adopt=uid))


def handmade(**meta: Any) -> FakeCluster:
    """A cluster with a namespace that somebody made by hand, a ConfigMap in it, and the consent to its import."""
    cluster = announced()
    named = {"uid": "uid-7", "resourceVersion": "1", "labels": {"team": "x"}, "annotations": {"note": "y"}, **meta}
    cluster.put(NAMESPACE, {"metadata": named})
    cluster.put(f"{NAMESPACE}/configmaps/settings", {"data": {"a": "b"}})
    role = {"kind": "ClusterRole", "name": "agent-ready:import"}
    cluster.put(f"{BINDINGS}/agent-ready-import", {"roleRef": role, "subjects": [{"kind": "User", "name": "us"}]})
    return cluster


def test_an_adopted_namespace_is_the_same_one_with_our_marks_beside_theirs() -> None:
    cluster = handmade()
    claimed = adopt(cluster)
    assert (claimed.uid, claimed.operation_id) == ("uid-7", "op-1"), "not one of another UID"
    meta = cluster.objects[NAMESPACE]["metadata"]
    assert meta["labels"] == {"team": "x", **LABELS}, "their labels stay, ours are added"
    assert (meta["annotations"]["note"], meta["annotations"][OPERATION]) == ("y", "op-1"), "their annotations stay"
    assert cluster.objects[f"{NAMESPACE}/configmaps/settings"]["data"] == {"a": "b"}, "what is in it is not touched"
    assert f"{BINDINGS}/agent-ready-import" not in cluster.objects, "the right to look into it ends with the import"
    assert not any(method == "POST" for method, _ in cluster.calls), "nothing is created"


@pytest.mark.parametrize(
    ("meta", "error", "says"),
    [
        ({"uid": "uid-8"}, NamespaceTaken, "has the UID uid-8 and not uid-7"),
        ({"annotations": {OPERATION: "op-2"}}, NamespaceTaken, "carries the operation-id op-2"),
        ({"deletionTimestamp": "2026-11-23T18:00:00Z"}, StillTerminating, "is still being deleted"),
        ({"labels": {"isolation-ready": "true"}}, NotImportable, "the gate's label"),
        ({"finalizers": ["x.example/stay"]}, NotImportable, "x.example/stay"),
    ],
)
def test_a_namespace_that_must_not_be_adopted_stays_untouched(meta: Json, error: type[Exception], says: str) -> None:
    cluster = handmade(**meta)
    before = str(cluster.objects)
    with pytest.raises(error, match=says):
        adopt(cluster)
    assert (str(cluster.objects), cluster.writes()) == (before, []), "refused before anything is changed"


def test_a_refused_import_names_everything_that_stands_in_the_way_and_the_command() -> None:
    cluster = handmade()
    cluster.put(f"{BINDINGS}/evil", {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}})
    cluster.put(f"{NAMESPACE}/services/evil", {"spec": {"type": "LoadBalancer"}})
    with pytest.raises(NotImportable) as refused:
        adopt(cluster)
    for part in ("rolebindings.rbac.authorization.k8s.io/evil", "services/evil", "kubectl -n org-acme delete"):
        assert part in str(refused.value), "one refusal shows all"


def test_adopting_what_does_not_exist_makes_nothing() -> None:
    cluster = announced()
    with pytest.raises(NotImportable, match="remove `adopt`"):
        adopt(cluster)
    assert cluster.writes() == [], "an empty namespace is not what was meant"


def test_a_namespace_that_changes_while_it_is_looked_at_is_looked_at_again() -> None:
    cluster = handmade()
    changes = iter([{"isolation-ready": "true"}])

    def interfere(method: str, path: str, body: Json, user: str | None) -> None:
        if "resourceVersion" in body["metadata"]:
            for labels in changes:
                cluster.objects[NAMESPACE]["metadata"] |= {"resourceVersion": "2", "labels": labels}

    cluster.admission = interfere
    with pytest.raises(NotImportable, match="the gate's label"):
        adopt(cluster)
    assert OPERATION not in cluster.objects[NAMESPACE]["metadata"]["annotations"], "the first look does not count"


def test_another_refusal_while_adopting_is_passed_on() -> None:
    cluster = handmade()

    def forbid(method: str, path: str, body: Json, user: str | None) -> None:
        if "resourceVersion" in body["metadata"]:
            raise ApiRefused(403, "Forbidden", "no")

    cluster.admission = forbid
    with pytest.raises(ApiRefused, match="no"):
        adopt(cluster)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_an_import_that_was_killed_anywhere_is_finished_by_the_next_run(writes: int) -> None:
    cluster = handmade()
    cluster.dies_after = writes
    with pytest.raises(Killed):
        adopt(cluster)
    assert len(cluster.writes()) == writes, "killed before the next write"
    cluster.dies_after = None
    assert adopt(cluster).labels == {"team": "x", **LABELS}, "finished"
    assert f"{BINDINGS}/agent-ready-import" not in cluster.objects, "the consent is ended too"


def test_what_was_adopted_stays_ours_whatever_stands_in_it_and_whatever_uid_the_file_names() -> None:
    cluster = handmade()
    adopt(cluster)
    cluster.put(f"{NAMESPACE}/services/later", {"spec": {"type": "LoadBalancer"}})
    assert adopt(cluster).uid == adopt(cluster, "uid-1").uid == claim(cluster).uid == "uid-7", "adopted once, for good"


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
