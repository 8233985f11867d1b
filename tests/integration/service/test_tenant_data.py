"""Projects, notes and documents over the API: made, found, changed, hidden and brought back."""

import asyncio
import json
from typing import Any

import pytest

from tests.integration.service.conftest import OPERATOR, Stage
from tests.integration.service.data_stage import MISSING, Data, kind, play

KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "projects": ({"name": "Apollo", "description": "to the moon"}, {"description": "and back"}),
    "notes": ({"title": "First", "body": "to the moon"}, {"body": "and back"}),
    "documents": ({"name": "Plan", "content": "to the moon"}, {"content": "and back", "media_type": "text/markdown"}),
}


async def path_of(data: Data, what: str) -> str:
    """Where rows of that kind are; notes have a project of their own."""
    return f"projects/{(await data.ours.made('projects', name='Holder'))['id']}/notes" if what == "notes" else what


@pytest.mark.parametrize("what", KINDS)
def test_a_row_is_made_read_changed_hidden_and_brought_back(stage: Stage, what: str) -> None:
    async def act(data: Data) -> None:
        path, (body, change) = await path_of(data, what), KINDS[what]
        answer = await data.ours.call("POST", path, json=body)
        made = answer.json()
        assert (answer.status_code, answer.headers["etag"], made["version"]) == (201, '"1"', 1)
        assert answer.headers["location"].endswith(f"/{path}/{made['id']}")
        assert made["created_by"] == data.ours.email, "who calls is kept"
        assert made | body == made and made["deleted_at"] is None
        one = f"{path}/{made['id']}"
        assert await data.viewer.got(one) == made, "viewers read"
        changed = await data.ours.call("PATCH", one, match=1, json=change)
        assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
        assert changed.json() | change == changed.json()
        outdated = await data.ours.call("PATCH", one, match=1, json=change)
        assert (*kind(outdated), outdated.headers["etag"]) == (412, "outdated", '"2"')
        assert kind(await data.ours.call("PATCH", one, json=change)) == (428, "precondition-required")
        assert kind(await data.ours.call("DELETE", one, match=1)) == (412, "outdated")
        assert (await data.ours.call("DELETE", one)).status_code == 204
        for method in ("GET", "PATCH", "DELETE"):
            gone = await data.ours.call(method, one, match="*", json=change if method == "PATCH" else None)
            assert kind(gone) == (404, f"no-such-{what[:-1]}"), method
        hidden = (await data.ours.got(f"{path}?deleted=true"))["items"]
        assert [item["id"] for item in hidden] == [made["id"]] and hidden[0]["deleted_at"] is not None
        assert made["id"] not in {item["id"] for item in (await data.ours.got(path))["items"]}
        back = await data.ours.call("POST", f"{one}/restore")
        assert (back.status_code, back.json()["deleted_at"], back.json()["version"]) == (200, None, 4)
        assert (await data.ours.call("POST", f"{one}/restore")).json() == back.json(), "once more changes nothing"
        assert kind(await data.ours.call("POST", f"{path}/{MISSING}/restore")) == (404, f"no-such-{what[:-1]}")

    play(stage, act)


def test_what_is_below_a_project_is_hidden_with_it(stage: Stage) -> None:
    async def act(data: Data) -> None:
        project = await data.ours.made("projects", name="Apollo")
        notes = f"projects/{project['id']}/notes"
        note = await data.ours.made(notes, title="First")
        document = await data.ours.made("documents", name="Plan", content="x", project_id=project["id"])
        assert await data.ours.names(f"documents?project_id={project['id']}") == ["Plan"]
        assert (await data.ours.call("DELETE", f"projects/{project['id']}")).status_code == 204
        assert kind(await data.ours.call("GET", f"{notes}/{note['id']}")) == (404, "no-such-note")
        assert kind(await data.ours.call("GET", notes)) == (404, "no-such-project")
        assert kind(await data.ours.call("POST", notes, json={"title": "late"})) == (404, "no-such-project")
        assert kind(await data.ours.call("GET", f"documents/{document['id']}")) == (404, "no-such-document")
        assert await data.ours.names("documents") == []
        late = {"name": "late", "content": "x", "project_id": project["id"]}
        assert kind(await data.ours.call("POST", "documents", json=late)) == (404, "no-such-project")
        await data.ours.call("POST", f"projects/{project['id']}/restore")
        assert await data.ours.names(notes, "title") == ["First"]
        assert await data.ours.names("documents") == ["Plan"]
        other = await data.ours.made("projects", name="Gemini")
        assert kind(await data.ours.call("GET", f"projects/{other['id']}/notes/{note['id']}")) == (404, "no-such-note")

    play(stage, act)


@pytest.mark.parametrize("what", ["projects", "documents"])
def test_a_name_is_taken_once_among_the_living(stage: Stage, what: str) -> None:
    async def act(data: Data) -> None:
        body = KINDS[what][0]
        made = await data.ours.made(what, **body)
        assert kind(await data.ours.call("POST", what, json=body)) == (409, "name-taken")
        other = await data.ours.made(what, **(body | {"name": "Other"}))
        renamed = await data.ours.call("PATCH", f"{what}/{other['id']}", match=1, json={"name": body["name"]})
        assert kind(renamed) == (409, "name-taken")
        await data.ours.call("DELETE", f"{what}/{made['id']}")
        await data.ours.made(what, **body)
        assert kind(await data.ours.call("POST", f"{what}/{made['id']}/restore")) == (409, "name-taken")

    play(stage, act)


