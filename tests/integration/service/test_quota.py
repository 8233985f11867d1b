"""A quota change: in force in a real cluster at once, recorded with its reason, and set back if the stack fails."""

import asyncio
import contextlib
from typing import Any

import pytest

from cluster.api import NAMESPACES
from database import operations
from service import recovery, steps
from tenants import names
from tests.integration.service.conftest import (
    ANNOTATIONS,
    LABELS,
    OPERATOR,
    Replica,
    Stage,
    live,
    new_slug,
    signed_up,
)
from tests.integration.service.killing import Killed, dies_at, points, recovered


async def patch(replica: Replica, slug: str, **body: Any) -> Any:
    return await replica.client.patch(f"/v1/organizations/{slug}/quota", json=body, headers=OPERATOR)


def test_a_change_is_in_force_when_it_is_answered_and_the_stack_converges_behind(real: Stage) -> None:
    slug = new_slug("quota")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        answer = await patch(replica, slug, cpu="12", memory="24Gi", reason="more load")
        told = answer.json()
        assert answer.status_code == 200, answer.text
        assert (told["cpu"], told["memory"], told["storage"]) == ("12", "24Gi", "10Gi"), "what was left out stays"
        assert "effective_at" in told and "until they are restarted" in told["note"]
        quota = await live(replica, slug)
        assert quota["status"]["hard"] == quota["spec"]["hard"], "enforced, not only asked for"
        assert quota["spec"]["hard"]["limits.cpu"] == "12"
        assert quota["metadata"]["labels"] == LABELS, "what our manager has applied before is still there"
        assert quota["metadata"]["annotations"] == ANNOTATIONS
        managers = {
            (m["manager"], m["operation"]) for m in quota["metadata"]["managedFields"] if "subresource" not in m
        }
        assert managers == {(names.FIELD_MANAGER, "Apply")}, "the engine's provider meets no other owner"
        limits = await replica.services.cluster.get(f"{NAMESPACES}/org-{slug}/limitranges/{names.LIMITS}")
        assert limits is not None and limits["spec"]["limits"][0]["max"]["cpu"] == "12", "one container may use it all"
        await replica.settled()
        assert replica.engines.calls[-1] == ("converge", slug), "behind, as a job"
        shown = await replica.get(f"/v1/organizations/{slug}/quota")
        assert (shown["cpu"], shown["enforced"]["limits.memory"], shown["in_use"]["pods"]) == ("12", "24Gi", "0")

    real.play(act)
    (row,) = real.organizations(slug)
    changes = real.rows("select resource, old_value, new_value, actor, reason from tenancy.quota_changes "
                        "where org_id = %s order by id", row["id"])[3:]  # fmt: skip
    assert [tuple(change.values()) for change in changes] == [
        ("cpu", "10", "12", "operator", "more load"), ("memory", "20Gi", "24Gi", "operator", "more load"),
    ]  # fmt: skip
    assert real.operations(slug)[-1]["saved_at"], "at its end"


def test_what_is_in_use_cannot_be_taken_away(real: Stage) -> None:
    slug = new_slug("quota")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        cluster = replica.services.cluster
        claim = {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "4Gi"}}},
        }
        for _ in range(100):  # a quota admits nothing before it has been counted
            if (await live(replica, slug)).get("status"):
                break
            await asyncio.sleep(0.05)
        await cluster.create(f"{NAMESPACES}/org-{slug}/persistentvolumeclaims", claim)
        answer = await patch(replica, slug, storage="2Gi", reason="save money")
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (409, "quota-below-use"), answer.text
        assert "4Gi" in answer.json()["detail"]
        assert (await live(replica, slug))["spec"]["hard"]["requests.storage"] == "10Gi", "as before"
        assert (await patch(replica, slug, storage="8Gi", reason="then so")).status_code == 200, "nothing is blocked"

    real.play(act)
    assert [o["state"] for o in real.operations(slug)] == ["COMMITTED", "FAILED", "COMMITTED"]


