"""Members: who may change whom, and who is out at once. Faults on the way are in test_change.py."""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.api import ClusterApi
from database import organizations
from tests.integration.prepared import Prepared
from tests.integration.service import oidc_stage
from tests.integration.service.conftest import OPERATOR, Replica, Stage, equip, new_slug, signed_up
from tests.integration.service.identity_stage import bearer
from tests.integration.service.killing import waiting_for_its_turn
from tests.integration.service.people import bound, granted, headers_of, joined, roles

SERVICE_RIGHTS = Path(__file__).parents[3] / "deploy" / "identity" / "service.yaml"
ADA, BOB, EVE, MIA = (f"{name}@acme.example" for name in ("ada", "bob", "eve", "mia"))


async def put(replica: Replica, who: dict[str, str], slug: str, email: str, role: str) -> Any:
    body = {"role": role, "reason": "a test"}
    return await replica.client.put(f"/v1/organizations/{slug}/members/{email}", json=body, headers=who)


async def remove(replica: Replica, who: dict[str, str], slug: str, email: str) -> Any:
    return await replica.client.delete(f"/v1/organizations/{slug}/members/{email}?reason=leaves", headers=who)


async def until(still: Callable[[], Awaitable[bool]]) -> float:
    """When it was not so any more, on the monotonic clock."""
    while await still():  # noqa: ASYNC110 - of other processes: nothing here could tell
        await asyncio.sleep(0.002)
    return time.monotonic()


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


def test_a_removed_member_is_out_of_api_and_cluster_at_once_on_every_replica(prepared: Prepared, real: Stage) -> None:
    """As the service's own identity in the cluster, which may write these four RoleBindings and no other."""
    slug, took = new_slug("mem"), dict[str, float]()
    subprocess.run(
        ["kubectl", "apply", f"--kubeconfig={prepared.kubeconfig}", f"--filename={SERVICE_RIGHTS}"],
        env={"PATH": prepared.path, "HOME": str(prepared.kubeconfig.parent)}, check=True, capture_output=True,
    )  # fmt: skip
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
            committed = await until(lambda: belongs(real, slug))
            took["cluster"] = await until(lambda: is_bound(one, slug)) - committed
            took["other replica"] = await until(lambda: is_let_in(other, place, bob)) - committed
            answer = await removing
            assert answer.status_code == 200, answer.text
            assert (await one.client.get(place, headers=bob)).status_code == 401
            assert (await other.client.get(place, headers=bearer(mias.access_token))).status_code == 200, "alone"
            assert (await bound(one, slug)) == {"owner": [ADA], "member": [MIA]}

    async def belongs(stage: Stage, slug: str) -> bool:
        return BOB in roles(stage, slug)

    async def is_bound(replica: Replica, slug: str) -> bool:
        return BOB in (await bound(replica, slug)).get("member", [])

    async def is_let_in(replica: Replica, place: str, who: dict[str, str]) -> bool:
        return (await replica.client.get(place, headers=who)).status_code != 401

    asyncio.run(run())
    assert max(took.values()) < 5, f"the contract is 5 s: {took}"


