"""The audit log: every act with who, when, what and why; whoever tampers with it is found out."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.integration.prepared import Prepared
from tests.integration.service.conftest import OPERATOR, Replica, Stage, new_slug
from tests.integration.service.people import headers_of

Transaction = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def tampering(prepared: Prepared, org_id: int) -> Iterator[Transaction]:
    """As the tables' owner, with triggers off and five entries to work on; all of it is taken back."""
    with psycopg.connect(prepared.platform) as connection:
        for number in range(5):
            connection.execute("select tenancy.audit(%s, 'tried', %s, null, null)", [org_id, f"act {number}"])
        assert flaws(connection, org_id) == [], "whole before"
        connection.execute("alter table tenancy.audit_log disable trigger user")
        yield connection
        connection.rollback()


def flaws(connection: Transaction, org_id: int) -> list[str]:
    """What verification says."""
    return [text for (text,) in connection.execute("select problem from tenancy.verify_audit(%s)", [org_id])]


LAST = "(select max(seq) from tenancy.audit_log where org_id = %(org)s)"
INSERTED = (
    "insert into tenancy.audit_log (org_id, seq, at, actor, action, target, reason, request_id, previous, hash) "
    "select org_id, seq + 1, at, 'nobody', action, target, reason, request_id, hash, "
    f"sha256(hash || convert_to('forged', 'UTF8')) from tenancy.audit_log where org_id = %(org)s and seq = {LAST}"
)


@pytest.mark.parametrize(
    ("how", "statements", "words"),
    [
        ("changed", [f"update tenancy.audit_log set actor = 'eve' where org_id = %(org)s and seq = {LAST} - 2"],
         "changed after it was written"),
        ("its time changed", [f"update tenancy.audit_log set at = at - interval '1 day' where org_id = %(org)s and "
                              f"seq = {LAST} - 1"], "changed after it was written"),
        ("removed", [f"delete from tenancy.audit_log where org_id = %(org)s and seq = {LAST} - 1"], "missing"),
        ("the tail cut", [f"delete from tenancy.audit_log where org_id = %(org)s and seq = {LAST}"], "newest entries"),
        ("the tail and the head cut", [
            f"delete from tenancy.audit_log where org_id = %(org)s and seq = {LAST}",
            f"update tenancy.audit_heads set seq = {LAST} where org_id = %(org)s",
        ], "the head was changed"),
        ("inserted", [INSERTED], "newest entries"),
        ("rehashed", [
            f"update tenancy.audit_log l set reason = 'better', hash = sha256(l.previous || 'x'::bytea) "
            f"where org_id = %(org)s and seq = {LAST} - 1",
        ], "does not follow"),
        ("all of it removed", ["delete from tenancy.audit_log where org_id = %(org)s"], "newest entries"),
    ],
)  # fmt: skip
def test_whoever_tampers_is_found_out(prepared: Prepared, how: str, statements: list[str], words: str) -> None:
    with tampering(prepared, prepared.ours) as connection:
        for statement in statements:
            assert connection.execute(statement, {"org": prepared.ours}).rowcount, "it was done"
        assert any(words in text for text in flaws(connection, prepared.ours)), how
        assert flaws(connection, prepared.foreign) == [], "another chain is whole"


def test_a_chain_that_was_rewritten_as_a_whole_is_told_by_a_head_that_was_exported_before(prepared: Prepared) -> None:
    with tampering(prepared, prepared.ours) as connection:
        head = connection.execute(
            "select seq, hash from tenancy.audit_heads where org_id = %s", [prepared.ours]
        ).fetchone()
        assert head is not None
        connection.execute("delete from tenancy.audit_log where org_id = %s", [prepared.ours])
        connection.execute("delete from tenancy.audit_heads where org_id = %s", [prepared.ours])
        for number in range(head[0]):
            connection.execute("select tenancy.audit(%s, 'forged', %s, null, null)", [prepared.ours, f"act {number}"])
        assert flaws(connection, prepared.ours) == [], "it holds by itself"
        kept = connection.execute("select hash from tenancy.audit_log where org_id = %s and seq = %s",
                                  [prepared.ours, head[0]]).fetchone()  # fmt: skip
        assert kept is not None and kept[0] != head[1], "but not with what was kept elsewhere"


@pytest.mark.parametrize("role", ["platform", "application"])
@pytest.mark.parametrize(
    "statement",
    [
        "update tenancy.audit_log set actor = 'eve'", "delete from tenancy.audit_log", "truncate tenancy.audit_log",
        "select tenancy.audit(1, 'forged', '', null, null)",
    ],
)  # fmt: skip
def test_nobody_changes_or_removes_entries_and_the_application_writes_none(
    prepared: Prepared, role: str, statement: str
) -> None:
    with psycopg.connect(getattr(prepared, role)) as connection:
        if role == "platform" and statement.startswith("select"):
            return  # the platform's own triggers do
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)):
            connection.execute(statement)


