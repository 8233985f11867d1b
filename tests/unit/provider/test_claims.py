"""Handlers of the cluster's resources, on an API server and a database in memory."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from cluster import admission
from cluster.api import Json
from cluster.errors import ApiRefused, NamespaceTaken, NotIsolated
from database import organizations
from database.errors import NoSuchOrganization
from database.organizations import Facts
from provider.claims import (
    AdmissionInputs,
    AdmissionProofHandler,
    GateInputs,
    IsolationGateHandler,
    NamespaceClaimHandler,
    NamespaceInputs,
)
from provider.handlers import Backends
from tests.unit.cluster.fakes import NAMESPACE, POLICIES, WANTED, FakeCluster, announced, isolated
from tests.unit.database.fakes import FakeDatabase

T = TypeVar("T")
LABELS = {"agent-ready.io/plan": "starter"}
CLAIM = NamespaceInputs(name="org-acme", labels=LABELS, operation_id="op-1")
GATE = GateInputs(
    org_id="1",
    namespace="org-acme",
    uid="uid-1",
    network_policies=WANTED.network_policies,
    role_bindings=WANTED.role_bindings,
)


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def namespace_claims(cluster: FakeCluster) -> NamespaceClaimHandler:
    return NamespaceClaimHandler(Backends(cluster, FakeDatabase()))


def test_claiming_a_namespace_answers_its_name_and_uid() -> None:
    cluster = FakeCluster()
    assert run(namespace_claims(cluster).create(CLAIM)) == ("org-acme", {"uid": "uid-1"}), (
        "the uid guards every later call"
    )
    assert run(namespace_claims(cluster).create(CLAIM)) == ("org-acme", {"uid": "uid-1"}), (
        "a killed run finds its own work"
    )


def test_claiming_somebody_elses_namespace_fails() -> None:
    cluster = FakeCluster()
    cluster.put(NAMESPACE, {"metadata": {}})
    with pytest.raises(NamespaceTaken):
        run(namespace_claims(cluster).create(CLAIM))


def test_adopting_keeps_the_namespaces_own_uid_and_a_refresh_sees_no_difference() -> None:
    cluster = announced()
    cluster.put(NAMESPACE, {"metadata": {"uid": "uid-7"}})
    wanted = CLAIM.model_copy(update={"adopt": "uid-7"})
    assert run(namespace_claims(cluster).create(wanted)) == ("org-acme", {"uid": "uid-7"}), "the one that was named"
    found = run(namespace_claims(cluster).read("org-acme", wanted, {"uid": "uid-7"}))
    assert found == {**wanted.model_dump(), "uid": "uid-7"}, "nothing to do after a refresh"
    assert run(namespace_claims(cluster).update("org-acme", CLAIM, {})) == {"uid": "uid-7"}, "`adopt` may go later"


def test_a_refresh_sees_our_labels_only_and_the_uid() -> None:
    cluster = FakeCluster()
    run(namespace_claims(cluster).create(CLAIM))
    cluster.objects[NAMESPACE]["metadata"]["labels"] = {
        "agent-ready.io/plan": "edited",
        "isolation-ready": "true",
        "team": "x",
    }
    found = run(namespace_claims(cluster).read("org-acme", CLAIM, {}))
    assert found == {
        "name": "org-acme",
        "labels": {"agent-ready.io/plan": "edited"},
        "operation_id": "op-1",
        "adopt": None,
        "uid": "uid-1",
    }, "an edited label is drift, the gate's and others' labels are not ours to compare"


def test_a_refresh_sees_a_removed_label() -> None:
    cluster = FakeCluster()
    run(namespace_claims(cluster).create(CLAIM))
    cluster.objects[NAMESPACE]["metadata"]["labels"] = {}
    found = run(namespace_claims(cluster).read("org-acme", CLAIM, {}))
    assert found is not None and found["labels"] == {}, "the next update sets it again"


def test_a_refresh_finds_nothing_when_the_namespace_is_gone() -> None:
    assert run(namespace_claims(FakeCluster()).read("org-acme", CLAIM, {})) is None, "the engine then creates it again"


def test_updating_relabels_and_keeps_the_uid() -> None:
    cluster = FakeCluster()
    run(namespace_claims(cluster).create(CLAIM))
    wanted = CLAIM.model_copy(update={"labels": {"agent-ready.io/plan": "business"}})
    assert run(namespace_claims(cluster).update("org-acme", wanted, {"uid": "uid-1"})) == {"uid": "uid-1"}, "in place"
    assert cluster.objects[NAMESPACE]["metadata"]["labels"] == {"agent-ready.io/plan": "business"}, "relabelled"


def test_a_label_that_the_catalog_no_longer_has_is_taken_away_and_others_are_not() -> None:
    cluster = FakeCluster()
    run(namespace_claims(cluster).create(CLAIM.model_copy(update={"labels": {**LABELS, "team": "blue"}})))
    cluster.objects[NAMESPACE]["metadata"]["labels"]["theirs"] = "x"
    for _ in range(2):
        run(namespace_claims(cluster).update("org-acme", CLAIM, {"uid": "uid-1"}))
        assert cluster.objects[NAMESPACE]["metadata"]["labels"] == {**LABELS, "theirs": "x"}, "only what we gave"


def test_deleting_removes_ours_by_uid() -> None:
    cluster = FakeCluster()
    run(namespace_claims(cluster).create(CLAIM))
    run(namespace_claims(cluster).delete("org-acme", CLAIM, {"uid": "uid-9"}))
    assert NAMESPACE in cluster.objects, "another uid is not ours"
    run(namespace_claims(cluster).delete("org-acme", CLAIM, {"uid": "uid-1"}))
    assert NAMESPACE not in cluster.objects, "ours is gone"


def gate(cluster: FakeCluster) -> tuple[IsolationGateHandler, FakeDatabase]:
    """A gate over `cluster`, with organization 1 claimed and waiting."""
    database = FakeDatabase()

    async def claim() -> None:
        async with database.transaction() as connection:
            await organizations.claim(connection, "acme", Facts("Acme", "starter"), managed_by="catalog")

    run(claim())
    return IsolationGateHandler(Backends(cluster, database)), database


def test_the_gate_asks_for_every_part_by_its_planned_name() -> None:
    assert GATE.isolation() == WANTED, "quota, limits and account by the names of tenants/names.py"


def test_opening_the_gate_labels_the_namespace_and_then_commits_the_row() -> None:
    cluster = isolated()
    handler, database = gate(cluster)
    assert run(handler.create(GATE)) == ("org-acme", {}), "the namespace is its id"
    assert cluster.objects[NAMESPACE]["metadata"]["labels"]["isolation-ready"] == "true", "open"
    assert database.organization(1)["status"] == "COMMITTED", "now the organization exists for its users"


def test_an_organization_whose_gate_stays_closed_is_not_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = isolated()
    del cluster.objects[f"{POLICIES}/default-deny"]
    handler, database = gate(cluster)
    monkeypatch.setattr("cluster.isolation.open_gate.__kwdefaults__", {"timeout": 0.01})
    with pytest.raises(NotIsolated, match="default-deny is missing"):
        run(handler.create(GATE))
    assert database.organization(1)["status"] == "PENDING", "fail closed, in the database too"


def test_the_gate_of_an_organization_that_was_deleted_meanwhile_is_an_error() -> None:
    handler, database = gate(isolated())
    database.organization(1)["status"] = "DELETED"
    with pytest.raises(NoSuchOrganization):
        run(handler.create(GATE))


def test_a_refresh_sees_a_gate_that_is_no_longer_open_as_a_false_flag() -> None:
    cluster = isolated()
    handler, _ = gate(cluster)
    run(handler.create(GATE))
    assert run(handler.read("org-acme", GATE, {})) == {**GATE.model_dump(), "open": True}, "open, nothing else changed"
    del cluster.objects[f"{POLICIES}/default-deny"]
    assert run(handler.read("org-acme", GATE, {})) == {**GATE.model_dump(), "open": False}, "the next update acts on it"


def test_deleting_the_gate_closes_it() -> None:
    cluster = isolated()
    handler, _ = gate(cluster)
    run(handler.create(GATE))
    run(handler.delete("org-acme", GATE, {}))
    assert "isolation-ready" not in cluster.objects[NAMESPACE]["metadata"]["labels"], "no pod is admitted from here on"


def proof(deny: bool) -> AdmissionProofHandler:
    cluster = FakeCluster()
    cluster.put(f"/api/v1/namespaces/{admission.CANARY}", {})

    def judge(method: str, path: str, body: Json, user: str | None) -> None:
        here = f"/api/v1/namespaces/{admission.CANARY}"
        (policy,) = [a.policy for a in admission.ATTEMPTS if (a.path or here, a.body) == (path, body)]
        if deny:
            raise ApiRefused(403, "Forbidden", f"ValidatingAdmissionPolicy '{policy}' denied request")

    cluster.admission = judge
    return AdmissionProofHandler(Backends(cluster, FakeDatabase()))


def test_the_proof_stands_once_the_policies_deny() -> None:
    assert run(proof(deny=True).create(AdmissionInputs(policies="digest"))) == ("gate", {}), "proven"


@pytest.mark.parametrize("deny", [True, False])
def test_a_refresh_sees_whether_the_policies_are_still_in_force(deny: bool) -> None:
    found = run(proof(deny).read("gate", AdmissionInputs(policies="digest"), {}))
    assert found == {"policies": "digest", "in_force": deny}, "a false flag makes the next update prove again"


def test_taking_the_proof_away_leaves_nothing_and_changes_nothing() -> None:
    handler = proof(deny=False)
    run(handler.delete("gate", AdmissionInputs(policies="digest"), {}))
    assert isinstance(handler.cluster, FakeCluster) and handler.cluster.calls == [], "no call was made"


def test_a_namespace_or_uid_that_changes_replaces_and_labels_do_not() -> None:
    assert NamespaceClaimHandler.replace_on == {"name", "operation_id"}, (
        "labels are changed in place: pods must survive"
    )
    assert NamespaceClaimHandler.at_creation == {"adopt"}, "adding or removing it later changes nothing"
    assert IsolationGateHandler.replace_on == {"org_id", "namespace", "uid"}, (
        "lists of names are looked at again in place"
    )
    assert AdmissionProofHandler.replace_on == frozenset(), "new policies are proven again, not replaced"