def test_admins_manage_members_and_viewers_and_owners_everybody(real: Stage) -> None:
    slug = new_slug("mem")
    mia = f"mia@{slug}.example"

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, eve="admin", bob="member")
        ada, eve, bob = [await headers_of(replica, email, slug) for email in (ADA, EVE, BOB)]
        for who, email, role in ((eve, mia, "admin"), (eve, EVE, "owner"), (eve, ADA, "viewer"), (bob, mia, "viewer")):
            assert kind(await put(replica, who, slug, email, role)) == (403, "forbidden"), (email, role)
        assert kind(await remove(replica, eve, slug, ADA)) == (403, "forbidden"), "an admin removes no owner"
        assert kind(await remove(replica, bob, slug, EVE)) == (403, "forbidden")
        assert kind(await remove(replica, ada, slug, mia)) == (404, "no-such-member")
        assert kind(await remove(replica, ada, slug, ADA)) == (409, "last-owner")
        assert kind(await put(replica, ada, slug, ADA, "admin")) == (409, "last-owner")
        assert (await put(replica, eve, slug, mia, "viewer")).status_code == 200
        assert (await put(replica, eve, slug, BOB, "viewer")).status_code == 200
        assert (await replica.client.get(f"/v1/organizations/{slug}", headers=bob)).status_code == 401, "a new role"
        assert (await put(replica, ada, slug, EVE, "member")).status_code == 200
        bob = await headers_of(replica, BOB, slug)
        assert (await remove(replica, bob, slug, BOB)).status_code == 200, "everybody may leave"
        listed = (await replica.client.get(f"/v1/organizations/{slug}/members", headers=ada)).json()["items"]
        assert [(one["email"], one["role"], one["has_joined"]) for one in listed] == [
            (ADA, "owner", True), (EVE, "member", True), (mia, "viewer", False)
        ]  # fmt: skip

    real.play(act)
    assert roles(real, slug) == {ADA: "owner", EVE: "member", mia: "viewer"}


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


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "?confirm={slug}", None),
        ("PATCH", "", {"name": "Mine", "reason": "x"}),
        ("PATCH", "/quota", {"cpu": "8", "reason": "x"}),
        ("PUT", "/members/ghost@evil.example", {"role": "owner", "reason": "x"}),
        ("POST", "/members/transfer", {"to": ADA, "reason": "x"}),
    ],
)
def test_a_request_that_waits_its_turn_counts_no_more_once_its_owner_is_removed(
    real: Stage, method: str, path: str, body: dict[str, str] | None
) -> None:
    slug = new_slug("mem")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, eve="owner")
        eve = await headers_of(replica, EVE, slug)
        replica.engines.hold_converge = asyncio.Event()
        busy = asyncio.create_task(put(replica, OPERATOR, slug, BOB, "viewer"))
        await until(lambda: is_missing(BOB))
        waits = waiting_for_its_turn(replica)
        url = f"/v1/organizations/{slug}{path.format(slug=slug)}"
        late = asyncio.create_task(replica.client.request(method, url, json=body, headers=eve))
        await waits.wait()
        real.write("delete from tenancy.memberships where email = %s and org_id = %s", EVE, org_id(real, slug))
        replica.engines.hold_converge.set()
        assert kind(await late) == (401, "unauthorized")
        assert (await busy).status_code == 200

    async def is_missing(email: str) -> bool:
        return email not in roles(real, slug)

    real.play(act)
    assert len(real.operations(slug)) == 3, "nothing came of it"


def test_whoever_deletes_the_organization_has_removed_its_last_members(real: Stage) -> None:
    """The engine ends the row first, by the provider, which knows nobody."""
    slug = new_slug("mem")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        ada, number = await headers_of(replica, ADA, slug), org_id(real, slug)

        async def destroy(*_: Any) -> None:
            async with replica.services.database.transaction() as connection:
                await organizations.delete(connection, number, managed_by="api")

        object.__setattr__(replica.engines, "destroy", destroy)
        url = f"/v1/organizations/{slug}?confirm={slug}&reason=closed"
        await replica.client.delete(url, headers=ada | {"X-Request-Id": "end-of-" + slug})
        await replica.settled()
        found = real.rows(
            "select actor, reason, request_id from tenancy.audit_log where org_id = %s and action = 'member removed'",
            number,
        )
        assert found == [{"actor": ADA, "reason": "closed", "request_id": "end-of-" + slug}]

    real.play(act)


def org_id(stage: Stage, slug: str) -> int:
    return int(stage.organizations(slug)[0]["id"])


def test_an_owner_learns_who_has_joined_and_not_who_has_an_account(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await oidc_stage.organization(replica, ada="owner", bob="viewer")
        ada, bob = [oidc_stage.address(name, slug) for name in ("ada", "bob")]
        by = await headers_of(replica, ada, slug)

        async def shown() -> list[tuple[str, bool]]:
            found = (await replica.client.get(f"/v1/organizations/{slug}/members", headers=by)).json()["items"]
            return [(one["email"], one["has_joined"]) for one in found]

        elsewhere = await oidc_stage.organization(replica, mia="owner")
        stage.write("insert into tenancy.memberships (org_id, email, role) select id, %s, 'viewer' "
                    "from tenancy.organizations where slug = %s", bob, elsewhere)  # fmt: skip
        await headers_of(replica, bob, elsewhere)
        assert await shown() == [(ada, True), (bob, False)], "both have an account, and have logged in"
        await headers_of(replica, bob, slug)
        assert await shown() == [(ada, True), (bob, True)]

    stage.play(act)


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
