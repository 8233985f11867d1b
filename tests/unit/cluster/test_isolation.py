"""The gate opens only when every part of the isolation was read back, and says which part is missing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster import isolation
from cluster.errors import ApiRefused, NotIsolated
from tests.unit.cluster.fakes import BINDINGS, NAMESPACE, POLICIES, WANTED, FakeCluster, isolated

READY = "isolation-ready"
Damage = Callable[[FakeCluster], object]


def gaps(cluster: FakeCluster) -> list[str]:
    return asyncio.run(isolation.missing(cluster, WANTED))


def is_open(cluster: FakeCluster) -> bool:
    return asyncio.run(isolation.is_open(cluster, WANTED))


def label(cluster: FakeCluster) -> str | None:
    value: str | None = cluster.objects[NAMESPACE]["metadata"].get("labels", {}).get(READY)
    return value


def test_a_complete_isolation_has_no_gap() -> None:
    assert gaps(isolated()) == [], "everything stands"


DAMAGES: list[tuple[str, Damage, str]] = [
    ("namespace gone", lambda c: c.objects.pop(NAMESPACE), "namespace org-acme is gone"),
    (
        "namespace replaced",
        lambda c: c.objects[NAMESPACE]["metadata"].update(uid="uid-9"),
        "replaced by another (UID uid-9)",
    ),
    ("quota gone", lambda c: c.objects.pop(f"{NAMESPACE}/resourcequotas/quota"), "the ResourceQuota is missing"),
    (
        "quota without status",
        lambda c: c.objects[f"{NAMESPACE}/resourcequotas/quota"].pop("status"),
        "not enforced yet",
    ),
    (
        "quota with an empty status",
        lambda c: c.objects[f"{NAMESPACE}/resourcequotas/quota"].update(status={}),
        "not enforced yet",
    ),
    (
        "quota with an older status",
        lambda c: c.objects[f"{NAMESPACE}/resourcequotas/quota"].update(status={"hard": {"pods": "4"}}),
        "status.hard differs from spec.hard",
    ),
    (
        "quota with half a status",
        lambda c: c.objects[f"{NAMESPACE}/resourcequotas/quota"]["spec"]["hard"].update(cpu="1"),
        "not enforced yet",
    ),
    (
        "limits gone",
        lambda c: c.objects.pop(f"{NAMESPACE}/limitranges/limits"),
        "the LimitRange for containers is missing",
    ),
    (
        "limits for volumes only",
        lambda c: c.objects[f"{NAMESPACE}/limitranges/limits"].update(
            spec={"limits": [{"type": "PersistentVolumeClaim"}]}
        ),
        "the LimitRange for containers is missing",
    ),
    ("limits emptied", lambda c: c.objects[f"{NAMESPACE}/limitranges/limits"].update(spec={}), "the LimitRange"),
    (
        "account gone",
        lambda c: c.objects.pop(f"{NAMESPACE}/serviceaccounts/default"),
        "the default ServiceAccount is missing",
    ),
    (
        "account mounts its token",
        lambda c: c.objects[f"{NAMESPACE}/serviceaccounts/default"].update(automountServiceAccountToken=True),
        "mounts its token",
    ),
    (
        "account says nothing",
        lambda c: c.objects[f"{NAMESPACE}/serviceaccounts/default"].pop("automountServiceAccountToken"),
        "mounts its token",
    ),
    (
        "default-deny gone",
        lambda c: c.objects.pop(f"{POLICIES}/default-deny"),
        "the NetworkPolicy default-deny is missing",
    ),
    (
        "baseline gone",
        lambda c: c.objects.pop(f"{POLICIES}/baseline-egress"),
        "the NetworkPolicy baseline-egress is missing",
    ),
    (
        "default-deny one way",
        lambda c: c.objects[f"{POLICIES}/default-deny"]["spec"].update(policyTypes=["Ingress"]),
        "does not close both directions",
    ),
    (
        "default-deny without directions",
        lambda c: c.objects[f"{POLICIES}/default-deny"]["spec"].pop("policyTypes"),
        "does not close both directions",
    ),
    (
        "default-deny for some pods",
        lambda c: c.objects[f"{POLICIES}/default-deny"]["spec"].update(podSelector={"matchLabels": {"a": "b"}}),
        "for every pod",
    ),
    (
        "default-deny lets in",
        lambda c: c.objects[f"{POLICIES}/default-deny"]["spec"].update(ingress=[{}]),
        "does not close",
    ),
    (
        "default-deny lets out",
        lambda c: c.objects[f"{POLICIES}/default-deny"]["spec"].update(egress=[{}]),
        "does not close",
    ),
    (
        "binding gone",
        lambda c: c.objects.pop(f"{BINDINGS}/organization-owners"),
        "RoleBinding organization-owners is missing",
    ),
    ("binding of nobody", lambda c: c.objects[f"{BINDINGS}/organization-owners"].update(subjects=[]), "names nobody"),
    (
        "binding without subjects",
        lambda c: c.objects[f"{BINDINGS}/organization-owners"].pop("subjects"),
        "names nobody",
    ),
]


@pytest.mark.parametrize(("damage", "says"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES])
def test_each_missing_part_is_the_one_gap_that_is_named(damage: Damage, says: str) -> None:
    cluster = isolated()
    damage(cluster)
    found = gaps(cluster)
    assert len(found) == 1, f"one damage, one gap: {found}"
    assert says in found[0], "the gap is told in words that lead to the object"


@pytest.mark.parametrize("damage", [row[1] for row in DAMAGES], ids=[row[0] for row in DAMAGES])
def test_the_gate_stays_closed_while_any_part_is_missing(damage: Damage) -> None:
    cluster = isolated()
    damage(cluster)
    with pytest.raises(NotIsolated):
        asyncio.run(isolation.open_gate(cluster, WANTED, timeout=0.0))
    assert cluster.writes() == [], "fail closed: the label is not even tried"


@pytest.mark.parametrize("damage", [row[1] for row in DAMAGES], ids=[row[0] for row in DAMAGES])
def test_an_open_gate_counts_as_shut_when_any_part_went_missing(damage: Damage) -> None:
    cluster = isolated()
    asyncio.run(isolation.open_gate(cluster, WANTED))
    assert is_open(cluster), "else this test shows nothing"
    damage(cluster)
    assert not is_open(cluster), "drift in any part must make the next update act"


def test_an_empty_cluster_lacks_every_part_by_name() -> None:
    found = " | ".join(gaps(FakeCluster()))
    for part in (
        "namespace",
        "ResourceQuota",
        "LimitRange",
        "ServiceAccount",
        "default-deny",
        "baseline-egress",
        "organization-owners",
    ):
        assert part in found, f"{part} is missing and must be said to be"


def test_objects_of_the_tenants_own_do_not_count_for_or_against() -> None:
    cluster = isolated()
    cluster.put(f"{POLICIES}/theirs", {"spec": {"podSelector": {}, "ingress": [{}]}})
    cluster.put(f"{BINDINGS}/theirs", {})
    assert gaps(cluster) == [], "what a tenant adds is judged elsewhere"


def test_opening_sets_the_label_last_and_nothing_else() -> None:
    cluster = isolated()
    before = {path: str(o) for path, o in cluster.objects.items() if path != NAMESPACE}
    asyncio.run(isolation.open_gate(cluster, WANTED))
    assert label(cluster) == "true", "the gate is open"
    assert cluster.calls[-1] == ("PATCH", NAMESPACE), "after everything was read back"
    assert len(cluster.writes()) == 1, "one write"
    assert {path: str(o) for path, o in cluster.objects.items() if path != NAMESPACE} == before, "nothing else changes"


def test_opening_waits_for_the_quota_controller() -> None:
    cluster = isolated()
    quota = cluster.objects[f"{NAMESPACE}/resourcequotas/quota"]
    del quota["status"]
    looks = 0

    def controller(path: str) -> None:
        nonlocal looks
        looks += path.endswith("/quota")
        if looks == 3:
            quota["status"] = {"hard": dict(quota["spec"]["hard"])}

    cluster.before_get = controller
    asyncio.run(isolation.open_gate(cluster, WANTED, timeout=5.0))
    assert looks == 3, "it looked again until the controller had filled status.hard"
    assert label(cluster) == "true", "then it opened"


def test_opening_gives_up_with_every_gap_named() -> None:
    cluster = isolated()
    del cluster.objects[f"{NAMESPACE}/resourcequotas/quota"]
    del cluster.objects[f"{POLICIES}/default-deny"]
    with pytest.raises(NotIsolated) as refused:
        asyncio.run(isolation.open_gate(cluster, WANTED, timeout=0.02))
    text = str(refused.value)
    assert "namespace org-acme is not isolated after 0 s" in text, "the text names the namespace and the wait"
    assert "the ResourceQuota is missing; the NetworkPolicy default-deny is missing" in text, "and all gaps"


def test_opening_never_labels_a_namespace_that_took_the_place_of_ours() -> None:
    cluster = isolated()

    def swap(path: str) -> None:
        if path.endswith("/rolebindings"):
            cluster.objects[NAMESPACE]["metadata"]["uid"] = "uid-9"

    cluster.before_get = swap
    with pytest.raises(ApiRefused, match="uid mismatch"):
        asyncio.run(isolation.open_gate(cluster, WANTED))
    assert label(cluster) is None, "the precondition is in the patch, not only in the look before it"


def test_closing_takes_only_the_label_away() -> None:
    cluster = isolated()
    asyncio.run(isolation.open_gate(cluster, WANTED))
    asyncio.run(isolation.close_gate(cluster, WANTED))
    assert label(cluster) is None, "the gate is shut"
    assert cluster.objects[NAMESPACE]["metadata"]["labels"] == {"kubernetes.io/metadata.name": "org-acme"}, (
        "others stay"
    )


def test_closing_the_gate_of_a_namespace_that_is_gone_is_fine() -> None:
    cluster = FakeCluster()
    asyncio.run(isolation.close_gate(cluster, WANTED))
    assert cluster.writes() == [], "there is no gate to close"


def test_closing_leaves_a_namespace_that_took_the_place_of_ours_alone() -> None:
    cluster = isolated()
    asyncio.run(isolation.open_gate(cluster, WANTED))
    asyncio.run(isolation.close_gate(cluster, replace(WANTED, uid="uid-9")))
    assert label(cluster) == "true", "another's gate is not ours to close"


@pytest.mark.parametrize("value", ["false", "True", "", "yes"])
def test_only_the_exact_label_counts_as_open(value: str) -> None:
    cluster = isolated()
    cluster.objects[NAMESPACE]["metadata"]["labels"][READY] = value
    assert not is_open(cluster), "the admission policy compares with 'true' as well"


def test_a_namespace_without_labels_or_none_at_all_is_not_open() -> None:
    cluster = isolated()
    del cluster.objects[NAMESPACE]["metadata"]["labels"]
    assert not is_open(cluster), "no label, not open"
    assert not is_open(FakeCluster()), "no namespace, not open"


@pytest.mark.parametrize("spec", [{}, {"scopes": ["BestEffort"]}])
def test_a_quota_that_bounds_nothing_is_a_gap_and_no_crash(spec: dict[str, object]) -> None:
    cluster = isolated()
    cluster.objects[f"{NAMESPACE}/resourcequotas/quota"].update(spec=spec, status={})
    assert gaps(cluster), "spec.hard is optional in Kubernetes; the gate must say that it is not there"


def test_a_terminating_namespace_is_not_isolated() -> None:
    cluster = isolated()
    cluster.objects[NAMESPACE]["metadata"]["deletionTimestamp"] = "2026-11-23T18:00:00Z"
    assert gaps(cluster), "an organization must not be committed into a namespace that is going away"
