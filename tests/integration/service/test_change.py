"""Changing what an organization has besides its sizes: through the engine, committed when all is so, or set back."""

import asyncio
import contextlib
from typing import Any

import pytest

from database import operations
from service import recovery, steps
from tenants.model import Organization
from tests.integration.service.conftest import OPERATOR, Replica, Stage, live, new_slug, signed_up
from tests.integration.service.killing import Killed, dies_at, points, recovered
from tests.integration.service.people import bound, joined, roles

MEMBERS = [{"email": "ada@acme.example", "role": "owner"}, {"email": "bob@acme.example", "role": "viewer"}]


async def patch(replica: Replica, slug: str, key: str = "", if_match: str = "", **body: Any) -> Any:
    named = {"Idempotency-Key": key, "If-Match": if_match}
    headers = OPERATOR | {name: value for name, value in named.items() if value}
    return await replica.client.patch(f"/v1/organizations/{slug}", json=body, headers=headers)


def deployed(replica: Replica, stage: Stage, slug: str) -> Organization:
    """The organization as its stack has it."""
    return replica.engines.described[stage.organizations(slug)[0]["stack"]]


def test_a_change_is_answered_when_the_stack_has_it_and_later_changes_build_on_it(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        answer = await patch(replica, slug, "k" + slug, members=MEMBERS, labels={"tier": "gold"}, reason="Bob comes")
        assert (answer.status_code, answer.json()["changed"]) == (200, ["labels", "members"]), answer.text
        assert [member.role for member in deployed(replica, real, slug).members] == ["owner", "viewer"]
        again = await patch(replica, slug, "k" + slug, members=MEMBERS, labels={"tier": "gold"}, reason="Bob comes")
        assert (again.json(), replica.engines.made("converge")) == (answer.json(), 1), "the stored answer"
        assert (await patch(replica, slug, retention_days=90, reason="law")).status_code == 200
        assert len(deployed(replica, real, slug).members) == 2, "what is left out stays"
        exported = await replica.client.get(f"/v1/organizations/{slug}/export", headers=OPERATOR)
        assert "bob@acme.example" in exported.text and "retention_days: 90" in exported.text

    real.play(act)
    assert [(o["kind"], o["state"], bool(o["saved_at"])) for o in real.operations(slug)[1:]] == [
        ("change", "COMMITTED", True)
    ] * 2  # fmt: skip


def test_two_changes_at_the_same_time_do_not_set_each_other_back(real: Stage) -> None:
    slug = new_slug("change")

    async def run() -> None:
        async with real.replicas(2) as (one, other):
            await signed_up(one, slug)
            one.engines.hold_converge = asyncio.Event()
            first = asyncio.create_task(patch(one, slug, members=MEMBERS, reason="Bob comes"))
            await asyncio.sleep(0.3)
            second = asyncio.create_task(patch(other, slug, retention_days=90, reason="law"))
            await asyncio.sleep(0.3)
            one.engines.hold_converge.set()
            answers = [(await first).status_code, (await second).status_code]
            assert answers == [200, 200]
            last = deployed(other, real, slug)
            assert (last.retention_days, len(last.members)) == (90, 2), "the second one waited, and builds on the first"

    asyncio.run(run())


def test_a_change_of_what_was_changed_meanwhile_is_refused_if_it_names_what_it_read(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        read = await replica.client.get(f"/v1/organizations/{slug}", headers=OPERATOR)
        assert read.json()["members"] == MEMBERS[:1], "what can be changed is told"
        tag, key = read.headers["etag"], "m" + slug
        answer = await patch(replica, slug, key, tag, members=MEMBERS, reason="Bob comes")
        assert answer.status_code == 200, answer.text
        late = await patch(replica, slug, "", tag, members=MEMBERS[:1], reason="of an old list")
        assert (late.status_code, late.json()["type"].rsplit("/")[-1]) == (412, "changed-meanwhile")
        again = await patch(replica, slug, key, tag, members=MEMBERS, reason="Bob comes")
        assert (again.status_code, again.json()) == (200, answer.json()), "a repeated call gets its answer"
        assert len(deployed(replica, real, slug).members) == 2
        assert "etag" not in (await replica.client.get("/v1/organizations/ours", headers=OPERATOR)).headers

    real.play(act)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"members": [{"email": "bob@acme.example", "role": "viewer"}]}, "members", "owner"),
        ({"members": []}, "members", "at least 1"),
        ({"plan": "huge"}, "plan", "starter"),
        ({"adopt": "7f1c"}, "adopt", "unknown"),
        ({}, "", "changes nothing"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing(
    stage: Stage, body: dict[str, Any], field: str, words: str
) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        answer = await patch(replica, slug, reason="try", **body)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["field"] == field and words in error["problem"]
        assert replica.engines.made("converge") == 0

    stage.play(act)
    assert len(stage.operations(slug)) == 1


def test_a_plan_with_less_than_is_in_use_is_refused(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        assert (await patch(replica, slug, plan="business", reason="more")).status_code == 200
        claim = {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "40Gi"}}},
        }
        await replica.services.cluster.create(f"/api/v1/namespaces/org-{slug}/persistentvolumeclaims", claim)
        answer = await patch(replica, slug, plan="starter", members=MEMBERS, reason="less")
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (409, "quota-below-use"), answer.text
        assert deployed(replica, real, slug).plan == "business"
        assert "bob@acme.example" not in roles(real, slug), "nor is anything else of it done"

    real.play(act)


