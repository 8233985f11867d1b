"""Another organization's projects, notes and documents: answered as what does not exist, by the same way."""

import uuid

import psycopg
import pytest
from psycopg.rows import dict_row

from database.sql import query
from database.tenant_rows import NEWEST
from tests.integration.prepared import FOREIGN, OURS, Prepared
from tests.integration.service.conftest import Stage
from tests.integration.service.data_stage import MISSING, Data, kind, play, told

ONE = ("read", "change", "remove", "restore")
PAGES = ("living", "deleted")


def test_what_another_organization_has_is_answered_as_what_nobody_has(stage: Stage) -> None:
    async def act(data: Data) -> None:
        project = await data.theirs.made("projects", name="Secret project")
        note = await data.theirs.made(f"projects/{project['id']}/notes", title="Secret note")
        document = await data.theirs.made("documents", name="Secret document", content="hidden")
        notes = f"projects/{(await data.ours.made('projects', name='Ours'))['id']}/notes"
        tries = [
            ("GET", "projects/{}", project, None), ("PATCH", "projects/{}", project, {"name": "Mine"}),
            ("DELETE", "projects/{}", project, None), ("POST", "projects/{}/restore", project, None),
            ("GET", "projects/{}/notes", project, None), ("POST", "projects/{}/notes", project, {"title": "x"}),
            ("GET", f"{notes}/{{}}", note, None), ("DELETE", f"{notes}/{{}}", note, None),
            ("PATCH", f"{notes}/{{}}", note, {"title": "Mine"}),
            ("GET", "documents/{}", document, None), ("PATCH", "documents/{}", document, {"name": "Mine"}),
            ("DELETE", "documents/{}", document, None), ("POST", "documents/{}/restore", document, None),
            ("GET", "documents?project_id={}", project, None),
        ]  # fmt: skip
        for method, path, row, body in tries:
            there = await data.ours.call(method, path.format(row["id"]), json=body, match="*")
            nowhere = await data.ours.call(method, path.format(MISSING), json=body, match="*")
            one, two = told(there), told(nowhere)
            assert str(one).replace(row["id"], MISSING) == str(two), f"{method} {path}"
            assert one[0] == 404 or one[1] == {"items": [], "next": None}, f"{method} {path}"
        within = {"name": "x", "content": "y", "project_id": project["id"]}
        assert kind(await data.ours.call("POST", "documents", json=within)) == (404, "no-such-project")
        for name in ("Secret project", "Ours too"):
            assert (await data.ours.call("POST", "projects", json={"name": name})).status_code == 201, name
        assert await data.theirs.got(f"projects/{project['id']}") == project, "nothing of it was changed"
        assert await data.ours.names("projects?q=secret") == ["Secret project"], "its own alone"

    play(stage, act)


def test_another_organizations_path_is_answered_as_nobodys(stage: Stage) -> None:
    async def act(data: Data) -> None:
        for path in ("projects", f"projects/{MISSING}", "documents", f"projects/{MISSING}/notes"):
            theirs = told(await data.ours.call("GET", path, slug=data.theirs.slug))
            nobodys = told(await data.ours.call("GET", path, slug="nobody-has-this"))
            assert str(theirs).replace(data.theirs.slug, "nobody-has-this") == str(nobodys), path
            assert theirs[0] == 404, path

    play(stage, act)


@pytest.mark.parametrize("table", ["projects", "notes", "documents"])
def test_not_found_has_one_plan_whether_another_has_it_or_nobody(prepared: Prepared, table: str) -> None:
    """Plans with what was really done, of the service's own queries: not times, which prove little."""
    with psycopg.connect(prepared.platform, row_factory=dict_row) as platform:
        platform.execute(f"analyze tenancy.{table}")
        row = platform.execute(f"select * from tenancy.{table} where org_id = %s", [prepared.foreign]).fetchone()
        assert row is not None
    nowhere = {"id": uuid.uuid4(), "project_id": uuid.uuid4(), "words": "nowherex"}
    said = str(row.get("body") or row.get("content") or row.get("description"))
    there = {"id": row["id"], "project_id": row.get("project_id"), "words": said}
    if table == "documents":
        there["project_id"] = nowhere["project_id"]
    for name in (*ONE, *PAGES):
        one, two = (_plan(prepared, f"{table}.{name}", values) for values in (there, nowhere))
        assert one == two, name


def _plan(prepared: Prepared, name: str, values: dict[str, object]) -> list[str]:
    more = dict.fromkeys(("name", "description", "title", "body", "media_type", "content", "version"))
    page = {"at": NEWEST.at, "before": NEWEST.id, "most": 51}
    with psycopg.connect(prepared.application) as connection:
        connection.execute("select set_config('app.current_org', %s, true)", [str(prepared.ours)])
        words = None if name.split(".")[1] in ONE else values["words"]
        explain = f"explain (analyze, timing off, summary off) {query(name)}"
        found = connection.execute(explain, {**more, **page, **values, "words": words}).fetchall()  # type: ignore[arg-type]
        connection.rollback()
    text = "\n".join(line for (line,) in found)
    for value in values.values():
        text = text.replace(str(value), "?")
    return text.splitlines()


@pytest.mark.parametrize("slug", [OURS, FOREIGN])
def test_pods_write_their_own_rows_and_nothing_that_the_service_decides(prepared: Prepared, slug: str) -> None:
    with psycopg.connect(prepared.tenants[slug], row_factory=dict_row) as pod:
        made = pod.execute("insert into tenancy.projects (name) values ('by a pod') returning *").fetchone()
        assert made is not None and made["org_id"] == prepared.organizations[slug]
        assert made["created_by"].startswith("tenant_"), "the login is the author"
        changed = pod.execute(
            "update tenancy.projects set name = 'again' where id = %s returning *", [made["id"]]
        ).fetchone()
        assert changed is not None and changed["version"] == 2, "the version counts by itself, and so If-Match holds"
        note = pod.execute("insert into tenancy.notes (project_id, title) values (%s, 'n') returning id", [made["id"]])
        assert note.fetchone()
        for statement in ("set version = 9", "set org_id = 1", "set id = gen_random_uuid()", "set created_by = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), pod.transaction():
                pod.execute(f"update tenancy.projects {statement} where id = %s", [made["id"]])
        with pytest.raises(psycopg.errors.InsufficientPrivilege), pod.transaction():
            pod.execute("lock table tenancy.notes in access exclusive mode")
        erased = pod.execute("select tenancy.erase('projects', %s) as done", [made["id"]]).fetchone()
        assert erased == {"done": True}
        assert pod.execute("select from tenancy.notes where project_id = %s", [made["id"]]).fetchall() == []
        pod.rollback()


def test_a_pod_erases_no_row_of_another_organization(prepared: Prepared) -> None:
    with psycopg.connect(prepared.platform) as platform, psycopg.connect(prepared.tenants[OURS]) as pod:
        rows = platform.execute("select id from tenancy.notes where org_id = %s", [prepared.foreign]).fetchall()
        for (row_id,) in [*rows, (uuid.uuid4(),)]:
            assert pod.execute("select tenancy.erase('notes', %s)", [row_id]).fetchone() == (False,)
        pod.commit()
        assert platform.execute("select id from tenancy.notes where org_id = %s", [prepared.foreign]).fetchall() == rows


def test_truncate_is_refused_to_the_owner_too(prepared: Prepared) -> None:
    with psycopg.connect(prepared.platform) as platform:
        for table in ("projects", "notes", "documents"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), platform.transaction():
                platform.execute(f"truncate tenancy.{table} cascade")
