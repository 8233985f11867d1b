"""Members: who may change whom, who is out at once, and everything set back where that cannot be."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from cluster.api import ClusterApi
from database import operations
from service import recovery, steps
from tenants import names
from tests.integration.prepared import Prepared
from tests.integration.service.conftest import OPERATOR, Replica, Stage, equip, new_slug, signed_up
from tests.integration.service.killing import Killed, dies_at, points, recovered
from tests.integration.service.people import bearer, granted, headers_of, joined

ADA, BOB, EVE, MIA = (f"{name}@acme.example" for name in ("ada", "bob", "eve", "mia"))


def roles(stage: Stage, slug: str) -> dict[str, str]:
    """Memberships as the database has them."""
    found = stage.rows(
        "select m.email, m.role from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id "
        "where o.slug = %s and o.status <> 'DELETED'", slug,
    )  # fmt: skip
    return {row["email"]: row["role"] for row in found}


async def bound(replica: Replica, slug: str) -> dict[str, list[str]]:
    """Who is bound to which role in the cluster."""
    collection = f"/apis/rbac.authorization.k8s.io/v1/namespaces/org-{slug}/rolebindings"
    held = {}
    for role in ("owner", "admin", "member", "viewer"):
        found = await replica.services.cluster.get(f"{collection}/{names.role_binding(role)}")
        if found:
            held[role] = [subject["name"].removeprefix("agent-ready:") for subject in found.get("subjects", ())]
    return held


async def put(replica: Replica, who: dict[str, str], slug: str, email: str, role: str) -> Any:
    body = {"role": role, "reason": "a test"}
    return await replica.client.put(f"/v1/organizations/{slug}/members/{email}", json=body, headers=who)


async def remove(replica: Replica, who: dict[str, str], slug: str, email: str) -> Any:
    return await replica.client.delete(f"/v1/organizations/{slug}/members/{email}?reason=leaves", headers=who)


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


def test_a_removed_member_is_out_of_api_and_cluster_at_once_on_every_replica(prepared: Prepared, real: Stage) -> None:
    """As the service's own identity in the cluster, which may write these four RoleBindings and no other."""
    slug, took = new_slug("mem"), dict[str, float]()
    real.connect = lambda: ClusterApi(Path(prepared.environment["SERVICE_KUBECONFIG"]))

    async def run() -> None:
        async with real.replicas(2) as (one, other), ClusterApi(prepared.kubeconfig) as platform:
            one.engines.cluster = other.engines.cluster = platform  # the engines act as the platform
            await one.sign_up(slug)
            await one.settled()
            await equip(platform, slug)
            await joined(one, slug, bob="member", mia="member")
            assert (await bound(one, slug))["member"] == [BOB, MIA]
            ada, bob = await headers_of(one, ADA, slug), await headers_of(one, BOB, slug)
            mias = await granted(one, MIA, slug)
            place = f"/v1/organizations/{slug}"
            assert (await other.client.get(place, headers=bob)).status_code == 200, "another replica knows the key"
            removing = asyncio.create_task(remove(one, ada, slug, BOB))
            while BOB in roles(real, slug):
                await asyncio.sleep(0.002)
            committed = time.monotonic()
            while BOB in (await bound(one, slug)).get("member", []):
                await asyncio.sleep(0.002)
            took["cluster"] = time.monotonic() - committed
            while (await other.client.get(place, headers=bob)).status_code != 401:
                await asyncio.sleep(0.01)
            took["other replica"] = time.monotonic() - committed
            answer = await removing
            assert answer.status_code == 200, answer.text
            assert (await one.client.get(place, headers=bob)).status_code == 401
            assert (await other.client.get(place, headers=bearer(mias.access_token))).status_code == 200, "alone"
            assert (await bound(one, slug)) == {"owner": [ADA], "member": [MIA]}

    asyncio.run(run())
    print(took)
    assert max(took.values()) < 5, f"the contract is 5 s: {took}"


