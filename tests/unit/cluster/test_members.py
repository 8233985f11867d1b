"""RoleBindings of an organization's roles, as its plan says, and as little as that takes."""

import asyncio

from cluster.members import bind
from tenants import names
from tenants.model import Organization
from tenants.plan import TenantPlan, plan
from tests.unit.cluster.fakes import BINDINGS, FakeCluster

ADA, BOB = "ada@acme.example", "bob@acme.example"
OWNERS, VIEWERS = f"{BINDINGS}/organization-owners", f"{BINDINGS}/organization-viewers"


def planned(**roles: str) -> TenantPlan:
    members = [{"email": f"{name}@acme.example", "role": role} for name, role in roles.items()]
    return plan(Organization.model_validate({"name": "Acme", "slug": "acme", "members": members}))


def held(cluster: FakeCluster, path: str) -> list[str]:
    return [subject["name"] for subject in cluster.objects[path]["subjects"]]


def test_who_comes_is_bound_and_who_goes_is_not() -> None:
    cluster = FakeCluster()
    asyncio.run(bind(cluster, planned(ada="owner", bob="viewer")))
    assert held(cluster, OWNERS) == [names.cluster_user(ADA)] and held(cluster, VIEWERS) == [names.cluster_user(BOB)]
    assert cluster.objects[VIEWERS]["roleRef"]["name"] == names.cluster_role("viewer")
    assert cluster.objects[VIEWERS]["metadata"]["labels"] == {names.BASELINE_LABEL: "true"}, "the platform's own"
    assert set(cluster.managers) == {names.FIELD_MANAGER}, "the engine's provider's: it finds nothing to do"
    asyncio.run(bind(cluster, planned(ada="owner")))
    assert VIEWERS not in cluster.objects, "a role that nobody holds has no RoleBinding"
    asyncio.run(bind(cluster, planned(ada="viewer", bob="owner")))
    assert (held(cluster, OWNERS), held(cluster, VIEWERS)) == ([names.cluster_user(BOB)], [names.cluster_user(ADA)])


def test_what_is_so_already_is_not_written() -> None:
    cluster, wanted = FakeCluster(), planned(ada="owner", bob="viewer")
    asyncio.run(bind(cluster, wanted))
    cluster.calls.clear()
    asyncio.run(bind(cluster, wanted))
    assert cluster.writes() == []


def test_bindings_of_others_are_left_alone() -> None:
    cluster = FakeCluster()
    cluster.put(f"{BINDINGS}/ci", {"subjects": [{"kind": "ServiceAccount", "name": "ci"}]})
    asyncio.run(bind(cluster, planned(ada="owner")))
    asyncio.run(bind(cluster, planned(bob="owner")))
    assert f"{BINDINGS}/ci" in cluster.objects, "the organization's own"
