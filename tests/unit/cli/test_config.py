"""`config` and `flags`: what is sent for what was given, what is printed, how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi

ONE = "/v1/organizations/zephyr"
THRESHOLD = f"{ONE}/configs/ai/threshold"
SETTING = {"name": "ai/threshold", "value": 0.7, "source": "organization", "version": 3, "revision": 9}
OUTDATED = {"title": "The setting was changed since", "detail": "ai/threshold is at version 4", "status": 412}
SET = {
    "id": "c-1", "state": "APPLIED", "changes": [{"service": "ai", "key": "threshold", "value": 0.7}],
    "reason": "launch", "actor": "operator:ada", "revision": 9,
}  # fmt: skip


def test_a_setting_is_set_at_the_version_that_was_read(api: FakeApi, run: Run) -> None:
    api.on(f"GET {THRESHOLD}", 200, SETTING).on(f"PUT {THRESHOLD}", 200, {**SETTING, "version": 4})
    result = run("config", "set", "zephyr", "ai/threshold", "0.7", "--reason", "ticket")
    assert result.exit_code == 0 and "version     4" in result.stdout
    assert api.asked[1].body == {"value": 0.7, "reason": "ticket"}
    assert api.asked[1].headers["If-Match"] == '"3"'


def test_whoever_was_faster_is_not_overwritten(api: FakeApi, run: Run) -> None:
    api.on(f"PUT {THRESHOLD}", 412, OUTDATED)
    result = run("config", "set", "zephyr", "ai/threshold", "0.7", "--reason", "x", "--if-version", "2")
    assert result.exit_code == 3 and "is at version 4" in result.stderr
    assert api.calls() == [f"PUT {THRESHOLD}"], "nothing is tried again by itself"


@pytest.mark.parametrize(
    ("given", "sent"), [("true", True), ("3", 3), ("llama", "llama"), ('"3"', "3"), ('{"a": 1}', {"a": 1})]
)
def test_a_value_is_json_or_else_text(api: FakeApi, run: Run, given: str, sent: Any) -> None:
    api.on(f"PUT {THRESHOLD}", 200, SETTING)
    run("config", "set", "zephyr", "ai/threshold", given, "--reason", "x", "--if-version", "1")
    assert api.asked[0].body["value"] == sent


def test_the_platform_is_named_like_an_organization(api: FakeApi, run: Run) -> None:
    api.on("GET /v1/platform/configs/ai/threshold", 200, {**SETTING, "source": "platform"})
    assert "platform" in run("config", "get", "platform", "ai/threshold").stdout
    assert run("config", "get", "platform", "threshold").exit_code == 2, "no setting"


def test_lists_are_tables_or_json(api: FakeApi, run: Run) -> None:
    past = {"name": "ai/threshold", "value": 0.1, "version": 1, "revision": 2, "actor": "operator", "reason": "start",
            "changed_at": "2026-11-25T20:00:00Z"}  # fmt: skip
    version = {"version": 2, "revision": 3, "old_value": 0.1, "new_value": 0.7, "actor": "operator", "reason": "better",
               "changed_at": "2026-11-25T20:01:00Z"}  # fmt: skip
    changed = {
        "name": "ai/threshold",
        "before": 0.1,
        "after": 0.7,
        "revision": 3,
        "actor": "operator",
        "reason": "better",
    }
    stale = {"name": "features/old", "why": "EXPIRED", "since": "2024-01-01T00:00:00Z", "variant": None}
    api.on(f"GET {ONE}/configs", 200, {"revision": 9, "items": [SETTING]})
    api.on(f"GET {ONE}/configs?revision=2", 200, {"revision": 2, "items": [past]})
    api.on(f"GET {THRESHOLD}/history?limit=20", 200, {"items": [version]})
    api.on(f"GET {ONE}/configs/diff?from=2", 200, {"items": [changed]})
    api.on(f"GET {ONE}/change-sets", 200, {"items": [SET]})
    api.on(f"GET {ONE}/flags/stale", 200, {"items": [stale]})
    for arguments, shown in (
        (("config", "list", "zephyr"), "organization"), (("config", "list", "zephyr", "--revision", "2"), "start"),
        (("config", "history", "zephyr", "ai/threshold"), "better"), (("config", "plans", "zephyr"), "c-1"),
        (("config", "diff", "zephyr", "--from", "2"), "0.7"), (("flags", "stale", "zephyr"), "EXPIRED"),
    ):  # fmt: skip
        assert shown in run(*arguments).stdout, arguments
        assert json.loads(run(*arguments, "--json").stdout)["items"], arguments


def test_unset_rollback_and_kill(api: FakeApi, run: Run) -> None:
    api.on(f"GET {THRESHOLD}", 200, SETTING).on(f"DELETE {THRESHOLD}?reason=x", 200, SETTING)
    api.on(f"POST {THRESHOLD}/rollback", 200, SETTING).on(f"POST {THRESHOLD}/kill", 200, SETTING)
    name = ("zephyr", "ai/threshold", "--reason", "x")
    assert run("config", "unset", *name).exit_code == 0
    assert run("config", "rollback", *name, "--to", "1").exit_code == 0
    assert run("config", "kill", *name).exit_code == 0
    assert [asked.body for asked in api.asked[2:]] == [{"to_version": 1, "reason": "x"}, {"reason": "x"}]


def test_several_changes_are_one_change_set(api: FakeApi, run: Run, tmp_path: Path) -> None:
    api.on(f"POST {ONE}/change-sets", 201, SET)
    file = tmp_path / "change.json"
    file.write_text(json.dumps({"changes": SET["changes"]}))
    assert "APPLIED" in run("config", "apply", "zephyr", str(file), "--reason", "launch").stdout
    assert api.asked[0].body == {"changes": SET["changes"], "reason": "launch"}
    at = ("--at", "2026-12-01T08:00:00Z", "--reason", "launch")
    assert run("config", "schedule", "zephyr", "ai/threshold=0.7", "email/max_retries=", *at).exit_code == 0
    assert api.asked[1].body["changes"][1] == {"service": "email", "key": "max_retries", "unset": True}
    assert run("config", "schedule", "zephyr", "ai/threshold", *at).exit_code == 2


def test_what_waits_says_how_it_is_approved_and_what_failed_says_why(api: FakeApi, run: Run) -> None:
    waiting = {**SET, "state": "WAITING", "revision": None}
    api.on(f"POST {ONE}/change-sets", 201, waiting)
    result = run("config", "schedule", "zephyr", "ai/threshold=1", "--at", "x", "--reason", "x", "--needs-approval")
    assert "config approve zephyr c-1" in result.stderr and api.asked[0].body["needs_approval"] is True
    failed = {**waiting, "state": "FAILED", "problem": OUTDATED}
    api.on(f"POST {ONE}/change-sets/c-1/approve", 200, failed)
    result = run("config", "approve", "zephyr", "c-1", "--reason", "x")
    assert result.exit_code == 1 and "is at version 4" in result.stderr
    for verb in ("reject", "cancel"):
        api.on(f"POST {ONE}/change-sets/c-1/{verb}", 200, {**waiting, "state": "CANCELLED"})
        assert run("config", verb, "zephyr", "c-1", "--reason", "x").exit_code == 0


def test_documents_and_flagd_files_go_as_they_are(api: FakeApi, run: Run, tmp_path: Path) -> None:
    imported = {"id": "c-1", "state": "APPLIED", "revision": 9, "changes": [{}]}
    api.on(f"GET {ONE}/configs/export?format=yaml", 200, "settings: {}\n")
    api.on(f"POST {ONE}/configs/import?reason=x", 201, imported)
    api.on(f"POST {ONE}/flags/import?reason=x&service=features", 200, {**imported, "state": "UNCHANGED", "id": None})
    assert run("config", "export", "zephyr").stdout == "settings: {}\n"
    assert run("config", "export", "zephyr", "--format", "xml").exit_code == 2
    file = tmp_path / "flags.json"
    file.write_text('{"flags": {}}')
    assert "APPLIED" in run("config", "import", "zephyr", str(file), "--reason", "x").stdout
    assert "UNCHANGED" in run("flags", "import", "zephyr", str(file), "--reason", "x").stdout
    assert api.asked[-1].body == {"flags": {}}
    assert run("config", "import", "zephyr", str(tmp_path / "none"), "--reason", "x").exit_code == 2
