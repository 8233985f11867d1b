"""Settings over the API on a real PostgreSQL: what is written, refused, remembered, and seen by whom."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import redis

from service import sweeper
from tests.integration.service.config_stage import THRESHOLD, Settings, kind, play
from tests.integration.service.conftest import Stage, new_slug
from tests.unit.service.test_sweeper import FakePublisher

DIFFERENT = [0.1, 0.2, 0.3]


def published(settings: Settings) -> list[tuple[str, int]]:
    publisher = settings.replica.services.publisher
    assert isinstance(publisher, FakePublisher)
    return list(dict.fromkeys((hint.key, hint.version) for hint in publisher.published))  # a hint may come twice


def test_a_setting_is_set_changed_and_unset_with_versions_in_its_etag(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        before = await settings.call("GET", THRESHOLD)
        assert (before.json()["value"], before.json()["source"], before.headers["etag"]) == (0.5, "default", '"0"')
        first = await settings.put(THRESHOLD, 0.7, first=True)
        assert (first.status_code, first.headers["etag"]) == (200, '"1"')
        assert first.json()["source"] == "organization"
        second = await settings.put(THRESHOLD, 0.8, 1)
        assert (second.json()["version"], second.json()["value"]) == (2, 0.8)
        gone = await settings.call("DELETE", f"{THRESHOLD}?reason=enough", match=2)
        assert (gone.json()["value"], gone.json()["source"], gone.headers["etag"]) == (0.5, "default", '"3"')
        assert (await settings.put(THRESHOLD, 0.9, first=True)).json()["version"] == 4, "no value of its own any more"
        await settings.replica.settled()
        assert published(settings) == [("threshold", version) for version in (1, 2, 3, 4)]
        waiting = """select x.id from tenancy.outbox x join tenancy.organizations o on o.id = x.org_id
                     where o.slug = %s and published_at is null"""
        assert stage.rows(waiting, settings.slug) == [], "marked"

    play(stage, act)


def test_a_precondition_is_needed_and_a_mismatch_names_both_versions(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        assert kind(await settings.call("PUT", THRESHOLD, json={"value": 1, "reason": "x"})) == (
            428,
            "precondition-required",
        )
        assert kind(await settings.put(THRESHOLD, 0.1, headers={"If-Match": "3"})) == (400, "bad-precondition")
        await settings.done(settings.put(THRESHOLD, 0.1, 0))
        for again in (await settings.put(THRESHOLD, 0.2, 7), await settings.put(THRESHOLD, 0.2, 0)):
            assert kind(again) == (412, "outdated")
            assert again.json()["version"] == 1 and again.headers["etag"] == '"1"'
        assert kind(await settings.put(THRESHOLD, 0.2, first=True)) == (412, "outdated")
        assert kind(await settings.put("configs/email/max_retries", 3, 2)) == (412, "outdated"), "never set"
        assert (await settings.get(THRESHOLD))["value"] == 0.1
        assert (await settings.get("configs/email/max_retries"))["version"] == 0, "nothing was stored"

    play(stage, act)


@pytest.mark.parametrize(
    ("path", "value", "expected", "says"),
    [
        ("ai/threshold", 1.5, (422, "invalid-setting"), "a number from 0 to 1"),
        ("ai/threshold", None, (422, "invalid-request"), "DELETE unsets"),
        ("ai/api_key", "x", (422, "invalid-setting"), "kubectl"),
        ("email/smtp_password", "x", (422, "invalid-setting"), "kubectl"),
        ("ai/system_prompt", "postgres://a:b@c/d", (422, "invalid-setting"), "looks like a secret"),
        ("ai/nothing", 1, (404, "no-such-setting"), "is not declared"),
        ("AI/threshold", 1, (422, "invalid-request"), "service"),
        ("ai/a%00b", 1, (422, "invalid-request"), "key"),
        ("quota/cpu", "99", (422, "invalid-setting"), "repeats the organization's quota"),
        ("api/mode", "maintenance", (409, "needs-approval"), "change-sets"),
        ("features/x", {"state": "ENABLED", "variants": {}}, (422, "invalid-setting"), "features/x"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_stored(
    stage: Stage, path: str, value: Any, expected: tuple[int, str], says: str
) -> None:
    async def act(settings: Settings) -> None:
        refused = await settings.put(f"configs/{path}", value)
        assert kind(refused) == expected and says in refused.text
        rows = "select 1 from tenancy.config_history h join tenancy.organizations o on o.id = h.org_id where slug = %s"
        assert stage.rows(rows, settings.slug) == []

    play(stage, act)


def test_of_fifty_writers_with_one_version_one_wins(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        await settings.done(settings.put(THRESHOLD, 0.5))
        answers = await asyncio.gather(*(settings.put(THRESHOLD, n / 100, 1) for n in range(50)))
        won = [answer.json()["value"] for answer in answers if answer.status_code == 200]
        assert len(won) == 1 and sum(answer.status_code == 412 for answer in answers) == 49
        found = await settings.get(THRESHOLD)
        assert (found["version"], found["value"]) == (2, won[0])

    play(stage, act)


def test_writers_of_different_settings_do_not_wait_for_each_other_for_ever(stage: Stage) -> None:
    names = ["ai/threshold", "ai/seed", "email/max_retries", "api/rate_limit"]

    async def act(settings: Settings) -> None:
        changes = [dict(zip(("service", "key"), name.split("/"), strict=True), value=1) for name in names]
        calls = [settings.post("change-sets", changes=changes if n % 2 else changes[::-1]) for n in range(10)]
        calls += [settings.put(f"configs/{name}", 1) for name in names for _ in range(5)]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} <= {200, 201}, "no deadlock"
        revisions = [answer.json()["revision"] for answer in answers]
        assert len(set(revisions)) == 30, "each change set has its own"

    play(stage, act)


def test_the_history_is_whole_and_a_rollback_is_a_new_version(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        for value in DIFFERENT:
            await settings.done(settings.put(THRESHOLD, value))
        back = await settings.done(settings.post(f"{THRESHOLD}/rollback", to_version=1))
        assert (back["version"], back["value"]) == (4, 0.1)
        history = (await settings.get(f"{THRESHOLD}/history"))["items"]
        assert [(one["version"], one["old_value"], one["new_value"]) for one in history] == [
            (4, 0.3, 0.1), (3, 0.2, 0.3), (2, 0.1, 0.2), (1, None, 0.1),
        ]  # fmt: skip
        assert {(one["actor"], one["reason"]) for one in history} == {("operator", "because")}
        page = await settings.get(f"{THRESHOLD}/history?limit=2&before=4")
        assert [one["version"] for one in page["items"]] == [3, 2] and page["next"] == 2
        assert kind(await settings.post(f"{THRESHOLD}/rollback", to_version=9)) == (404, "no-such-version")
        outdated = await settings.call("POST", f"{THRESHOLD}/rollback", match=1, json={"to_version": 2, "reason": "x"})
        assert kind(outdated) == (412, "outdated")

    play(stage, act)


def test_an_earlier_time_is_what_a_replay_of_the_history_gives(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        replayed: dict[int, dict[str, Any]] = {}
        now: dict[str, Any] = {
            row["name"]: row["value"] for row in (await settings.get("configs?revision=999"))["items"]
        }
        times = []
        for n, name in enumerate(["ai/threshold", "email/max_retries", "ai/threshold", "ai/seed", "email/max_retries"]):
            if n == 4:
                answer = await settings.done(settings.call("DELETE", f"configs/{name}?reason=x", match="*"))
                now[name] = None
            else:
                answer = await settings.done(settings.put(f"configs/{name}", n % 2))
                now[name] = n % 2
            replayed[answer["revision"]] = dict(now)
            times.append((datetime.now(UTC).isoformat(), dict(now)))
        for revision, wanted in replayed.items():
            found = (await settings.get(f"configs?revision={revision}"))["items"]
            assert {one["name"]: one["value"] for one in found} == wanted
        for at, wanted in times:
            answer = await settings.call("GET", "configs", params={"at": at})
            assert {one["name"]: one["value"] for one in answer.json()["items"]} == wanted
        first, *_, last = replayed
        items = {one["name"]: (one["before"], one["after"]) for one in
                 (await settings.get(f"configs/diff?from={first}&to={last}"))["items"]}  # fmt: skip
        assert items == {"ai/seed": (None, 1), "email/max_retries": (None, None)} or items == {"ai/seed": (None, 1)}
        assert kind(await settings.call("GET", "configs?at=yesterday")) == (422, "invalid-request")

    play(stage, act)


def test_the_platforms_value_lies_below_the_organizations_own(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        name = "configs/ai/model"
        version = (await settings.platform.get(name))["version"]
        await settings.done(settings.platform.put(name, "everybodys", version))
        below = await settings.get(name)
        assert (below["value"], below["source"], below["version"]) == ("everybodys", "platform", 0)
        tag = (await settings.call("GET", "configs")).headers["etag"]
        assert (await settings.call("GET", "configs", headers={"If-None-Match": tag})).status_code == 304
        await settings.done(settings.put(name, "ours", 0))
        assert (await settings.get(name))["source"] == "organization"
        assert (await settings.call("GET", "configs", headers={"If-None-Match": tag})).status_code == 200
        unset = await settings.call("DELETE", f"{name}?reason=x", match=1)
        assert (unset.json()["value"], unset.json()["source"]) == ("everybodys", "platform")
        everything = {one["name"]: one["source"] for one in (await settings.get("configs"))["items"]}
        assert everything["ai/model"] == "platform" and everything["email/max_retries"] == "default"
        await settings.done(settings.platform.call("DELETE", f"{name}?reason=x", match="*"))

    play(stage, act)


def test_another_organizations_settings_are_invisible_to_the_applications_role(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        await settings.done(settings.put(THRESHOLD, 0.123))
        other = new_slug("cfg")
        assert (await settings.replica.sign_up(other)).status_code == 201
        theirs = Settings(settings.replica, other)
        await settings.replica.settled()
        assert (await theirs.get(THRESHOLD))["value"] == 0.5
        assert kind(await Settings(settings.replica, "nobody-has-it").call("GET", THRESHOLD)) == (
            404,
            "no-such-organization",
        )
        assert (await settings.by("wrong-token-wrong-token").call("GET", THRESHOLD)).status_code == 401
        number = (await settings.replica.get(f"/v1/organizations/{other}"))["id"]
        with psycopg.connect(stage.prepared.application) as connection:
            connection.execute("select set_config('app.current_org', %s, true)", [str(number)])
            for table in ("service_configs", "config_history", "config_heads", "config_change_sets"):
                seen = connection.execute(f"select distinct org_id from tenancy.{table}").fetchall()  # type: ignore[call-overload]
                assert {row[0] for row in seen} <= {number, 0}, table

    play(stage, act)


def test_redis_that_is_away_neither_slows_nor_fails_a_write_and_the_sweeper_sends_it(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        services = settings.replica.services
        publisher = services.publisher
        assert isinstance(publisher, FakePublisher)
        publisher.fails = 1
        await settings.done(settings.put(THRESHOLD, 0.4))
        await settings.replica.settled()
        assert published(settings) == []
        while await sweeper.sweep(services.database, publisher):
            pass
        assert ("threshold", 1) in published(settings)

    play(stage, act)


def test_what_was_committed_before_a_crash_is_published_by_the_sweeper(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        object.__setattr__(
            settings.replica.services, "announce", lambda changes: None
        )  # it ends right after the commit
        await settings.done(settings.put(THRESHOLD, 0.4))
        publisher = FakePublisher()
        with pytest.raises(redis.RedisError):
            await sweeper.sweep(settings.replica.services.database, FakePublisher(fails=1))
        while await sweeper.sweep(settings.replica.services.database, publisher):
            pass
        assert ("threshold", 1) in [(hint.key, hint.version) for hint in publisher.published]

    play(stage, act)


def test_a_document_is_exported_and_imported_as_one_change_set(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        await settings.done(settings.put(THRESHOLD, 0.4))
        await settings.done(settings.put("configs/features/x", True))
        document = (await settings.call("GET", "configs/export")).text
        assert "ai/threshold: 0.4" in document and "quota/" not in document
        same = await settings.call("POST", "configs/import?reason=x", content=document)
        assert (same.status_code, same.json()["state"]) == (200, "UNCHANGED")
        made = await settings.call(
            "POST", "configs/import?reason=x&replace=true", content="settings: {ai/seed: 7, ai/threshold: 0.6}"
        )
        assert made.json()["versions"] == {"ai/seed": 1, "ai/threshold": 2, "features/x": 2}, made.text
        assert (await settings.get("configs/features/x"))["source"] == "unset"
        for wrong, expected in (
            ("[", 400),
            ("a: &a 1\nb: *a", 400),
            ("settings: []", 422),
            ("settings: {ai/seed: x}", 422),
        ):
            assert (await settings.call("POST", "configs/import?reason=x", content=wrong)).status_code == expected
        large = await settings.call("POST", "configs/import?reason=x", content="#" * (1024 * 1024 + 1))
        assert kind(large) == (413, "body-too-large")

    play(stage, act)
