"""The other commands: what they ask, what they print, how they end."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi, end

ONE = "/v1/organizations/zephyr"
POOL = {"parked": 2, "starting": 1, "busy": 0, "size": 3}


def organization(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "id": 7, "slug": slug, "name": slug.title(), "plan": "starter", "status": "COMMITTED",
        "namespace": f"org-{slug}", "managed_by": "api", **more,
    }  # fmt: skip


def operation(slug: str, state: str = "COMMITTED") -> str:
    return end({"id": f"op-{slug}", "kind": "any", "slug": slug, "state": state})


@pytest.fixture
def two_pages(api: FakeApi) -> FakeApi:
    api.on("GET /v1/organizations?limit=1", 200, {"items": [organization("acme")], "next": "c 1"})
    return api.on("GET /v1/organizations?after=c+1&limit=1", 200, {"items": [organization("zephyr")], "next": None})


def test_a_page_says_how_to_get_the_next(two_pages: FakeApi, run: Run) -> None:
    result = run("list", "--limit", "1")
    assert "org-acme" in result.stdout and "zephyr" not in result.stdout
    assert "--after 'c 1'" in result.stderr


@pytest.mark.usefixtures("two_pages")
def test_all_pages_are_one_document(run: Run) -> None:
    listed = json.loads(run("list", "--limit", "1", "--all", "--json").stdout)
    assert [item["slug"] for item in listed["items"]] == ["acme", "zephyr"]
    assert listed["next"] is None


def test_a_cursor_that_leads_to_itself_is_no_endless_loop(api: FakeApi, run: Run) -> None:
    api.on("GET /v1/organizations?limit=50", 200, {"items": [], "next": "a"})
    api.on("GET /v1/organizations?after=a&limit=50", 200, {"items": [], "next": "a"})
    assert run("list", "--all").exit_code == 4


def test_show_prints_what_this_command_line_does_not_know_yet(api: FakeApi, run: Run) -> None:
    api.on(f"GET {ONE}", 200, organization("zephyr", retention_days=30))
    assert "retention days  30" in run("show", "zephyr").stdout
    assert json.loads(run("show", "zephyr", "--json").stdout)["retention_days"] == 30


@pytest.fixture
def deletable(api: FakeApi) -> FakeApi:
    api.on(f"DELETE {ONE}", 202, {"operation_id": "op-zephyr"})
    api.on(f"DELETE {ONE}?confirm=zephyr", 202, {"operation_id": "op-zephyr"})
    return api.streams("op-zephyr", operation("zephyr"))


def test_a_protected_organization_is_deleted_when_its_slug_is_typed(deletable: FakeApi, run: Run) -> None:
    deletable.on(f"GET {ONE}", 200, organization("zephyr", protected=True))
    result = run("delete", "zephyr", typed="zephyr\n")
    assert result.exit_code == 0
    assert f"DELETE {ONE}?confirm=zephyr" in deletable.calls()
    assert "never given out again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        ((), "y\n"),  # a protected one wants its slug
        ((), ""),  # nobody there
        (("--yes",), ""),  # explains protection instead
        (("--yes", "--confirm", "acme"), ""),  # another one was meant
    ],
)
def test_a_protected_organization_is_not_deleted_by_less(
    deletable: FakeApi, run: Run, arguments: tuple[str, ...], typed: str
) -> None:
    deletable.on(f"GET {ONE}", 200, organization("zephyr"))  # an API that does not say counts as protected
    result = run("delete", "zephyr", *arguments, typed=typed)
    assert result.exit_code == 2
    assert "Nothing was done" in result.stderr
    assert deletable.calls() == [f"GET {ONE}"]


def test_an_unprotected_one_is_deleted_with_yes_and_a_protected_one_with_confirm(deletable: FakeApi, run: Run) -> None:
    deletable.on(f"GET {ONE}", 200, organization("zephyr", protected=False))
    deletable.on(f"GET {ONE}", 200, organization("zephyr", protected=True))
    assert run("delete", "zephyr", "--yes").exit_code == 0
    assert run("delete", "zephyr", "--yes", "--confirm", "zephyr").exit_code == 0
    deletions = [asked for asked in deletable.asked if asked.call.startswith("DELETE")]
    assert [asked.call for asked in deletions] == [f"DELETE {ONE}", f"DELETE {ONE}?confirm=zephyr"]
    assert all(asked.headers["Idempotency-Key"] for asked in deletions)


def test_a_quota_change_says_since_when_and_what_pods_keep(api: FakeApi, run: Run) -> None:
    changed = {
        "cpu": "16", "memory": "20Gi", "storage": "10Gi", "effective_at": "2026-11-25T04:00:00Z",
        "note": "running pods keep their limits until restarted", "operation_id": "op-2",
    }  # fmt: skip
    api.on(f"PATCH {ONE}/quota", 200, changed)
    result = run("quota", "set", "zephyr", "--cpu", "16", "--reason", "load test")
    assert api.asked[0].body == {"cpu": "16", "reason": "load test"}
    assert "effective at  2026-11-25T04:00:00Z" in result.stdout and "running pods keep" in result.stdout
    assert "python -m cli watch op-2" in result.stderr


def test_a_quota_change_without_a_size_or_a_reason_is_not_sent(api: FakeApi, run: Run) -> None:
    assert run("quota", "set", "zephyr", "--reason", "why").exit_code == 2
    assert run("quota", "set", "zephyr", "--cpu", "1").exit_code == 2
    assert not api.asked


PREVIEW: dict[str, Any] = {
    "resources": [{"verb": "update", "place": "org-zephyr", "kind": "ResourceQuota", "name": "quota", "fields": [
        {"path": "spec.hard.cpu", "before": "10", "after": "16"},
        {"path": "spec.scopes", "before": None, "after": ["a"]},
    ]}],
    "rows": [],
    "cost": {"before": "49.00", "after": "103.00", "delta": "54.00", "currency": "EUR"},
    "policies": {"violations": [], "rules": ["quota-bounded", {"name": "no-host-port"}]},
}  # fmt: skip


def test_a_preview_shows_fields_rows_cost_and_every_rule(api: FakeApi, run: Run) -> None:
    api.on(f"POST {ONE}/preview", 200, PREVIEW)
    result = run(
        "preview", "zephyr", "--cpu", "16", "--change", "-", typed='{"labels": {"a": "b"}, "quota": {"memory": "1Gi"}}'
    )
    assert api.asked[0].body == {"labels": {"a": "b"}, "quota": {"memory": "1Gi", "cpu": "16"}}
    assert result.exit_code == 0
    for text in ("spec.hard.cpu", '["a"]', "Rows: no change", "49.00 → 103.00 EUR a month (+54.00)", "no-host-port"):
        assert text in result.stdout
    assert json.loads(run("preview", "zephyr", "--json").stdout) == PREVIEW


def test_a_change_that_breaks_a_mandatory_policy_ends_with_1(api: FakeApi, run: Run) -> None:
    violation = {"policy": "quota-bounded", "resource": "quota", "text": "cpu 999 > 64", "mandatory": True}
    api.on(f"POST {ONE}/preview", 200, {**PREVIEW, "policies": {"violations": [violation], "rules": ["quota-bounded"]}})
    result = run("preview", "zephyr", "--cpu", "999")
    assert result.exit_code == 1
    assert "cpu 999 > 64" in result.stdout and "broken" in result.stdout


def test_an_export_goes_out_as_it_came_or_into_a_new_file(api: FakeApi, run: Run, tmp_path: Path) -> None:
    text = "name: Zephyr [bold]Foods[/bold]\nslug: zephyr\n"
    api.on(f"GET {ONE}/export", 200, text, Content_Type="text/yaml")
    file = tmp_path / "zephyr.yaml"
    assert run("export", "zephyr").stdout == text
    assert run("export", "zephyr", "-o", str(file)).exit_code == 0
    assert file.read_text() == text
    file.write_text("mine")
    assert run("export", "zephyr", "-o", str(file)).exit_code == 2
    assert file.read_text() == "mine"
    assert run("export", "zephyr", "-o", str(file), "--force").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["zephyr.yaml"]


def test_an_export_to_a_folder_that_is_not_there_is_one_sentence(api: FakeApi, run: Run, tmp_path: Path) -> None:
    api.on(f"GET {ONE}/export", 200, "name: x\n", Content_Type="text/yaml")
    result = run("export", "zephyr", "-o", str(tmp_path / "no" / "x.yaml"))
    assert result.exit_code == 2


def drift(*slugs: str) -> dict[str, Any]:
    return {
        "items": [{"slug": slug, "kind": "ResourceQuota", "name": "quota", "problem": "cpu is 99"} for slug in slugs]
    }


def test_drift_ends_with_1_and_no_drift_with_0(api: FakeApi, run: Run) -> None:
    api.on("GET /v1/drift", 200, drift("acme")).on("GET /v1/drift?slug=zephyr", 200, drift())
    assert run("drift").exit_code == 1
    assert run("drift", "zephyr").exit_code == 0


def test_one_repair_that_fails_does_not_keep_the_next_from_being_made(api: FakeApi, run: Run) -> None:
    api.on("GET /v1/drift", 200, drift("acme", "acme", "zephyr"))
    for slug, state in (("acme", "FAILED"), ("zephyr", "COMMITTED")):
        api.on(f"POST /v1/drift/{slug}/repair", 202, {"operation_id": f"op-{slug}"})
        api.streams(f"op-{slug}", operation(slug, state))
    result = run("drift", "--repair", "--yes")
    assert result.exit_code == 1
    assert "Not repaired: acme." in result.stderr
    assert [call for call in api.calls() if call.startswith("POST")] == [
        "POST /v1/drift/acme/repair", "POST /v1/drift/zephyr/repair",
    ]  # fmt: skip


def test_repairing_everything_asks_and_repairing_one_does_not(api: FakeApi, run: Run) -> None:
    api.on("GET /v1/drift", 200, drift("acme")).on("GET /v1/drift?slug=acme", 200, drift("acme"))
    api.on("POST /v1/drift/acme/repair", 202, {"operation_id": "op-acme"}).streams("op-acme", operation("acme"))
    assert run("drift", "--repair", typed="n\n").exit_code == 2
    assert run("drift", "acme", "--repair").exit_code == 0


def test_status_tells_pool_and_operations_and_ends_with_1_unless_ready(api: FakeApi, run: Run) -> None:
    api.on("GET /healthz", 200, {})
    api.on("GET /readyz", 200, {"ready": True, "running": 5, "pool": POOL, "operations": {"quota PENDING": 4}})
    api.on("GET /readyz", 503, {"ready": False, "reasons": ["it drains"], "running": 0, "pool": POOL})
    ready = run("status")
    assert ready.exit_code == 0
    assert "2 parked, 1 starting, 0 busy, of 3" in ready.stdout and "quota PENDING" in ready.stdout
    assert "at work  5" in ready.stdout
    away = run("status")
    assert away.exit_code == 1 and "takes no work now: it drains." in away.stderr and "OPERATIONS" not in away.stdout
    assert json.loads(run("status", "--json").stdout)["ready"] is False


def test_drain_asks_and_then_waits_until_nothing_is_at_work(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/drain", 202)
    for running in (1, 0):  # engines stay parked in a service that stays up
        api.on("GET /readyz", 503, {"ready": False, "running": running, "pool": POOL})
    assert run("drain", typed="n\n").exit_code == 2
    assert not api.asked
    assert run("drain", "--yes").exit_code == 0
    assert api.calls() == ["POST /v1/drain", "GET /readyz", "GET /readyz"]


def test_a_drain_that_takes_too_long_says_that_it_goes_on(api: FakeApi, run: Run) -> None:
    api.on("POST /v1/drain", 202).on("GET /readyz", 503, {"ready": False, "running": 1, "pool": POOL})
    result = run("drain", "--yes", "--timeout", "0")
    assert (result.exit_code, "goes on" in result.stderr) == (4, True)