def test_admins_manage_members_and_viewers_and_owners_everybody(real: Stage) -> None:
    slug = new_slug("mem")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, eve="admin", bob="member")
        ada, eve, bob = [await headers_of(replica, email, slug) for email in (ADA, EVE, BOB)]
        for who, email, role in ((eve, MIA, "admin"), (eve, EVE, "owner"), (eve, ADA, "viewer"), (bob, MIA, "viewer")):
            assert kind(await put(replica, who, slug, email, role)) == (403, "forbidden"), (email, role)
        assert kind(await remove(replica, eve, slug, ADA)) == (403, "forbidden"), "an admin removes no owner"
        assert kind(await remove(replica, bob, slug, EVE)) == (403, "forbidden")
        assert kind(await remove(replica, ada, slug, MIA)) == (404, "no-such-member")
        assert kind(await remove(replica, ada, slug, ADA)) == (409, "last-owner")
        assert kind(await put(replica, ada, slug, ADA, "admin")) == (409, "last-owner")
        assert (await put(replica, eve, slug, MIA, "viewer")).status_code == 200
        assert (await put(replica, eve, slug, BOB, "viewer")).status_code == 200
        assert (await replica.client.get(f"/v1/organizations/{slug}", headers=bob)).status_code == 401, "a new role"
        assert (await put(replica, ada, slug, EVE, "member")).status_code == 200
        bob = await headers_of(replica, BOB, slug)
        assert (await remove(replica, bob, slug, BOB)).status_code == 200, "everybody may leave"
        listed = (await replica.client.get(f"/v1/organizations/{slug}/members", headers=ada)).json()["items"]
        assert [(one["email"], one["role"], one["has_account"]) for one in listed] == [
            (ADA, "owner", True), (EVE, "member", True), (MIA, "viewer", False)
        ]  # fmt: skip

    real.play(act)
    assert roles(real, slug) == {ADA: "owner", EVE: "member", MIA: "viewer"}


def test_the_ownership_is_transferred_and_the_giver_stays_as_an_admin(real: Stage) -> None:
    slug = new_slug("mem")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, bob="viewer")
        ada, place = await headers_of(replica, ADA, slug), f"/v1/organizations/{slug}/members/transfer"

        async def transfer(who: dict[str, str], **body: str) -> Any:
            return await replica.client.post(place, json={"reason": "a sale", **body}, headers=who)

        assert kind(await transfer(ada, to=EVE)) == (404, "no-such-member")
        assert kind(await transfer(ada, to=ADA)) == (409, "not-an-owner")
        assert kind(await transfer(OPERATOR, to=BOB)) == (422, "invalid-request"), "an operator owns nothing"
        assert kind(await transfer(OPERATOR, to=BOB, **{"from": BOB})) == (409, "not-an-owner")
        key = ada | {"Idempotency-Key": "sale-" + slug}
        answer = await transfer(key, to=BOB)
        assert answer.status_code == 200, answer.text
        assert await bound(replica, slug) == {"owner": [BOB], "admin": [ADA]}
        ada = await headers_of(replica, ADA, slug)
        assert kind(await transfer(ada, to=ADA)) == (403, "forbidden"), "it is not hers any more"

    real.play(act)
    assert roles(real, slug) == {ADA: "admin", BOB: "owner"}


def test_members_of_a_catalogs_organization_are_changed_in_the_catalog(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        answer = await put(replica, OPERATOR, "ours", BOB, "viewer")
        assert kind(answer) == (409, "other-owner") and "catalog" in answer.json()["detail"]

    stage.play(act)


def test_a_change_of_members_names_who_did_it_and_why_in_the_audit_log(real: Stage) -> None:
    slug = new_slug("mem")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        ada = await headers_of(replica, ADA, slug) | {"X-Request-Id": "request-of-" + slug}
        assert (await put(replica, ada, slug, BOB, "viewer")).status_code == 200

    real.play(act)
    (entry,) = real.rows(
        "select l.* from tenancy.audit_log l join tenancy.organizations o on o.id = l.org_id "
        "where o.slug = %s and l.target = %s", slug, BOB,
    )  # fmt: skip
    assert (entry["action"], entry["actor"], entry["reason"]) == ("member added", ADA, "a test")
    assert entry["request_id"] == "request-of-" + slug and entry["new"] == {"role": "viewer"}


@pytest.mark.parametrize("point", [*points((steps.MEMBERS,)), *points((steps.RESTORE_MEMBERS,))])
def test_a_removal_whose_replica_dies_is_finished_or_set_back_whole(real: Stage, point: str) -> None:
    slug, back = new_slug("mem"), steps.RESTORE_MEMBERS in point

    async def run() -> None:
        async with real.replicas(2, jobs=False, lease=0.3, wait_limit=0.3) as (first, second):
            await signed_up(first, slug)
            await joined_by_recovery(first, slug)
            first.engines.fails = {"converge": 3 if back else 0}
            dies_at(first, point)
            await remove(first, OPERATOR, slug, BOB)
            for _ in range(4 if back else 1):
                await asyncio.sleep(0.35)
                for operation_id in await operations.recoverable(first.services.database):
                    with contextlib.suppress(Killed):
                        await recovery.resume(first.services, operation_id)
            await recovered(second)
            assert (BOB in roles(real, slug)) == back, "memberships"
            assert ("member" in await bound(second, slug)) == back, "and RoleBindings"
            assert real.operations(slug)[-1]["state"] == ("FAILED" if back else "COMMITTED")

    asyncio.run(run())


async def joined_by_recovery(replica: Replica, slug: str) -> None:
    """Bob belongs to it, where no queue does the work."""
    await put(replica, OPERATOR, slug, BOB, "member")
    await recovered(replica)