def test_search_finds_what_holds_each_of_the_words(stage: Stage) -> None:
    async def act(data: Data) -> None:
        for name, content in (("One", "the quick brown fox"), ("Two", "a Brown dog"), ("Three", "nothing'); --")):
            await data.ours.made("documents", name=name, content=content)
        await data.theirs.made("documents", name="Theirs", content="brown fox")
        for words, found in {"brown": ["Two", "One"], "fox BROWN": ["One"], "two": ["Two"], "bro": [], "wolf": [],
                             "!!! ' ) | & :*": [], "": ["Three", "Two", "One"]}.items():  # fmt: skip
            answer = await data.ours.got("documents", params={"q": words})
            assert [item["name"] for item in answer["items"]] == found, words
            assert all("content" not in item and item["size"] > 0 for item in answer["items"]), "pages are small"
        assert kind(await data.ours.call("GET", "documents", params={"q": "a\0b"})) == (422, "invalid-request")

    play(stage, act)


def test_pages_follow_one_another_and_a_cursor_fits_its_own_query_alone(stage: Stage) -> None:
    async def act(data: Data) -> None:
        for number in range(5):
            await data.ours.made("projects", name=f"P{number}")
        seen, cursor = list[str](), ""
        while len(seen) < 9:
            page = await data.ours.got("projects", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
            seen += [item["name"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
            last = cursor
        assert seen == ["P4", "P3", "P2", "P1", "P0"], "newest first, each once"
        tampered = {
            "flipped": ("B" if last[20] != "B" else "C").join((last[:20], last[21:])), "short": last[:-4],
            "padded": last + "==", "long": last + "AAAA", "empty": "", "text": "not a cursor", "unicode": "é" * 54,
        }  # fmt: skip
        wrong = [{"cursor": value} for value in tampered.values()]
        wrong += [{"cursor": last, "q": "P1"}, {"cursor": last, "deleted": "true"}]
        for query in wrong:
            assert kind(await data.ours.call("GET", "projects", params=query)) == (400, "bad-cursor"), query
        assert kind(await data.ours.call("GET", f"documents?cursor={last}")) == (400, "bad-cursor"), "another list's"
        assert kind(await data.theirs.call("GET", f"projects?cursor={last}")) == (400, "bad-cursor"), "another's"
        assert (await data.viewer.got(f"projects?cursor={last}"))["items"], "a colleague goes on with it"

    play(stage, act)


REFUSED: dict[str, list[dict[str, Any]]] = {
    "projects": [
        {}, {"name": ""}, {"name": " \t"}, {"name": "a\nb"}, {"name": "a\0"}, {"name": 3}, {"name": "x" * 201},
        {"name": "x", "org_id": 1}, {"name": "x", "id": MISSING}, {"name": "x", "created_by": "eve"},
        {"name": "x", "description": "\ud800"}, {"name": "x", "description": "y" * 4001},
    ],
    "documents": [
        {"name": "x"}, {"name": "x", "content": None}, {"name": "x", "content": "a\0"},
        {"name": "x", "content": "é" * 131073},
        {"name": "x", "content": "y", "media_type": "text"}, {"name": "x", "content": "y", "project_id": "nothing"},
    ],
}  # fmt: skip


def test_what_cannot_be_kept_is_refused(stage: Stage) -> None:
    async def act(data: Data) -> None:
        json_type = {"Content-Type": "application/json"}
        for path, bodies in REFUSED.items():
            for body in bodies:
                answer = await data.ours.call("POST", path, content=json.dumps(body), headers=json_type)
                assert kind(answer) == (422, "invalid-request"), (path, str(body)[:60])
            assert (await data.ours.got(path))["items"] == []
        empty = await data.ours.call("PATCH", f"projects/{MISSING}", match="*", json={})
        assert kind(empty) == (422, "invalid-request")

    play(stage, act)


def test_large_documents_fit_as_far_as_they_may(stage: Stage) -> None:
    async def act(data: Data) -> None:
        content = "né " * 65536  # 256 KiB in UTF-8, more as JSON
        made = await data.ours.made("documents", name="large", content=content)
        assert made["size"] == 256 * 1024
        assert (await data.ours.got(f"documents/{made['id']}"))["content"] == content

    play(stage, act)


def test_who_may_not_is_told_so(stage: Stage) -> None:
    async def act(data: Data) -> None:
        project = await data.ours.made("projects", name="Apollo")
        assert kind(await data.viewer.call("POST", "projects", json={"name": "x"})) == (403, "forbidden")
        for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/restore")):
            answer = await data.viewer.call(method, f"projects/{project['id']}{path}", match="*", json={"name": "x"})
            assert kind(answer) == (403, "forbidden"), method
        url = f"/v1/organizations/{data.ours.slug}/projects"
        assert kind(await data.ours.replica.client.get(url)) == (401, "unauthorized")
        assert kind(await data.ours.replica.client.get(url, headers=OPERATOR)) == (403, "forbidden"), (
            "not staff's to read"
        )

    play(stage, act)


def test_of_changes_at_once_one_wins_and_the_others_are_told(stage: Stage) -> None:
    async def act(data: Data) -> None:
        made = await data.ours.made("projects", name="Apollo")
        changes = [data.ours.call("PATCH", f"projects/{made['id']}", match=1, json={"name": f"P{n}"}) for n in range(6)]
        assert sorted(answer.status_code for answer in await asyncio.gather(*changes)) == [200] + [412] * 5
        assert (await data.ours.got(f"projects/{made['id']}"))["version"] == 2
        same = [data.ours.call("POST", "documents", json={"name": "Plan", "content": "x"}) for _ in range(6)]
        assert sorted(answer.status_code for answer in await asyncio.gather(*same)) == [201] + [409] * 5

    play(stage, act)
