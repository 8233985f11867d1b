"""Invitations: mailed, replaced, withdrawn, accepted once; and the platform's staff."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from database.errors import InvitationOver, TokenRevoked
from service import invitations
from service.access import Access
from service.idempotency import Asking
from service.reserving import reserve_when_free
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug, signed_up
from tests.integration.service.identity_stage import bearer, letters, mailed_token
from tests.integration.service.killing import waiting_for_its_turn
from tests.integration.service.people import Headers, headers_of, joined, roles, staff_of

PASSWORD = "seven sturdy wooden boats"


def mailed(stage: Stage, to: str) -> list[str]:
    """The texts of messages to an address, oldest first."""
    assert stage.mail is not None
    return letters(stage.mail, to)


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


async def invite(replica: Replica, who: Headers, slug: str, to: str, role: str = "member") -> Any:
    path, body = f"/v1/organizations/{slug}/invitations", {"email": to, "role": role}
    answer = await replica.client.post(path, json=body, headers=who)
    await replica.settled()
    return answer


async def accept(replica: Replica, token: str, **password: str) -> Any:
    return await replica.client.post("/v1/auth/invitations/accept", json={"token": token, **password})


def mailing(stage: Stage, folder: Path) -> Stage:
    return Stage(stage.prepared, stage.settings, stage.connect, folder)


def test_an_invitation_is_mailed_and_makes_a_member_with_an_account(real: Stage, tmp_path: Path) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    bob = f"bob@{slug}.example"

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        ada = await headers_of(replica, "ada@acme.example", slug)
        made = await invite(replica, ada, slug, bob)
        assert (made.status_code, made.json()["email"], made.json()["role"]) == (201, bob, "member"), made.text
        (text,) = mailed(stage, bob)
        token = mailed_token(text)
        kept = stage.rows("select * from tenancy.invitations where email = %s", bob)
        assert token not in str(kept), "no more than its hash is kept"
        assert kind(await accept(replica, token)) == (422, "password-needed"), "there is no account"
        assert kind(await accept(replica, token, password="short")) == (422, "weak-password")
        assert bob not in roles(stage, slug), "not before it was accepted whole"
        answer = await accept(replica, token, password=PASSWORD)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["organization"], answer.json()["role"]) == (slug, "member")
        assert (await accept(replica, token)).json() == answer.json(), "a lost answer is told again"
        body = {"email": bob, "password": PASSWORD}
        tokens = (await replica.client.post("/v1/auth/login", json=body)).json()
        assert tokens["organization"]["role"] == "member"
        mine = bearer(tokens["access_token"])
        assert (await replica.client.get(f"/v1/organizations/{slug}", headers=mine)).status_code == 200
        removed = await replica.client.delete(f"/v1/organizations/{slug}/members/{bob}?reason=out", headers=ada)
        assert removed.status_code == 200
        await accept(replica, token)
        assert bob not in roles(stage, slug), "an old invitation brings nobody back"
        assert kind(await invite(replica, ada, slug, "ada@acme.example")) == (409, "already-a-member")

    stage.play(act)


def test_a_second_invitation_replaces_the_first_and_one_that_was_withdrawn_counts_no_more(
    real: Stage, tmp_path: Path
) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    eve = f"eve@{slug}.example"

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        ada, place = await headers_of(replica, "ada@acme.example", slug), f"/v1/organizations/{slug}/invitations"
        await headers_of(replica, eve)  # she has an account
        await invite(replica, ada, slug, eve, "viewer")
        second = (await invite(replica, ada, slug, eve, "admin")).json()
        first_text, second_text = mailed(stage, eve)
        assert kind(await accept(replica, mailed_token(first_text))) == (404, "no-such-invitation")
        listed = (await replica.client.get(place, headers=ada)).json()["items"]
        assert [(one["id"], one["role"]) for one in listed] == [(second["id"], "admin")]
        assert (await replica.client.delete(f"{place}/{second['id']}", headers=ada)).status_code == 204
        assert kind(await replica.client.delete(f"{place}/{second['id']}", headers=ada)) == (404, "no-such-invitation")
        assert kind(await accept(replica, mailed_token(second_text))) == (404, "no-such-invitation")
        await invite(replica, ada, slug, eve, "admin")
        answer = await accept(replica, mailed_token(mailed(stage, eve)[-1]))
        assert (answer.status_code, answer.json()["role"]) == (200, "admin"), "who has an account needs no password"
        eves = await headers_of(replica, eve, slug)
        assert kind(await invite(replica, eves, slug, "x@evil.example", "owner")) == (403, "forbidden")
        waiting = (await invite(replica, eves, slug, "x@evil.example", "viewer")).json()
        removed = await replica.client.delete(f"/v1/organizations/{slug}/members/{eve}?reason=out", headers=ada)
        assert removed.status_code == 200, removed.text
        assert (await replica.client.get(place, headers=ada)).json()["items"] == [], "with her go her invitations"
        assert kind(await accept(replica, mailed_token(mailed(stage, waiting["email"])[0]))) == (
            404,
            "no-such-invitation",
        )

    stage.play(act)


def test_an_acceptance_that_did_not_get_through_leaves_an_invitation_that_can_be_withdrawn(
    real: Stage, tmp_path: Path
) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    eve, bob = f"eve@{slug}.example", f"bob@{slug}.example"

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        ada, place = await headers_of(replica, "ada@acme.example", slug), f"/v1/organizations/{slug}"
        for email in (eve, bob):
            await headers_of(replica, email)
        made = (await invite(replica, ada, slug, eve, "admin")).json()
        await invite(replica, ada, slug, bob)
        token = mailed_token(mailed(stage, eve)[0])
        replica.engines.hold_converge = asyncio.Event()
        patch = {"retention_days": 90, "reason": "keeps it busy"}
        busy = await replica.client.patch(place, json=patch, headers=ada)
        assert busy.status_code == 202, busy.text
        assert kind(await accept(replica, token)) == (409, "busy")
        listed = (await replica.client.get(f"{place}/invitations", headers=ada)).json()["items"]
        assert [one["email"] for one in listed] == [bob, eve], "it still waits"
        waits = waiting_for_its_turn(replica)
        late = asyncio.create_task(accept(replica, token))
        await waits.wait()
        gone = await replica.client.delete(f"{place}/invitations/{made['id']}", headers=ada)
        assert gone.status_code == 204, gone.text
        replica.engines.hold_converge.set()
        assert kind(await late) in [(404, "no-such-invitation"), (409, "busy")]
        await replica.settled()
        assert kind(await accept(replica, token)) == (404, "no-such-invitation")
        token = mailed_token(mailed(stage, bob)[0])
        answer = await accept(replica, token)
        assert answer.status_code in (200, 202), answer.text
        await replica.settled()
        assert (await accept(replica, token)).status_code == 200, "accepted, it is told again"

    stage.play(act, wait_limit=0.3)
    assert roles(stage, slug) == {"ada@acme.example": "owner", bob: "member"}
    entries = stage.rows(
        "select actor from tenancy.audit_log where action = 'invitation accepted' and target = %s", bob
    )
    assert entries == [{"actor": bob}]


def test_an_invitation_that_is_withdrawn_on_its_way_to_the_reservation_leads_to_nothing(
    real: Stage, tmp_path: Path
) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    eve = f"eve@{slug}.example"

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await headers_of(replica, eve)
        place = f"/v1/organizations/{slug}/invitations"
        made = (await invite(replica, OPERATOR, slug, eve)).json()
        accepted = await invitations.accept(replica.services, mailed_token(mailed(stage, eve)[0]), None)
        assert (await replica.client.delete(f"{place}/{made['id']}", headers=OPERATOR)).status_code == 204
        asked = Asking(eve, made["id"], "hash", "request", invitation_id=made["id"])
        with pytest.raises(InvitationOver):
            await reserve_when_free(replica.services, slug, partial(accepted.wish, asked))

    stage.play(act)
    assert [one["kind"] for one in stage.operations(slug)] == ["create"]


def test_who_may_invite_no_more_leaves_no_invitation_behind(real: Stage, tmp_path: Path) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    eve = "eve@acme.example"

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, eve="owner")
        ada, eves = [await headers_of(replica, email, slug) for email in ("ada@acme.example", eve)]
        place = f"/v1/organizations/{slug}"
        for role in ("owner", "admin", "member", "viewer"):
            assert (await invite(replica, eves, slug, f"{role}@{slug}.example", role)).status_code == 201
        old = Access("none", verifier=replica.services.identity.verifier)._person(eves["Authorization"][7:])
        body = {"role": "admin", "reason": "less"}
        changed = await replica.client.put(f"{place}/members/{eve}", json=body, headers=ada)
        assert changed.status_code == 200, changed.text
        listed = (await replica.client.get(f"{place}/invitations", headers=ada)).json()["items"]
        assert [one["role"] for one in listed] == ["member", "viewer"], "an admin invites no owner and no admin"
        with pytest.raises(TokenRevoked):  # let in just before
            await invitations.invite(replica.services, old, slug, "x@evil.example", "owner", "late")

    stage.play(act)


def test_an_admin_replaces_no_invitation_that_only_an_owner_may_take_back(real: Stage, tmp_path: Path) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    bob = f"bob@{slug}.example"

    async def act(replica: Replica) -> None:
        await signed_up(replica, slug)
        await joined(replica, slug, eve="admin")
        ada, eve = [await headers_of(replica, f"{name}@acme.example", slug) for name in ("ada", "eve")]
        await invite(replica, ada, slug, bob, "owner")
        assert kind(await invite(replica, eve, slug, bob, "viewer")) == (403, "forbidden")
        listed = (await replica.client.get(f"/v1/organizations/{slug}/invitations", headers=ada)).json()["items"]
        assert [one["role"] for one in listed] == ["owner"]
        assert (await invite(replica, ada, slug, bob, "viewer")).status_code == 201

    stage.play(act)


def test_nobody_is_flooded_with_invitations(real: Stage, tmp_path: Path) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        answers = [await invite(replica, OPERATOR, slug, f"bob@{slug}.example") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [201] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) > 60
        assert (await invite(replica, OPERATOR, slug, f"eve@{slug}.example")).status_code == 201, "others are not kept"

    stage.play(act)
    assert len(mailed(stage, f"bob@{slug}.example")) == 5


def test_two_who_accept_at_the_same_time_become_one_member(real: Stage, tmp_path: Path) -> None:
    slug, stage = new_slug("inv"), mailing(real, tmp_path)
    bob = f"bob@{slug}.example"

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        await invite(replica, OPERATOR, slug, bob)
        token = mailed_token(mailed(stage, bob)[0])
        answers = await asyncio.gather(*(accept(replica, token, password=PASSWORD) for _ in range(3)))
        assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
        assert roles(stage, slug)[bob] == "member"

    stage.play(act)
    assert len([one for one in stage.operations(slug) if one["kind"] == "change"]) == 1


def test_who_signs_up_is_mailed_a_token_for_a_first_password(stage: Stage) -> None:
    slug = new_slug("inv")
    owner = f"owner@{slug}.example"

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug, owner_email=owner)
        await replica.settled()
        (text,) = mailed(stage, owner)
        body = {"token": mailed_token(text), "password": PASSWORD}
        assert (await replica.client.post("/v1/auth/password", json=body)).status_code == 204
        login = {"email": owner, "password": PASSWORD}
        told = (await replica.client.post("/v1/auth/login", json=login)).json()
        assert told["organization"] == {"slug": slug, "name": slug, "role": "owner"}, told

    stage.play(act)


def test_staff_come_by_mail_and_go_at_once(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        root, hal = await staff_of(replica, "operator"), "hal@staff.example"
        path = f"/v1/platform/staff/{hal}"
        answer = await replica.client.put(path, json={"role": "operator", "reason": "hired"}, headers=root)
        assert answer.json() == {"email": hal, "role": "operator"}, answer.text
        await replica.settled()
        mailed_token(mailed(stage, hal)[0])
        listed = (await replica.client.get("/v1/platform/staff", headers=root)).json()["items"]
        assert {"email": hal, "role": "operator", "has_account": False, "disabled": False} in listed
        hals = await headers_of(replica, hal)
        assert (await replica.client.get("/v1/organizations", headers=hals)).status_code == 200
        gone = await replica.client.put(path, json={"role": None, "reason": "left"}, headers=root)
        assert gone.status_code == 200
        assert (await replica.client.get("/v1/organizations", headers=hals)).status_code == 401, "at once"
        assert kind(await replica.client.get("/v1/organizations", headers=await headers_of(replica, hal))) == (
            403, "forbidden"
        )  # fmt: skip
        odd = await replica.client.put("/v1/platform/staff/Hal", json={"role": None, "reason": "x"}, headers=root)
        assert kind(odd) == (422, "invalid-request")

    stage.play(act)