def test_a_change_that_the_engine_cannot_make_is_set_back(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        replica.engines.fails = {"converge": 3}
        answer = await patch(replica, slug, plan="business", members=MEMBERS, reason="more")
        assert answer.status_code == 202, "it goes on"
        await recovered(replica)
        told = await replica.get(f"/v1/operations/{answer.json()['operation_id']}")
        assert (told["state"], told["problem"]["left"]) == ("FAILED", [])
        assert told["problem"]["compensated"], "what was set back is told"
        assert deployed(replica, real, slug).plan == "starter" and len(deployed(replica, real, slug).members) == 1
        again = await patch(replica, slug, members=MEMBERS, reason="again")
        assert again.status_code == 200, "nothing is blocked"

    real.play(act, wait_limit=0.5)


def test_rights_that_were_taken_are_not_given_back_when_a_change_is_set_back(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, eve="admin", bob="admin")
        replica.engines.fails = {"converge": 3}
        members = [*MEMBERS, {"email": "mia@acme.example", "role": "admin"}]  # eve goes, bob is less, mia comes
        answer = await patch(replica, slug, members=members, plan="business", reason="a bad week")
        await recovered(replica)
        told = await replica.get(f"/v1/operations/{answer.json()['operation_id']}")
        assert told["state"] == "FAILED"
        (left,) = told["problem"]["left"]
        assert "eve@acme.example is out" in left and "bob@acme.example is viewer" in left
        held = {"ada@acme.example": "owner", "bob@acme.example": "viewer"}
        assert roles(real, slug) == held
        assert await bound(replica, slug) == {"owner": ["ada@acme.example"], "viewer": ["bob@acme.example"]}
        assert {one.email: one.role for one in deployed(replica, real, slug).members} == held
        assert deployed(replica, real, slug).plan == "starter", "the rest is set back"
        assert (await patch(replica, slug, retention_days=90, reason="law")).status_code == 200
        assert roles(real, slug) == held, "the next change builds on what was taken"

    real.play(act, wait_limit=0.5)


def test_a_transfer_that_the_engine_cannot_make_leaves_an_owner(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, bob="viewer")
        replica.engines.fails = {"converge": 3}
        body = {"to": "bob@acme.example", "from": "ada@acme.example", "reason": "a sale"}
        await replica.client.post(f"/v1/organizations/{slug}/members/transfer", json=body, headers=OPERATOR)
        await recovered(replica)
        (told,) = [one for one in real.operations(slug) if one["state"] == "FAILED"]
        assert told["problem"]["left"] == ["members: as asked for, else nobody would own it"]
        assert roles(real, slug) == {"ada@acme.example": "admin", "bob@acme.example": "owner"}

    real.play(act, wait_limit=0.5)


def test_what_can_neither_be_changed_nor_set_back_is_told(real: Stage) -> None:
    slug = new_slug("change")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        replica.engines.fails = {"converge": 99}
        answer = await patch(replica, slug, members=MEMBERS, reason="more")
        await recovered(replica)
        told = await replica.get(f"/v1/operations/{answer.json()['operation_id']}")
        assert told["state"] == "FAILED" and "does not converge" in told["problem"]["left"][0]
        assert f"/v1/drift?slug={slug}" in told["problem"]["detail"], "the way out"

    real.play(act, wait_limit=0.3)


@pytest.mark.parametrize("point", [*points(steps.CHANGE), *points(steps.CHANGE_UNDO)])
def test_a_change_whose_replica_dies_is_finished_by_another(real: Stage, point: str) -> None:
    slug, back = new_slug("change"), point.split()[1] in steps.CHANGE_UNDO

    async def run() -> None:
        async with real.replicas(2, jobs=False, lease=0.3, wait_limit=0.3) as (first, second):
            await signed_up(first, slug)
            first.engines.fails = {"converge": 3 if back else 0}
            dies_at(first, point)
            with contextlib.suppress(Killed):
                await patch(first, slug, plan="business", members=MEMBERS, reason="more")
            for _ in range(5):
                await asyncio.sleep(0.35)
                for operation_id in await operations.recoverable(first.services.database):
                    with contextlib.suppress(Killed):
                        await recovery.resume(first.services, operation_id)
            await recovered(second)
            wanted = "10" if back or point == "before reserve" else "20"
            quota = await live(second, slug)
            assert quota["spec"]["hard"]["limits.cpu"] == wanted or back, "the cluster has what was asked for"
            joined = not back and point != "before reserve"
            assert ("bob@acme.example" in roles(real, slug)) == joined, "memberships"
            assert ("viewer" in await bound(second, slug)) == joined, "and RoleBindings"
            described = (await second.get(f"/v1/organizations/{slug}/quota"))["plan"]
            assert described == "starter", "the engines of this test write no rows"
            made = {**first.engines.described, **second.engines.described}
            if point != "before reserve":
                assert made[real.organizations(slug)[0]["stack"]].plan == ("starter" if back else "business")
            assert not back or real.operations(slug)[-1]["state"] == "FAILED"

    asyncio.run(run())
