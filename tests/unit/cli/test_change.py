"""`change`: what is sent for what was given, that nobody is lost, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi, end

ONE = "/v1/organizations/zephyr"
ADA = {"email": "ada@zephyr.example", "role": "owner"}
BOB = {"email": "bob@zephyr.example", "role": "viewer"}
CHANGED = {"id": 7, "slug": "zephyr", "changed": ["members"], "operation_id": "op-1"}
OUTDATED = {"title": "The organization was changed meanwhile", "detail": "read it again", "status": 412}


def described(*members: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "id": 7, "slug": "zephyr", "name": "Zephyr", "plan": "starter", "status": "COMMITTED",
        "namespace": "org-zephyr", "managed_by": "api", "members": members or (ADA,),
        "labels": {"tier": "gold"}, "configs": {"ai/threshold": 0.5}, "database": {"rotation": 3}, **more,
    }  # fmt: skip


def sent(api: FakeApi) -> list[Any]:
    return [asked.body for asked in api.asked if asked.call.startswith("PATCH")]


def test_single_values_are_sent_without_reading_anything_and_what_changed_is_told(api: FakeApi, run: Run) -> None:
    api.on(f"PATCH {ONE}", 200, {**CHANGED, "changed": ["name", "plan"]})
    given = ("--name", "Zephyr Ltd", "--plan", "business", "--unprotect", "--retention-days", "90")
    result = run("change", "zephyr", *given, "--reason", "contract 17")
    assert result.exit_code == 0 and "name, plan" in result.stdout and "op-1" in result.stdout
    assert api.calls() == [f"PATCH {ONE}"]
    assert sent(api) == [
        {"name": "Zephyr Ltd", "plan": "business", "protected": False, "retention_days": 90, "reason": "contract 17"}
    ]
    assert api.asked[0].headers["Idempotency-Key"] in result.stderr


def test_a_member_is_added_to_the_others_and_the_version_that_was_read_is_named(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, described(ADA), ETag='"v1"').on(f"PATCH {ONE}", 200, CHANGED)
    assert run("change", "zephyr", "--add-member", "bob@zephyr.example=viewer", "--reason", "joins").exit_code == 0
    assert sent(api) == [{"members": [ADA, BOB], "reason": "joins"}]
    assert api.asked[1].headers["If-Match"] == '"v1"'


def test_whoever_came_meanwhile_is_not_lost(api: FakeApi, run: Run) -> None:
    eve = {"email": "eve@zephyr.example", "role": "admin"}
    api.on(f"GET {ONE}", 200, described(ADA), ETag='"v1"').on(f"GET {ONE}", 200, described(ADA, eve), ETag='"v2"')
    api.on(f"PATCH {ONE}", 412, OUTDATED).on(f"PATCH {ONE}", 200, CHANGED)
    result = run("change", "zephyr", "--add-member", "bob@zephyr.example=viewer", "--reason", "joins")
    assert result.exit_code == 0 and "meanwhile" in result.stderr
    assert sent(api)[1]["members"] == [ADA, eve, BOB]
    assert len({asked.headers["Idempotency-Key"] for asked in api.asked if asked.call.startswith("PATCH")}) == 1


def test_an_organization_that_others_change_all_the_time_is_given_up(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, described(ADA), ETag='"v1"').on(f"PATCH {ONE}", 412, OUTDATED)
    result = run("change", "zephyr", "--add-member", "bob@zephyr.example=viewer", "--reason", "joins")
    assert result.exit_code == 3
    assert len(sent(api)) == 5


def test_a_role_is_changed_and_a_member_removed(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, described(ADA, BOB)).on(f"PATCH {ONE}", 200, CHANGED)
    run("change", "zephyr", "--add-member", "bob@zephyr.example=admin", "--reason", "promoted")
    run("change", "zephyr", "--remove-member", "bob@zephyr.example", "--reason", "left")
    assert [body["members"] for body in sent(api)] == [[ADA, {**BOB, "role": "admin"}], [ADA]]


def test_labels_and_settings_are_merged_and_a_login_is_one_generation_higher(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, described()).on(f"PATCH {ONE}", 200, CHANGED)
    given = (
        "--label", "team=blue", "--label", "note=", "--unlabel", "tier",
        "--set", "api/rate=240", "--set", "api/on=true", "--set", 'api/code="007"', "--set", "api/url=http://x/?a=b",
        "--unset", "ai/threshold", "--rotate-database-login",
    )  # fmt: skip
    assert run("change", "zephyr", *given, "--reason", "r").exit_code == 0
    assert sent(api) == [{
        "labels": {"team": "blue", "note": ""},
        "configs": {"api/rate": 240, "api/on": True, "api/code": "007", "api/url": "http://x/?a=b"},
        "database": {"rotation": 4}, "reason": "r",
    }]  # fmt: skip


def test_who_is_not_there_cannot_be_removed_unless_the_call_is_repeated(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, described(ADA)).on(f"PATCH {ONE}", 200, CHANGED)
    removal = ("change", "zephyr", "--remove-member", "bbo@zephyr.example", "--reason", "left")
    mistyped = run(*removal)
    assert mistyped.exit_code == 2 and "ada@zephyr.example" in mistyped.stderr and not sent(api)
    assert run(*removal, "--key", "earlier").exit_code == 0, "it may be this very call that removed them"
    assert sent(api)[0]["members"] == [ADA]


def test_what_a_catalog_manages_is_not_changed_here(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, described(managed_by="dev") | {"members": None})
    result = run("change", "zephyr", "--add-member", "bob@zephyr.example=viewer", "--reason", "joins")
    assert result.exit_code == 2 and "managed by dev" in result.stderr and not sent(api)


@pytest.mark.parametrize(
    "given",
    [
        ("--reason", "nothing"),
        ("--plan", "business"),  # no reason
        ("--add-member", "bob@zephyr.example", "--reason", "r"),
        ("--label", "tier", "--reason", "r"),
        ("--set", "=1", "--reason", "r"),
        ("--add-member", "b@z.example=viewer", "--remove-member", "b@z.example", "--reason", "r"),
        ("--file", "/nowhere.json", "--reason", "r"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(api: FakeApi, run: Run, given: tuple[str, ...]) -> None:
    assert run("change", "zephyr", *given).exit_code == 2
    assert not api.asked


def test_a_file_holds_the_whole_change_and_options_go_over_it(api: FakeApi, run: Run, tmp_path: Path) -> None:
    api.on(f"PATCH {ONE}", 200, CHANGED)
    file = tmp_path / "change.json"
    file.write_text(
        json.dumps({"network": {"allow_from": ["acme"]}, "members": [ADA], "plan": "starter", "reason": "f"})
    )
    assert run("change", "zephyr", "--file", str(file), "--plan", "business").exit_code == 0
    assert sent(api) == [
        {"network": {"allow_from": ["acme"]}, "members": [ADA], "plan": "business", "reason": "f"}
    ]  # fmt: skip
    both = run("change", "zephyr", "--file", str(file), "--add-member", "b@z.example=viewer")
    assert both.exit_code == 2 and "members" in both.stderr, "which of the two is meant is not guessed"


def test_a_longer_change_is_watched_to_its_end_and_one_that_fails_ends_with_1(api: FakeApi, run: Run) -> None:
    operation = {"id": "op-1", "kind": "change", "slug": "zephyr"}
    api.on(f"PATCH {ONE}", 202, {"operation_id": "op-1"})
    api.streams("op-1", end({**operation, "state": "COMMITTED", "answer": CHANGED}))
    problem = {"title": "The organization is not changed", "detail": "try again later"}
    api.streams("op-1", end({**operation, "state": "FAILED", "problem": problem}))
    assert json.loads(run("change", "zephyr", "--plan", "business", "--reason", "r", "--json").stdout) == CHANGED
    failed = run("change", "zephyr", "--plan", "business", "--reason", "r")
    assert failed.exit_code == 1 and "try again later" in failed.stderr
