"""Drift: what the engine sees is reported, kept, compared once in a while, and repaired as an operation."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.review_events import Preview, read_preview
from service import drift, steps
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug
from tests.integration.service.killing import dies_at, points, recovered

RECORDED = Path(__file__).parents[2] / "unit" / "engine" / "recorded" / "change.jsonl"


def differing(replica: Replica) -> None:
    """From now on the engines see differences, until they have converged."""
    with RECORDED.open() as lines:
        found = read_preview("s", lines)
    replica.engines.preview_of = lambda organization: Preview("s") if replica.engines.made("repair") else found


async def repair(replica: Replica, slug: str, key: str = "") -> Any:
    headers = {**OPERATOR, **({"Idempotency-Key": key} if key else {})}
    return await replica.client.post(f"/v1/drift/{slug}/repair", headers=headers)


async def made(replica: Replica) -> str:
    slug = new_slug("drift")
    assert (await replica.sign_up(slug)).status_code == 201
    await replica.settled()
    return slug


def test_what_differs_is_told_kept_and_repaired(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await made(replica)
        assert (await replica.get(f"/v1/drift?slug={slug}"))["items"] == [], "as it was deployed"
        differing(replica)
        told = (await replica.get(f"/v1/drift?slug={slug}"))["items"]
        assert {item["slug"] for item in told} == {slug} and all(item["problem"] for item in told)
        kept = await replica.get("/v1/drift")
        assert [item for item in kept["items"] if item["slug"] == slug] == told and slug in kept["checked_at"]
        metrics = (await replica.client.get("/metrics")).text
        assert float(metrics.split("\norganizations_drifted ")[1].split()[0]) >= 1
        answer = await repair(replica, slug, "r" + slug)
        assert answer.status_code == 202 and answer.headers["location"].endswith(answer.json()["operation_id"])
        await replica.settled()
        assert replica.engines.made("repair") == 1
        done = await replica.get(f"/v1/operations/{answer.json()['operation_id']}")
        assert (done["kind"], done["state"]) == ("repair", "COMMITTED")
        assert slug not in (await replica.get("/v1/drift"))["checked_at"], "nothing of it differs any more"
        assert (await repair(replica, slug, "r" + slug)).status_code == 200, "the stored answer"
        assert (await replica.client.get("/v1/drift")).status_code == 401
        assert (await repair(replica, "ours")).status_code == 409, "the catalog's"

    stage.play(act)


def test_a_repair_that_leaves_something_says_what(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await made(replica)
        differing(replica)
        found = replica.engines.preview_of(None)  # type: ignore[arg-type]
        replica.engines.preview_of = lambda organization: found
        answer = await repair(replica, slug)
        await replica.settled()
        done = await replica.get(f"/v1/operations/{answer.json()['operation_id']}")
        assert done["state"] == "FAILED" and done["problem"]["left"]

    stage.play(act)


def test_an_engine_that_cannot_compare_is_reported_as_such(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await made(replica)
        replica.engines.preview_of = lambda organization: Preview("s", errors=("the state is broken",), succeeded=False)
        (item,) = (await replica.get(f"/v1/drift?slug={slug}"))["items"]
        assert (item["kind"], item["problem"]) == ("stack", "could not be compared: the state is broken")

    stage.play(act)


def test_each_organization_gets_its_turn_and_one_that_is_being_changed_waits_for_the_next(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        slug = await made(replica)
        assert await drift.compare_due(replica.services) == 0, "not yet"
        an_hour_ago = "update tenancy.organizations set committed_at = now() - interval '1 hour' where slug = %s"
        stage.rows(f"{an_hour_ago} returning id", slug)
        assert await drift.compare_due(replica.services) == 1 and ("preview", slug) in replica.engines.calls
        assert await drift.compare_due(replica.services) == 0, "not again"
        hold = replica.engines.hold_converge = asyncio.Event()
        await repair(replica, slug)
        while not replica.engines.made("repair"):  # noqa: ASYNC110 - it is a job's
            await asyncio.sleep(0.01)
        busy = await replica.client.get(f"/v1/drift?slug={slug}", headers=OPERATOR)
        assert (busy.status_code, busy.json()["type"].rsplit("/")[-1]) == (409, "busy")
        hold.set()

    stage.play(act)


@pytest.mark.parametrize("point", points(steps.REPAIR))
def test_a_repair_whose_replica_dies_is_finished_by_another(stage: Stage, point: str) -> None:
    async def run() -> None:
        async with stage.replicas(2, lease=0.3) as (first, second):
            slug = await made(first)
            dies_at(first, point)
            try:
                await repair(first, slug)
            except BaseException as killed:  # noqa: BLE001 - the request's own task dies with "before reserve"
                assert type(killed).__name__ == "Killed"
            await recovered(second)
            kinds = [(o["kind"], o["state"]) for o in stage.operations(slug)[1:]]
            assert kinds == ([] if point == "before reserve" else [("repair", "COMMITTED")])

    asyncio.run(run())
