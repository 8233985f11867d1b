"""Each route against each role: refused where the table of permissions says so, let in where it does not."""

from collections.abc import Iterator
from typing import Any

import httpx2
from fastapi import FastAPI

from service.organization_routes import NEEDED as OF_FIELDS
from tenants.permissions import PLATFORM_ROLES, ROLES, permissions_of
from tests.integration.service.access_table import (
    FILLED,
    IN_ORGANIZATIONS,
    KNOWN,
    NEEDED,
    PUBLIC,
    Needed,
)
from tests.integration.service.conftest import Replica, Stage, new_slug
from tests.integration.service.people import Headers, headers_of, staff_of


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every method and path of the application, those outside its document too."""

    def walk(found: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
        for route in found:
            if inner := getattr(route, "original_router", None):
                yield from walk(inner.routes, prefix + route.include_context.prefix)
            else:
                yield from ((method, prefix + route.path) for method in route.methods or () if method != "HEAD")

    return set(walk(app.routes))


async def ask(replica: Replica, route: tuple[str, str], needed: Needed, slug: str, who: Headers) -> httpx2.Response:
    """Send the request of the table."""
    path = route[1].replace("{key:path}", "{key}").format(slug=slug, **FILLED)
    return await replica.client.request(
        route[0], f"{path}?{needed.query}", json=needed.body, headers={**needed.headers, **who}
    )


def told(answer: httpx2.Response, slug: str) -> tuple[int, str]:
    """What an answer says, whichever slug was asked for."""
    body = answer.json()
    body.pop("request_id")
    return answer.status_code, str(sorted(body.items())).replace(slug, "<slug>")


async def people(replica: Replica, stage: Stage, slug: str) -> dict[str, Headers]:
    """Somebody of each role in an organization of their own, of each role on the platform, and of none."""
    answer = await replica.sign_up(slug)
    assert answer.status_code == 201, answer.text
    await replica.settled()
    for role in ROLES[1:]:
        stage.rows("insert into tenancy.memberships select id, %s, %s from tenancy.organizations where slug = %s "
                   "returning email", f"{role}@{slug}.example", role, slug)  # fmt: skip
    found = {role: await headers_of(replica, f"{role}@{slug}.example", slug) for role in ROLES[1:]}
    found["owner"] = await headers_of(replica, "ada@acme.example", slug)
    staff = {role: await staff_of(replica, role) for role in PLATFORM_ROLES}
    return {**found, **staff, "": await headers_of(replica, f"nobody@{slug}.example")}


def test_every_route_is_public_or_needs_a_permission_of_the_table(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        listed = set(NEEDED) | KNOWN | PUBLIC
        there = routes(replica.app)
        assert there - listed == set(), "a new route: say in access_table.py who may use it"
        assert listed - there == set(), "gone, or spelled otherwise"
        for route, needed in NEEDED.items():
            assert any(needed.permission in permissions_of(role) for role in (*ROLES, *PLATFORM_ROLES)), route

    stage.play(act)


def test_each_role_is_let_in_exactly_where_it_has_the_permission(stage: Stage) -> None:
    slug, wrong = new_slug("roles"), []

    async def act(replica: Replica) -> None:
        for role, who in (await people(replica, stage, slug)).items():
            for route, needed in NEEDED.items():
                may = needed.permission in permissions_of(role)
                if may and not needed.tried:
                    continue
                answer = await ask(replica, route, needed, slug, who)
                outside = not role and route in IN_ORGANIZATIONS
                refused = (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) if not may else None
                if may and answer.status_code in (401, 403, 500):
                    wrong.append(f"{role} is not let in: {route} {answer.status_code} {answer.text}")
                elif not may and refused != ((404, "no-such-organization") if outside else (403, "forbidden")):
                    wrong.append(
                        f"{role or 'nobody'} is not refused as is right: {route} {answer.status_code} {answer.text}"
                    )
        for route, needed in NEEDED.items():
            answer = await ask(replica, route, needed, slug, {})
            if answer.status_code != 401:
                wrong.append(f"without a token: {route} {answer.status_code} {answer.text}")

    stage.play(act)
    assert not wrong, "\n".join(wrong)


def test_another_organization_is_answered_as_one_that_does_not_exist(stage: Stage) -> None:
    slug, foreign, nobodys = new_slug("here"), new_slug("there"), new_slug("nowhere")

    async def act(replica: Replica) -> None:
        for each in (slug, foreign):
            assert (await replica.sign_up(each)).status_code == 201
        await replica.settled()
        owner = await headers_of(replica, "ada@acme.example", slug)
        for route, needed in IN_ORGANIZATIONS.items():
            there = await ask(replica, route, needed, foreign, owner)
            nowhere = await ask(replica, route, needed, nobodys, owner)
            assert there.status_code == 404, f"{route}: {there.text}"
            assert told(there, foreign) == told(nowhere, nobodys), f"{route} tells whether it exists"
        operation = (await replica.get(f"/v1/organizations/{foreign}"))["operation_id"]
        unknown = await replica.client.get(f"/v1/operations/{FILLED['project_id']}", headers=owner)
        found = await replica.client.get(f"/v1/operations/{operation}", headers=owner)
        assert told(found, operation) == told(unknown, operation) and found.status_code == 404, "nor its operations"

    stage.play(act)


VALUES = {
    "name": "New", "labels": {"tier": "gold"}, "retention_days": 60, "configs": {}, "plan": "business",
    "protected": False, "members": [{"email": "ada@acme.example", "role": "owner"}], "database": {"rotation": 2},
    "network": {"allow_from": ["ours"]},
}  # fmt: skip


def test_each_field_of_a_change_needs_its_own_permission(stage: Stage) -> None:
    slug = new_slug("field")
    assert set(VALUES) == set(OF_FIELDS), "every field is tried"

    async def act(replica: Replica) -> None:
        found = await people(replica, stage, slug)
        for role in (*ROLES, *PLATFORM_ROLES):
            for field, value in VALUES.items():
                answer = await patch(replica, slug, found[role], {field: value})
                expected = 412 if OF_FIELDS[field] in permissions_of(role) else 403
                assert answer.status_code == expected, f"{role} changes {field}: {answer.text}"
        exposed = {"network": {"expose": ["LoadBalancer"]}}
        answer = await patch(replica, slug, found["owner"], exposed, tag="*")
        assert answer.json()["permission"] == "network:expose", "ports are opened to the world by operators"
        assert (await patch(replica, slug, found["operator"], exposed)).status_code == 412
        alone = {"configs": {"api/mode": "maintenance"}}
        answer = await patch(replica, slug, found["admin"], alone, tag="*")
        assert answer.json()["type"].endswith("/needs-approval"), "no way around the second person"

    async def patch(replica: Replica, slug: str, who: Headers, change: dict[str, Any], tag: str = '"old"') -> Any:
        body = {**change, "reason": "a test"}
        return await replica.client.patch(f"/v1/organizations/{slug}", json=body, headers={**who, "If-Match": tag})

    stage.play(act)


def test_an_idempotency_key_belongs_to_its_caller(stage: Stage) -> None:
    slug = new_slug("keys")

    async def act(replica: Replica) -> None:
        found = await people(replica, stage, slug)

        async def rename(role: str, name: str) -> Any:
            body, key = {"name": name, "reason": "a test"}, {"Idempotency-Key": "the-same"}
            return await replica.client.patch(f"/v1/organizations/{slug}", json=body, headers=found[role] | key)

        first, second = await rename("owner", "Alpha"), await rename("admin", "Beta")
        assert (first.status_code, second.status_code) == (200, 200), second.text
        assert first.json()["operation_id"] != second.json()["operation_id"], "each has one of their own"
        assert (await rename("owner", "Alpha")).json() == first.json()

    stage.play(act)
    assert [one["caller"] for one in stage.operations(slug)[1:]] == ["ada@acme.example", f"admin@{slug}.example"]