def test_a_failed_convergence_sets_the_quota_back_and_says_so(real: Stage) -> None:
    slug = new_slug("quota")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        replica.engines.fails = {"converge": 3}
        answer = await patch(replica, slug, cpu="16", reason="more")
        assert answer.status_code == 200, "enforced"
        await recovered(replica)
        told = await replica.get(f"/v1/operations/{answer.json()['operation_id']}")
        assert told["state"] == "FAILED" and "failed before converge" in told["problem"]["detail"]
        assert [step["step"] for step in told["steps"]] == ["enforced", *["not converged"] * 3, "set back"]
        assert (await live(replica, slug))["status"]["hard"]["limits.cpu"] == "10", "the cluster is as before"
        assert (await replica.get(f"/v1/organizations/{slug}"))["quota"]["cpu"] == "10", "and so is the row"

    real.play(act)
    (row,) = real.organizations(slug)
    last = real.rows("select actor, reason from tenancy.quota_changes where org_id = %s order by id", row["id"])[-1]
    assert last["actor"] == "system" and "failed before converge" in last["reason"], "the compensation is recorded"


def test_a_change_waits_for_the_convergence_of_the_one_before_which_would_set_it_back(real: Stage) -> None:
    slug = new_slug("quota")

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        hold = replica.engines.hold_converge = asyncio.Event()
        assert (await patch(replica, slug, cpu="12", reason="first")).status_code == 200
        while not replica.engines.made("converge"):  # noqa: ASYNC110 - it is a job's
            await asyncio.sleep(0.01)
        second = asyncio.create_task(patch(replica, slug, cpu="13", reason="second"))
        await asyncio.sleep(0.2)
        assert (await live(replica, slug))["spec"]["hard"]["limits.cpu"] == "12", "not while the stack is at work"
        hold.set()
        assert (await second).status_code == 200, "then at once"
        await replica.settled()
        assert replica.engines.converged == ["12", "13"], "each to what was asked for by then"
        assert (await live(replica, slug))["spec"]["hard"]["limits.cpu"] == "13"

    real.play(act)
    assert all(operation["saved_at"] for operation in real.operations(slug))


def test_a_change_that_never_gets_its_turn_is_refused_in_the_end(stage: Stage) -> None:
    slug = new_slug("quota")

    async def act(replica: Replica) -> None:
        replica.engines.hold = asyncio.Event()
        await replica.sign_up(slug)
        answer = await patch(replica, slug, cpu="12", reason="early")
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (409, "busy"), answer.text
        assert "retry-after" in answer.headers
        replica.engines.hold.set()

    stage.play(act, wait_limit=0.3)


@pytest.mark.parametrize("point", points(steps.QUOTA))
def test_a_change_whose_replica_dies_is_finished_by_another(real: Stage, point: str) -> None:
    slug = new_slug("quota")

    async def run() -> None:
        async with real.replicas(2, jobs=False, lease=0.3) as (first, second):
            await signed_up(first, slug)
            dies_at(first, point)
            with contextlib.suppress(Killed):
                await patch(first, slug, cpu="14", reason="more")
            await asyncio.sleep(0.3)
            for operation_id in await operations.recoverable(first.services.database):
                with contextlib.suppress(Killed):
                    await recovery.resume(first.services, operation_id)
            await recovered(second)
            wanted = "10" if point == "before reserve" else "14"
            assert (await live(second, slug))["status"]["hard"]["limits.cpu"] == wanted
            assert (await second.get(f"/v1/organizations/{slug}"))["quota"]["cpu"] == wanted, "row and cluster agree"

    asyncio.run(run())


def test_the_model_judges_a_change_and_a_catalogs_organization_is_refused(stage: Stage) -> None:
    slug = new_slug("quota")

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        for body, path in (
            ({"cpu": "500", "reason": "x"}, "quota.cpu"),
            ({"cpu": "1"}, "reason"),
            ({"memory": "2GB", "reason": "x"}, "memory"),
            ({"pods": 3, "cpu": "1", "reason": "x"}, "pods"),
        ):
            answer = await patch(replica, slug, **body)
            assert answer.status_code == 422
            assert [error["field"] for error in answer.json()["errors"]] == [path], answer.text
        assert (await patch(replica, slug, reason="x")).status_code == 422, "it has to name a size"
        answer = await patch(replica, "ours", cpu="1", reason="x")
        assert (answer.status_code, answer.json()["managed_by"]) == (409, "test"), "its owner is named"
        assert (await patch(replica, new_slug(), cpu="1", reason="x")).status_code == 404
        nobody = await replica.client.patch(f"/v1/organizations/{slug}/quota", json={"cpu": "1", "reason": "x"})
        assert nobody.status_code == 401

    stage.play(act)
