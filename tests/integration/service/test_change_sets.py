"""Change sets on a real PostgreSQL: all or none, approvals, times, the kill switch, and replicas that share them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from service import change_sets
from tests.integration.service.config_stage import (
    ADA,
    GRACE,
    OPERATORS,
    THRESHOLD,
    Settings,
    kind,
    play,
)
from tests.integration.service.conftest import Stage, new_slug
from tests.integration.service.people import granted, joined
from tests.integration.service.test_queue import working

FLAG = {
    "state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off",
    "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on", None]},
}  # fmt: skip
EVALUATE = "ofrep/v1/evaluate/flags"


def change(name: str, value: Any = None, **more: Any) -> dict[str, Any]:
    service, key = name.split("/")
    return {"service": service, "key": key, **({"value": value} if value is not None else {"unset": True}), **more}


def soon(seconds: float = 0.5) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_a_change_set_is_one_revision_or_nothing_at_all(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        both = [change("ai/threshold", 0.2), change("features/x", FLAG)]
        made = await settings.done(settings.post("change-sets", changes=both), 201)
        assert (made["state"], made["versions"]) == ("APPLIED", {"ai/threshold": 1, "features/x": 1})
        found = {one["name"]: one["revision"] for one in (await settings.get("configs"))["items"]}
        assert found["ai/threshold"] == found["features/x"] == made["revision"]
        outdated = [change("ai/threshold", 0.3), change("features/x", if_version=5)]
        assert kind(await settings.post("change-sets", changes=outdated)) == (412, "outdated")
        wrong = await settings.post(
            "change-sets", changes=[change("ai/threshold", 0.3), change("email/max_retries", 99)]
        )
        assert kind(wrong) == (422, "invalid-setting") and wrong.json()["errors"][0]["field"] == "changes.1"
        twice = await settings.post("change-sets", changes=[change("ai/threshold", 0.3), change("ai/threshold", 0.4)])
        assert twice.status_code == 422
        assert (await settings.get(THRESHOLD))["value"] == 0.2
        assert [one["state"] for one in (await settings.get("change-sets"))["items"]] == ["APPLIED"]
        assert (await settings.get(f"change-sets/{made['id']}"))["revision"] == made["revision"]

    play(stage, act)


def test_somebody_else_has_to_approve_what_is_declared_so(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        ada, grace = settings.by(ADA), settings.by(GRACE)
        asked = await ada.done(ada.post("change-sets", changes=[change("api/mode", "read-only")]), 201)
        assert (asked["state"], asked["actor"]) == ("WAITING", "operator:ada")
        path = f"change-sets/{asked['id']}"
        assert kind(await ada.post(f"{path}/approve")) == (403, "own-change")
        assert (await ada.get("configs/api/mode"))["value"] == "normal"
        done = await grace.done(grace.post(f"{path}/approve"))
        assert (done["state"], done["approver"]) == ("APPLIED", "operator:grace")
        assert kind(await grace.post(f"{path}/approve")) == (409, "not-waiting")
        history = (await ada.get("configs/api/mode/history"))["items"]
        assert [(one["new_value"], one["actor"]) for one in history] == [("read-only", "operator:ada")]
        other = await ada.done(ada.post("change-sets", changes=[change("ai/seed", 1)], needs_approval=True), 201)
        rejected = await grace.done(grace.post(f"change-sets/{other['id']}/reject", reason="not now"))
        assert (rejected["state"], rejected["note"]) == ("REJECTED", "not now")

    play(stage, act)


def test_an_approval_that_comes_too_late_fails_and_changes_nothing(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        ada, grace = settings.by(ADA), settings.by(GRACE)
        changes = [change("ai/seed", 1), change("ai/threshold", 0.1, if_version=0)]
        asked = await ada.done(ada.post("change-sets", changes=changes, needs_approval=True), 201)
        await ada.done(ada.put(THRESHOLD, 0.9))
        failed = await grace.done(grace.post(f"change-sets/{asked['id']}/approve"))
        assert (failed["state"], failed["problem"]["status"]) == ("FAILED", 412)
        assert (await ada.get("configs/ai/seed"))["version"] == 0

    play(stage, act)


def test_a_planned_change_is_applied_once_by_replicas_that_share_the_work(stage: Stage) -> None:
    async def run() -> None:
        async with stage.replicas(2, operators=OPERATORS) as (one, other):
            slug = new_slug("cfg")
            assert (await one.sign_up(slug)).status_code == 201
            await one.settled()
            settings = Settings(one, slug)
            planned = [
                await settings.done(settings.post("change-sets", changes=[change("ai/seed", n)], apply_at=soon()), 201)
                for n in range(1, 4)
            ]
            cancelled = await settings.done(
                settings.post("change-sets", changes=[change("ai/threshold", 0.1)], apply_at=soon()), 201
            )
            assert {one["state"] for one in planned} == {"SCHEDULED"}
            assert (await settings.done(settings.post(f"change-sets/{cancelled['id']}/cancel")))["state"] == "CANCELLED"
            assert await change_sets.apply_due(one.services) == 0, "not yet"
            await asyncio.sleep(0.6)
            await asyncio.gather(*(change_sets.apply_due(r.services) for r in (one, other) for _ in range(3)))
            history = (await settings.get("configs/ai/seed/history"))["items"]
            assert [one["new_value"] for one in history] == [3, 2, 1], "each once, in the order of their times"
            assert {s["state"] for s in (await settings.get("change-sets?state=APPLIED"))["items"]} == {"APPLIED"}
            assert (await settings.get(THRESHOLD))["version"] == 0

    asyncio.run(run())


def test_what_was_planned_before_a_restart_is_applied_by_the_queue(stage: Stage) -> None:
    async def run() -> None:
        async with stage.replicas(operators=OPERATORS) as (before,):
            slug = new_slug("cfg")
            assert (await before.sign_up(slug)).status_code == 201
            settings = Settings(before, slug)
            await settings.done(settings.post("change-sets", changes=[change("ai/seed", 7)], apply_at=soon()), 201)
        async with (
            stage.replicas(operators=OPERATORS, jobs=False) as (after,), working(stage, after), asyncio.timeout(30),
        ):  # fmt: skip
            while (await Settings(after, slug).get("configs/ai/seed"))["value"] != 7:  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    asyncio.run(run())


def test_the_kill_switch_passes_by_approvals_and_times(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        flag = "configs/features/x"
        await settings.done(settings.put(flag, FLAG))
        await settings.done(
            settings.post("change-sets", changes=[change("features/x", True)], needs_approval=True), 201
        )
        killed = await settings.done(settings.post(f"{flag}/kill", reason="it hurts"))
        assert killed["value"] == {**FLAG, "state": "DISABLED"} and killed["version"] == 2
        assert (await settings.get(f"{flag}/history"))["items"][0]["reason"] == "it hurts"
        never_set = await settings.done(settings.post("configs/features/never/kill"))
        assert never_set["value"]["state"] == "DISABLED"
        assert kind(await settings.post(f"{THRESHOLD}/kill")) == (422, "no-flag")

    play(stage, act)


def test_flags_are_evaluated_over_ofrep(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        await settings.done(settings.put("configs/features/x", FLAG))

        async def one(key: str, **context: Any) -> Any:
            answer = await settings.call("POST", f"{EVALUATE}/{key}", json={"context": context})
            return answer.status_code, answer.json()

        status, gold = await one("x", targetingKey="ada", tier="gold")
        assert (status, gold["value"], gold["variant"], gold["reason"]) == (200, True, "on", "TARGETING_MATCH")
        assert (await one("features/x", tier="lead"))[1]["value"] is False
        assert (await one("nobody"))[0] == 404 and (await one("nobody"))[1]["errorCode"] == "FLAG_NOT_FOUND"
        bulk = await settings.call("POST", EVALUATE, json={"context": {"tier": "gold"}})
        assert {flag["key"]: flag.get("value") for flag in bulk.json()["flags"]} == {"x": True, "dark_mode": False}
        again = {"If-None-Match": bulk.headers["etag"]}
        assert (await settings.call("POST", EVALUATE, json={"context": {}}, headers=again)).status_code == 304
        await settings.done(settings.post("configs/features/x/kill"))
        assert (await settings.call("POST", EVALUATE, json={"context": {}}, headers=again)).status_code == 200
        assert (await one("x"))[1] == {"key": "x", "reason": "DISABLED", "metadata": {}}

    play(stage, act)


def test_flags_that_could_go_are_reported(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        expired = {**FLAG, "metadata": {"expires": "2024-01-01"}}
        await settings.done(settings.put("configs/features/old", expired))
        await settings.done(settings.put("configs/features/new", FLAG))
        found = (await settings.get("flags/stale"))["items"]
        assert [(one["name"], one["why"]) for one in found] == [("features/old", "EXPIRED")]

    play(stage, act)


def test_the_shared_token_names_nobody_and_approves_nothing(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        asked = await settings.done(
            settings.post("change-sets", changes=[change("ai/seed", 1)], needs_approval=True), 201
        )
        by_ada = settings.by(ADA)
        assert kind(await by_ada.post(f"change-sets/{asked['id']}/approve")) == (403, "nobody-known")
        asked = await by_ada.done(by_ada.post("change-sets", changes=[change("ai/seed", 1)], needs_approval=True), 201)
        assert kind(await settings.post(f"change-sets/{asked['id']}/approve")) == (403, "nobody-known")

    play(stage, act)


def test_the_platforms_defaults_are_planned_and_killed_like_an_organizations(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        platform = settings.platform
        await platform.done(
            platform.post("change-sets", changes=[change("features/all", True)], apply_at=soon(0.2)), 201
        )
        await asyncio.sleep(0.3)
        await change_sets.apply_due(settings.replica.services)
        assert (await settings.get("configs/features/all"))["source"] == "platform"
        await platform.done(platform.post("configs/features/all/kill"))
        assert (await settings.get("configs/features/all"))["value"]["state"] == "DISABLED"
        await platform.done(platform.call("DELETE", "configs/features/all?reason=x", match="*"))

    play(stage, act)


def test_a_flagd_file_is_taken_over_as_one_change_set(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        shared = {"gold": {"==": [{"var": "tier"}, "gold"]}}
        flag = {**FLAG, "targeting": {"if": [{"$ref": "gold"}, "on", None]}}
        file = {"flags": {"new-checkout": flag, "newUi": FLAG}, "$evaluators": shared}
        made = await settings.done(settings.call("POST", "flags/import?reason=x", json=file), 201)
        assert set(made["versions"]) == {"features/new-checkout", "features/newUi", "features/evaluators"}
        gold = await settings.call("POST", f"{EVALUATE}/new-checkout", json={"context": {"tier": "gold"}})
        assert gold.json()["value"] is True
        again = await settings.call("POST", "flags/import?reason=x", json=file)
        assert (again.status_code, again.json()["state"]) == (200, "UNCHANGED")
        broken = {"flags": {"a": {**FLAG, "variants": {}}}}
        assert kind(await settings.call("POST", "flags/import?reason=x", json=broken)) == (422, "invalid-setting")
        assert kind(await settings.call("POST", "flags/import?reason=x", json={})) == (400, "no-flagd-file")

    play(stage, act)


def test_what_somebody_planned_who_may_not_any_more_is_cancelled(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        await joined(settings.replica, settings.slug, eve="admin", bob="admin")
        planned = []
        for name, value in (("eve", 1), ("bob", 2)):
            person = await granted(settings.replica, f"{name}@acme.example", settings.slug)
            made = settings.by(person.access_token).post(
                "change-sets", changes=[change("ai/seed", value)], apply_at=soon(3600)
            )
            planned.append((await settings.done(made, 201))["id"])
        await joined(settings.replica, settings.slug, bob="admin")
        stage.write("update tenancy.config_change_sets set apply_at = now() where id = any(%s::uuid[])", planned)
        await change_sets.apply_due(settings.replica.services)
        ended = [await settings.get(f"change-sets/{one}") for one in planned]
        assert [(one["state"], one["ended_by"]) for one in ended] == [
            ("CANCELLED", "system"), ("APPLIED", "bob@acme.example")
        ]  # fmt: skip
        assert "eve@acme.example may not" in ended[0]["note"]
        assert [one["new_value"] for one in (await settings.get("configs/ai/seed/history"))["items"]] == [2]

    play(stage, act)


def test_what_waits_is_cancelled_with_its_organization(stage: Stage) -> None:
    async def act(settings: Settings) -> None:
        await settings.done(settings.post("change-sets", changes=[change("ai/seed", 1)], apply_at=soon(3600)), 201)
        gone = await settings.call("DELETE", f"?confirm={settings.slug}")
        assert gone.status_code in (200, 202), gone.text
        await settings.replica.settled()
        assert stage.rows(
            "select c.state, c.note from tenancy.config_change_sets c join tenancy.organizations o on o.id = c.org_id "
            "where o.slug = %s", settings.slug,
        ) == [{"state": "CANCELLED", "note": "the organization was deleted"}]  # fmt: skip
        assert kind(await settings.call("GET", THRESHOLD)) == (410, "organization-deleted")

    play(stage, act)
