"""A sign-up over HTTP: one key, one organization; what it answers, and what is left of one that failed."""

import asyncio
from collections import Counter

from tenants import names
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug
from tests.unit.cluster.fakes import NAMESPACES


def test_a_sign_up_is_answered_in_the_request_with_everything_in_place(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        answer = await replica.sign_up(slug)
        assert answer.status_code == 201, answer.text
        (row,) = stage.organizations(slug)
        (operation,) = stage.operations(slug)
        assert answer.json() == {
            "id": row["id"], "slug": slug, "namespace": f"org-{slug}", "status": "COMMITTED",
            "operation_id": str(operation["id"]),
        }  # fmt: skip
        assert row["managed_by"] == "api", "its one owner"
        assert str(row["operation_id"]) == str(operation["id"]), (
            "the token that ties row and namespace to the operation"
        )
        await replica.settled()
        (operation,) = stage.operations(slug)
        assert operation["saved_at"] is not None, "saved after the answer"
        assert stage.organizations(slug)[0]["stack"] in replica.engines.stacks, "its stack is on record"

    stage.play(act)


def test_fifty_requests_at_once_with_one_key_make_one_organization(stage: Stage) -> None:
    slug = new_slug("fifty")

    async def run() -> None:
        async with stage.replicas(2) as replicas:
            answers = await asyncio.gather(*(replicas[i % 2].sign_up(slug, key="k-" + slug) for i in range(50)))
            codes = Counter(answer.status_code for answer in answers)
            assert set(codes) <= {201, 409}, "made, told again, or still in flight"
            assert codes[201] >= 1, "and made"
            for replica in replicas:
                await replica.settled()
            again = await replicas[1].sign_up(slug, key="k-" + slug)
            assert again.status_code == 201, "the stored answer"
            made = {answer.text for answer in (*answers, again) if answer.status_code == 201}
            assert len(made) == 1, "one answer, word for word"
            assert sum(replica.engines.made("deploy") for replica in replicas) == 1, "deployed once"

    asyncio.run(run())
    assert len(stage.organizations(slug)) == 1, "one row"


def test_names_that_read_alike_never_share_a_namespace(stage: Stage) -> None:
    word = new_slug("x").replace("-", "")

    async def act(replica: Replica) -> None:
        answers = []
        for name in (f"{word}A-B", f"{word}a b", f"{word}A_B"):
            body = {"name": name, "owner_email": "ada@acme.example"}
            answers.append(
                await replica.client.post(
                    "/v1/organizations", json=body, headers={"Idempotency-Key": name.replace(" ", "+")}
                )
            )
        assert [answer.status_code for answer in answers] == [201, 409, 409], "the first takes the slug"
        assert answers[1].json()["type"].endswith("/slug-taken"), "and the others are told to choose another"
        assert "choose another slug" in answers[2].json()["detail"]

    stage.play(act)
    assert len(stage.organizations(f"{word}a-b")) == 1


def test_the_same_key_answers_again_and_refuses_another_body(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        first = await replica.sign_up(slug, key=slug)
        again = await replica.sign_up(slug, key=slug)
        assert (again.status_code, again.json()) == (201, first.json()), "the stored answer"
        other = await replica.sign_up(slug, key=slug, plan="business")
        assert other.status_code == 422, "another body under the same key"
        assert other.headers["content-type"] == "application/problem+json"
        none = await replica.client.post("/v1/organizations", json={"name": "x", "owner_email": "a@b.example"})
        assert (none.status_code, none.json()["type"].rsplit("/")[-1]) == (400, "no-idempotency-key")
        taken = await replica.sign_up(slug, key="another-" + slug)
        assert taken.status_code == 409, "a slug is given out once"
        theirs = await replica.client.post(
            "/v1/organizations", json={"name": "o", "slug": new_slug(), "owner_email": "a@b.example"},
            headers={"Idempotency-Key": slug, **OPERATOR},
        )  # fmt: skip
        assert theirs.status_code == 201, "keys belong to the caller: the operator's are others"

    stage.play(act)


def test_a_long_sign_up_answers_202_with_a_token_for_its_own_operation_alone(stage: Stage) -> None:
    slug, other = new_slug(), new_slug()

    async def act(replica: Replica) -> None:
        replica.engines.hold = asyncio.Event()
        answer = await replica.sign_up(slug, key=slug)
        assert answer.status_code == 202, answer.text
        mine = {"Authorization": f"Bearer {answer.json()['token']}"}
        place = answer.headers["location"]
        assert (await replica.client.get(place, headers=mine)).json()["state"] == "PENDING"
        assert (await replica.sign_up(slug, key=slug)).status_code == 409, "in flight"
        replica.engines.hold.set()
        await replica.settled()
        told = (await replica.client.get(place, headers=mine)).json()
        assert (told["state"], told["way"], told["answer"]["slug"]) == ("COMMITTED", "parked", slug)
        assert [step["step"] for step in told["steps"]] == [f"namespace org-{slug}", "committed", "saved"]
        foreign = (await replica.sign_up(other)).json()["operation_id"]
        assert (await replica.client.get(f"/v1/operations/{foreign}", headers=mine)).status_code == 401
        assert (await replica.client.get(place)).status_code == 401, "nobody without a token"
        assert (await replica.client.get("/v1/organizations", headers=mine)).status_code == 401, "it reads nothing else"

    stage.play(act, wait_limit=0.3)


def test_events_tell_every_step_and_resume_after_the_last_one_that_was_seen(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        operation = (await replica.sign_up(slug)).json()["operation_id"]
        await replica.settled()
        place = f"/v1/operations/{operation}/events"
        text = (await replica.client.get(place, headers=OPERATOR)).text
        ids = [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]
        assert len(ids) == 3 and "event: state" in text and "event: end" in text
        rest = (await replica.client.get(place, headers={**OPERATOR, "Last-Event-ID": ids[1]})).text
        assert f"id: {ids[2]}\n" in rest and f"id: {ids[0]}\n" not in rest, "only what came after"

    stage.play(act)


def test_a_failed_sign_up_leaves_nothing_and_its_slug_is_free(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        replica.engines.fails = {"commit": 1}
        answer = await replica.sign_up(slug, key="bad-" + slug)
        problem = answer.json()
        assert (answer.status_code, problem["type"].rsplit("/")[-1]) == (500, "sign-up-failed"), answer.text
        assert "failed before commit" in problem["detail"] and problem["left"] == []
        assert problem["compensated"][0] == f"namespace org-{slug}"
        assert f"{NAMESPACES}/org-{slug}" not in replica.cluster.objects, "the namespace is gone"
        assert [row["status"] for row in stage.organizations(slug)] == ["DELETED"], "and the row"
        assert replica.engines.stacks == set(), "and the stack"
        assert (await replica.sign_up(slug, key="bad-" + slug)).json() | {"request_id": 0} == problem | {
            "request_id": 0
        }
        assert (await replica.sign_up(slug, key="good-" + slug)).status_code == 201, "the slug was never given out"

    stage.play(act)


def test_a_namespace_of_somebody_else_fails_the_sign_up_and_stays_untouched(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        theirs = replica.cluster.put(
            f"{NAMESPACES}/org-{slug}", {"metadata": {"annotations": {names.OPERATION_ANNOTATION: "x"}}}
        )
        answer = await replica.sign_up(slug)
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (409, "namespace-taken")
        assert replica.cluster.objects[f"{NAMESPACES}/org-{slug}"] == theirs, "untouched"

    stage.play(act)


def test_a_namespace_that_does_not_go_away_is_told_as_left(stage: Stage) -> None:
    slug = new_slug()

    async def act(replica: Replica) -> None:
        replica.engines.fails = {"commit": 1}
        replica.cluster.finalizers_hold = True
        answer = await replica.sign_up(slug)
        assert "still terminating" in answer.json()["left"][0], answer.text
        again = await replica.sign_up(slug, key="again-" + slug)
        assert again.status_code == 409 and "still being deleted" in again.json()["detail"], again.text
        assert not stage.organizations(slug)[1]["committed_at"], "its name is not used again while it stands"

    stage.play(act, namespace_timeout=0.1)


def test_every_wrong_field_is_named_at_once_and_catalog_fields_are_refused(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        body = {
            "name": "Big",
            "owner_email": "Ada@",
            "adopt": "x",
            "members": [],
            "quota": {"cpu": "9999", "memory": "x"},
        }
        answer = await replica.client.post("/v1/organizations", json=body, headers={"Idempotency-Key": "w"})
        assert answer.status_code == 422
        paths = {error["field"] for error in answer.json()["errors"]}
        assert paths == {"owner_email", "adopt", "members", "quota.memory"}, answer.text
        body = {"name": "Big", "owner_email": "ada@acme.example", "quota": {"cpu": "9999"}}
        answer = await replica.client.post("/v1/organizations", json=body, headers={"Idempotency-Key": "w"})
        assert answer.json()["errors"] == [
            {"field": "quota.cpu", "problem": "9999 is more than plan starter allows; at most 20"}
        ], "the model's own rules"

    stage.play(act)
