"""Reading, listing, exporting, previewing and deleting organizations, as the operator."""

import asyncio
from pathlib import Path

import pytest

from engine.review_events import Preview, read_preview
from service import steps
from tenants.catalog import load_catalog
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug
from tests.integration.service.killing import dies_at, points, recovered
from tests.unit.cluster.fakes import NAMESPACES


def test_the_list_goes_on_where_the_page_before_has_ended(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        for _ in range(3):
            await replica.sign_up(new_slug())
        seen, cursor = [], ""
        while cursor is not None:
            page = await replica.get(f"/v1/organizations?limit=2&after={cursor}")
            assert len(page["items"]) <= 2
            seen += [item["slug"] for item in page["items"]]
            cursor = page["next"]
        assert len(seen) == len(set(seen)) >= 5, "each once, those of catalogs too"
        assert (await replica.client.get("/v1/organizations")).status_code == 401

    stage.play(act)


def test_an_export_is_a_catalog_file_of_the_same_organization(stage: Stage, tmp_path: Path) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug, name="Änne & Co: 7", plan="business", quota={"cpu": "30"})
        answer = await replica.client.get(f"/v1/organizations/{slug}/export", headers=OPERATOR)
        assert answer.headers["content-type"].startswith("application/yaml")
        (tmp_path / f"{slug}.yaml").write_text(answer.text)
        foreign = await replica.client.get("/v1/organizations/ours/export", headers=OPERATOR)
        assert foreign.status_code == 409, "the catalog has it already"

    stage.play(act)
    (read,) = load_catalog(tmp_path)
    assert (read.slug, read.name, read.plan, read.quota.cpu) == (slug, "Änne & Co: 7", "business", "30")
    assert read.protected, "nothing is said of it: the default"


def test_a_preview_shows_resources_rows_cost_and_policies_and_changes_nothing(stage: Stage) -> None:
    slug = new_slug()
    recorded = Path(__file__).parents[2] / "unit" / "engine" / "recorded" / "change.jsonl"

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        before = (stage.operations(slug), dict(replica.cluster.objects))
        replica.engines.preview_of = lambda organization: Preview("s")
        body = {"quota": {"cpu": "12"}}
        answer = await replica.client.post(f"/v1/organizations/{slug}/preview", json=body, headers=OPERATOR)
        told = answer.json()
        assert answer.status_code == 200, answer.text
        assert told["cost"] == {"currency": "EUR", "before": "49.00", "after": "67.00", "delta": "18.00"}
        assert (told["resources"], told["rows"], told["policies"]["refused"]) == ([], [], False)
        with recorded.open() as lines:
            found = read_preview("s", lines)
        replica.engines.preview_of = lambda organization: found
        told = (await replica.client.post(f"/v1/organizations/{slug}/preview", json=body, headers=OPERATOR)).json()
        assert told["resources"] and told["changes"], "as the engine says"
        assert (stage.operations(slug), replica.cluster.objects) == before, "nothing was changed"
        new = {"name": "New", "owner_email": "ada@acme.example"}
        answer = await replica.client.post(f"/v1/organizations/{new_slug()}/preview", json=new, headers=OPERATOR)
        assert answer.json()["cost"]["delta"] == "49.00", "a sign-up can be looked at too"
        missing = await replica.client.post(f"/v1/organizations/{new_slug()}/preview", json={}, headers=OPERATOR)
        assert missing.status_code == 404

    stage.play(act)


def test_a_protected_organization_is_deleted_only_with_its_slug_repeated_and_its_slug_never_comes_back(
    stage: Stage,
) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        place, once = f"/v1/organizations/{slug}", {**OPERATOR, "Idempotency-Key": "d-" + slug}
        refused = await replica.client.delete(place, headers=OPERATOR)
        assert refused.status_code == 409 and f"?confirm={slug}" in refused.json()["detail"], "the way out is told"
        assert (await replica.client.delete(f"{place}?confirm={slug}")).status_code == 401
        gone = await replica.client.delete(f"{place}?confirm={slug}&reason=left", headers=once)
        assert (gone.status_code, gone.json()["status"]) == (200, "DELETED"), gone.text
        assert f"{NAMESPACES}/org-{slug}" not in replica.cluster.objects
        assert replica.engines.stacks == set(), "its stack is gone too"
        again = await replica.client.delete(f"{place}?confirm={slug}&reason=left", headers=once)
        assert (again.status_code, again.json()) == (200, gone.json()), "the key's answer"
        assert (await replica.client.get(place, headers=OPERATOR)).status_code == 410
        assert (await replica.sign_up(slug, key="new-" + slug)).status_code == 409, "never given out again"
        assert (await replica.client.delete("/v1/organizations/ours?confirm=ours", headers=OPERATOR)).status_code == 409

    stage.play(act)
    assert stage.operations(slug)[-1]["reason"] == "left"


@pytest.mark.parametrize("point", points(steps.DELETE[1:]))
def test_a_deletion_whose_replica_dies_goes_on_forward(stage: Stage, point: str) -> None:
    slug = new_slug("del")

    async def run() -> None:
        async with stage.replicas(2, lease=0.3, wait_limit=0.3) as (first, second):
            await first.sign_up(slug)
            await first.settled()
            dies_at(first, point)
            await first.client.delete(f"/v1/organizations/{slug}?confirm={slug}", headers=OPERATOR)
            await first.settled()
            await recovered(second)
            assert f"{NAMESPACES}/org-{slug}" not in second.cluster.objects
            assert stage.organizations(slug)[0]["status"] == "DELETED"
            assert stage.operations(slug)[-1]["state"] == "COMMITTED"
            assert first.engines.stacks == set()

    asyncio.run(run())


def test_an_engine_that_cannot_destroy_does_not_keep_an_organization_alive(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        replica.engines.fails = {"destroy": 9}
        await replica.client.delete(f"/v1/organizations/{slug}?confirm={slug}", headers=OPERATOR)
        await recovered(replica)
        assert f"{NAMESPACES}/org-{slug}" not in replica.cluster.objects, "by its operation-id"
        assert stage.organizations(slug)[0]["status"] == "DELETED"

    stage.play(act, wait_limit=0.2, lease=0.3)