def test_acts_at_the_same_time_make_one_chain_without_gaps(prepared: Prepared) -> None:
    async def act(number: int) -> None:
        async with await psycopg.AsyncConnection.connect(prepared.platform) as connection:
            for _ in range(10):
                await connection.execute(
                    "select tenancy.audit(%s, 'raced', %s, null, null)", [prepared.foreign, f"{number}"]
                )
                await connection.commit()

    async def run() -> None:
        await asyncio.gather(*(act(number) for number in range(4)))

    asyncio.run(run())
    with psycopg.connect(prepared.platform) as connection:
        assert flaws(connection, prepared.foreign) == []
        counted = connection.execute("select count(*), max(seq) from tenancy.audit_log where org_id = %s",
                                     [prepared.foreign]).fetchone()  # fmt: skip
    assert counted is not None and counted[0] == counted[1] >= 40


def test_acts_are_listed_page_by_page_with_who_when_why_and_in_which_request(stage: Stage) -> None:
    slug = new_slug("audit")

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug)
        await replica.settled()
        ada, place = await headers_of(replica, "ada@acme.example", slug), f"/v1/organizations/{slug}"
        named = ada | {"X-Request-Id": "asked-" + slug, "If-None-Match": "*"}
        body = {"value": 0.42, "reason": "the answer"}
        answer = await replica.client.put(f"{place}/configs/ai/threshold", json=body, headers=named)
        assert answer.status_code == 200, answer.text
        seen, after = [], 0
        while True:
            page = (await replica.client.get(f"{place}/audit?limit=2&after={after}", headers=ada)).json()
            seen += page["items"]
            if page["next"] is None:
                break
            after = page["next"]
        assert [entry["seq"] for entry in seen] == list(range(1, len(seen) + 1)), "oldest first, each once"
        told = {entry["action"]: entry for entry in seen}
        assert {"create requested", "create committed", "member added"} <= told.keys()
        changed = told["setting changed"]
        assert (changed["actor"], changed["reason"]) == ("ada@acme.example", "the answer")
        assert (changed["request_id"], changed["target"]) == ("asked-" + slug, "ai/threshold")
        assert told["create requested"]["request_id"], "a sign-up's request is named too"

    stage.play(act)


def forge(prepared: Prepared, slug: str) -> None:
    """Change the organization's second entry for good."""
    with psycopg.connect(prepared.platform) as connection:
        connection.execute("alter table tenancy.audit_log disable trigger user")
        connection.execute(
            "update tenancy.audit_log l set reason = 'forged' from tenancy.organizations o "
            "where o.slug = %s and l.org_id = o.id and l.seq = 2", [slug],
        )  # fmt: skip
        connection.execute("alter table tenancy.audit_log enable trigger user")


def verified(lines: list[dict[str, Any]]) -> bool:
    """The recipe in the docstring of service/audit_routes.py."""
    *entries, last = lines
    previous = ""
    for number, line in enumerate(entries, 1):
        hashed = hashlib.sha256(bytes.fromhex(line["previous"]) + line["entry"].encode()).hexdigest()
        entry = json.loads(line["entry"])
        if (line["seq"], line["previous"], line["hash"]) != (number, previous, hashed):
            return False
        if (entry["seq"], entry["org_id"]) != (number, last["org_id"]):
            return False
        previous = line["hash"]
    return bool(last["head"] == {"seq": len(entries), "hash": previous})


def test_an_export_is_verified_without_us_and_the_api_verifies_what_it_has(stage: Stage) -> None:
    slug = new_slug("audit")

    async def act(replica: Replica) -> None:
        await replica.sign_up(slug, name="Änne „& Söhne“")
        await replica.settled()
        place = f"/v1/organizations/{slug}/audit"
        exported = await replica.client.get(f"{place}/export", headers=OPERATOR)
        lines = [json.loads(line) for line in exported.text.splitlines()]
        assert exported.headers["content-type"] == "application/x-ndjson" and len(lines) > 3
        assert verified(lines)
        assert (
            not verified(lines[1:])
            and not verified([*lines[:1], *lines[2:]])
            and not verified([*lines[:-2], lines[-1]])
        )
        forged = json.loads(json.dumps(lines, ensure_ascii=False).replace("Änne", "Anne"))
        assert not verified(forged)
        whole = await replica.get(f"{place}/verify")
        assert (whole["valid"], whole["problems"], whole["head"]) == (True, [], lines[-1]["head"])
        forge(stage.prepared, slug)
        broken = await replica.get(f"{place}/verify")
        assert not broken["valid"] and broken["problems"][0]["seq"] == 2

    stage.play(act)


def test_the_platforms_acts_have_a_chain_of_their_own(stage: Stage) -> None:
    async def act(replica: Replica) -> None:
        body, named = {"role": "auditor", "reason": "year's end"}, OPERATOR | {"X-Request-Id": "hired"}
        answer = await replica.client.put("/v1/platform/staff/hal@platform.example", json=body, headers=named)
        assert answer.json() == {"email": "hal@platform.example", "role": "auditor"}, answer.text
        newest = (await replica.get("/v1/platform/audit/verify"))["entries"]
        (entry,) = (await replica.get(f"/v1/platform/audit?after={newest - 1}"))["items"]
        assert (entry["action"], entry["target"], entry["actor"]) == (
            "staff changed",
            "hal@platform.example",
            "operator",
        )
        assert (entry["old"], entry["new"]) == ({"role": None}, {"role": "auditor"})
        assert (entry["reason"], entry["request_id"]) == ("year's end", "hired")
        exported = await replica.client.get("/v1/platform/audit/export", headers=OPERATOR)
        assert verified([json.loads(line) for line in exported.text.splitlines()])

    stage.play(act)
