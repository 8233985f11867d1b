"""Projects, notes and documents: paths, pages, versions; and whose they are."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi
from tests.unit.cli.people import LOGIN, PASSWORD, access, bearers, tokens

PROJECTS = "/v1/organizations/zephyr/projects"
NOTES, DOCUMENTS = f"{PROJECTS}/p-1/notes", "/v1/organizations/zephyr/documents"
OUTDATED = {"title": "It was changed meanwhile", "detail": "it is at version 4 by now"}


def row(row_id: str = "p-1", version: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": row_id, "version": version, "created_by": "ada@zephyr.example", "created_at": "2026-11-25T20:00:00Z",
        "updated_at": "2026-11-25T20:00:00Z", "deleted_at": None, "name": "Harvest", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "call", "body"),
    [
        (("projects", "create", "Harvest", "--description", "d"), f"POST {PROJECTS}",
         {"name": "Harvest", "description": "d"}),
        (("notes", "create", "p-1", "Monday", "--body", "rain"), f"POST {NOTES}", {"title": "Monday", "body": "rain"}),
        (("documents", "create", "a.md", "--content-file", "-", "--media-type", "text/markdown", "--project", "p-1"),
         f"POST {DOCUMENTS}",
         {"name": "a.md", "content": "# typed\r\n", "media_type": "text/markdown", "project_id": "p-1"}),
    ],
)  # fmt: skip
def test_something_new_is_made_in_the_organization_of_the_session(
    api: FakeApi, person: Run, arguments: tuple[str, ...], call: str, body: dict[str, str]
) -> None:
    api.on(call, 201, row("new-1"))
    result = person(*arguments, typed="# typed\r\n")
    assert result.exit_code == 0 and "new-1" in result.stdout
    assert (api.calls(), api.asked[0].body, bearers(api, call)) == ([call], body, [access(1)])


def test_a_page_says_how_to_get_the_next_and_all_pages_are_one(api: FakeApi, person: Run) -> None:
    api.on(f"GET {NOTES}?limit=1", 200, {"items": [row("n-2")], "next": "c 1"})
    api.on(f"GET {NOTES}?cursor=c+1&limit=1", 200, {"items": [row("n-1")], "next": None})
    assert "notes list p-1 --limit 1 --after 'c 1'" in person("notes", "list", "p-1", "--limit", "1").stderr
    whole = person("notes", "list", "p-1", "--limit", "1", "--all", "--json")
    assert [item["id"] for item in json.loads(whole.stdout)["items"]] == ["n-2", "n-1"]


def test_a_search_goes_on_as_a_search(api: FakeApi, person: Run) -> None:
    api.on(f"GET {PROJECTS}?q=two+words&limit=50&deleted=true", 200, {"items": [row(deleted_at="then")], "next": "c"})
    result = person("projects", "search", "two words", "--deleted")
    assert "then" in result.stdout
    assert "projects search 'two words' --limit 50 --deleted --after c" in result.stderr


def test_a_cursor_that_leads_to_itself_is_no_endless_loop(api: FakeApi, person: Run) -> None:
    api.on(f"GET {DOCUMENTS}?limit=50", 200, {"items": [], "next": "a"})
    api.on(f"GET {DOCUMENTS}?cursor=a&limit=50", 200, {"items": [], "next": "a"})
    assert person("documents", "list", "--all").exit_code == 4


def test_a_change_builds_on_the_version_of_now_or_on_the_one_that_is_named(api: FakeApi, person: Run) -> None:
    api.on(f"GET {PROJECTS}/p-1", 200, row(version=3), ETag='"3"').on(f"PATCH {PROJECTS}/p-1", 200, row(version=4))
    assert person("projects", "change", "p-1", "--name", "Harvest 2").exit_code == 0
    assert person("projects", "change", "p-1", "--name", "Harvest 2", "--if-version", "2").exit_code == 0
    patches = [asked for asked in api.asked if asked.call.startswith("PATCH")]
    assert [asked.headers["If-Match"] for asked in patches] == ['"3"', '"2"']
    assert patches[0].body == {"name": "Harvest 2"}


def test_a_change_that_comes_too_late_is_refused_and_says_so(api: FakeApi, person: Run) -> None:
    api.on(f"GET {NOTES}/n-1", 200, row(), ETag='"1"').on(f"PATCH {NOTES}/n-1", 412, OUTDATED)
    result = person("notes", "change", "p-1", "n-1", "--title", "t")
    assert result.exit_code == 3 and "changed meanwhile" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("projects", "change", "p-1"),
        ("notes", "change", "p-1", "n-1", "--body", "a", "--body-file", "b"),
        ("documents", "create", "a", "--content-file", "/nowhere"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(api: FakeApi, person: Run, arguments: tuple[str, ...]) -> None:
    assert person(*arguments).exit_code == 2
    assert not api.asked


def test_what_is_deleted_can_come_back(api: FakeApi, person: Run) -> None:
    api.on(f"DELETE {NOTES}/n-1", 204).on(f"POST {NOTES}/n-1/restore", 200, row("n-1", 3))
    deleted = person("notes", "delete", "p-1", "n-1")
    assert deleted.exit_code == 0 and "notes restore p-1 n-1" in deleted.stderr
    assert "version  3" in person("notes", "restore", "p-1", "n-1").stdout
    person("notes", "delete", "p-1", "n-1", "--if-version", "5")
    assert [asked.headers.get("If-Match") for asked in api.asked] == [None, None, '"5"']


def test_a_document_is_shown_whole_or_as_its_content_alone(api: FakeApi, person: Run) -> None:
    api.on(f"GET {DOCUMENTS}/d-1", 200, row("d-1", content="# [bold]a[/bold]\n", media_type="text/markdown"))
    assert "text/markdown" in person("documents", "show", "d-1").stdout
    assert person("documents", "show", "d-1", "--content").stdout == "# [bold]a[/bold]\n"
    assert json.loads(person("documents", "show", "d-1", "--json").stdout)["id"] == "d-1"


def test_another_organization_can_be_named(api: FakeApi, person: Run) -> None:
    call = "GET /v1/organizations/acme/projects?limit=50"
    api.on(call, 200, {"items": [], "next": "c"})
    assert "--after c --organization acme" in person("projects", "list", "--organization", "acme").stderr
    assert api.calls() == [call]


def test_an_id_stays_in_its_place_in_the_path(api: FakeApi, person: Run) -> None:
    person("projects", "show", "../documents?x=1")
    assert api.calls() == [f"GET {PROJECTS}/..%2Fdocuments%3Fx%3D1"]


def test_who_acts_for_no_organization_has_no_data(api: FakeApi, run: Run) -> None:
    assert "Nobody is logged in" in run("projects", "list").stderr
    api.on(LOGIN, 200, tokens(organization=None))
    run("login", "ada@zephyr.example", "--password-stdin", typed=PASSWORD)
    api.asked.clear()
    result = run("projects", "list")
    assert result.exit_code == 2 and "switch SLUG" in result.stderr and not api.asked
