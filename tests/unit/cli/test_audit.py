"""The audit log: page by page, as a file, and verified without anybody's word."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.admin.chain import Chain
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake_api import FakeApi

LOG = "/v1/organizations/zephyr/audit"
Line = dict[str, Any]


def entry(seq: int, **more: Any) -> Line:
    return {
        "seq": seq, "at": "2026-11-25T20:00:00Z", "actor": "ada@zephyr.example", "action": "member added",
        "target": "bob@zephyr.example", "old": None, "new": {"role": "viewer"}, "reason": "joins", **more,
    }  # fmt: skip


def exported(count: int, *, org_id: int = 42) -> list[Line]:
    """An export as the API makes it."""
    lines, last = [], ""
    for seq in range(1, count + 1):
        text = json.dumps({**entry(seq, reason="Zoë joins"), "org_id": org_id}, ensure_ascii=False)
        hashed = hashlib.sha256(bytes.fromhex(last) + text.encode()).hexdigest()
        lines.append({"seq": seq, "entry": text, "previous": last, "hash": hashed})
        last = hashed
    return [*lines, {"head": {"seq": count, "hash": last}, "org_id": org_id}]


def written(lines: list[Line]) -> list[str]:
    return [json.dumps(line, ensure_ascii=False) + "\n" for line in lines]


def test_entries_are_listed_and_the_next_ones_named(api: FakeApi, person: Run) -> None:
    api.on(f"GET {LOG}?after=0&limit=1", 200, {"items": [entry(1)], "next": 1})
    result = person("audit", "list", "zephyr", "--limit", "1")
    assert "member added" in result.stdout and '{"role": "viewer"}' in result.stdout
    assert "audit list zephyr --limit 1 --after 1" in result.stderr


def test_the_platform_has_a_log_of_its_own(api: FakeApi, person: Run) -> None:
    api.on("GET /v1/platform/audit?after=0&limit=100", 200, {"items": [], "next": None})
    assert person("audit", "list", "platform").exit_code == 0


def test_an_export_is_a_file_that_verifies_on_its_own(api: FakeApi, person: Run, tmp_path: Path) -> None:
    text = "".join(written(exported(3)))
    api.on(f"GET {LOG}/export", 200, text, Content_Type="application/x-ndjson")
    file = tmp_path / "audit.ndjson"
    assert person("audit", "export", "zephyr").stdout == text
    assert person("audit", "export", "zephyr", "-o", str(file)).exit_code == 0
    assert person("audit", "export", "zephyr", "-o", str(file)).exit_code == 2, "what was kept is not written over"
    api.asked.clear()
    result = person("audit", "verify", str(file), API_URL=None)
    assert result.exit_code == 0 and f"3:{exported(3)[-1]['head']['hash']}" in result.stdout
    assert not api.asked


def test_the_api_verifies_too_and_a_log_that_was_changed_ends_with_1(api: FakeApi, person: Run) -> None:
    head = {"seq": 2, "hash": "ab" * 32}
    api.on(f"GET {LOG}/verify", 200, {"valid": True, "entries": 2, "head": head, "problems": []})
    flaw = {"seq": 2, "problem": "it was changed after it was written"}
    api.on(f"GET {LOG}/verify", 200, {"valid": False, "entries": 2, "head": head, "problems": [flaw]})
    assert person("audit", "verify", "zephyr").exit_code == 0
    changed = person("audit", "verify", "zephyr")
    assert changed.exit_code == 1 and flaw["problem"] in changed.stdout


@pytest.mark.parametrize("given", [(), ("/nowhere",), ("nowhere.ndjson",), ("zephyr", "--head", "1:a")])
def test_what_to_verify_is_one_thing_that_is_there(api: FakeApi, person: Run, given: tuple[str, ...]) -> None:
    assert person("audit", "verify", *given).exit_code == 2
    assert not api.asked


def test_a_chain_that_is_whole_verifies_and_an_empty_one_is_whole() -> None:
    for count in (0, 1, 5):
        chain = Chain().read(written(exported(count)))
        assert (chain.flaws, chain.head.seq) == ([], count)


def _change_text(lines: list[Line]) -> None:
    lines[1]["entry"] = lines[1]["entry"].replace("viewer", "owner")


def _change_text_and_hash(lines: list[Line]) -> None:
    _change_text(lines)
    lines[1]["hash"] = hashlib.sha256(bytes.fromhex(lines[1]["previous"]) + lines[1]["entry"].encode()).hexdigest()


def _swap(lines: list[Line]) -> None:
    lines[1], lines[2] = lines[2], lines[1]


def _insert_elsewhere(lines: list[Line]) -> None:
    lines[:] = [*exported(4, org_id=43)[:-1], {**lines[-1], "head": exported(4, org_id=43)[-1]["head"]}]


@pytest.mark.parametrize(
    ("spoil", "seq"),
    [
        (_change_text, 2),
        (_change_text_and_hash, 3),
        (_swap, 3),
        (lambda lines: lines.pop(0), 2),
        (lambda lines: lines.pop(1), 3),
        (lambda lines: lines.pop(3), 3),  # the newest
        (lambda lines: lines.pop(), 4),  # the last line
        (lambda lines: lines.append(lines[0]), 4),
        (lambda lines: lines[2].update(seq=7), 7),
        (lambda lines: lines[2].update(previous="no hash"), 3),
        (lambda lines: lines[2].pop("hash"), 2),
        (_insert_elsewhere, 4),
    ],
)
def test_whatever_was_changed_shows_and_where(spoil: Callable[[list[Line]], object], seq: int) -> None:
    lines = exported(4)
    spoil(lines)
    chain = Chain().read(written(lines))
    assert seq in [flaw.seq for flaw in chain.flaws], chain.flaws


def test_a_log_that_was_written_anew_as_a_whole_does_not_hold_the_head_that_was_kept(
    person: Run, tmp_path: Path
) -> None:
    file = tmp_path / "audit.ndjson"
    file.write_text("".join(written(exported(5))))
    kept = exported(3)[-1]["head"]
    verify = ("audit", "verify", str(file), "--head")
    assert person(*verify, f"3:{kept['hash']}").exit_code == 0
    assert person(*verify, f"3:{'0' * 64}").exit_code == 1
    assert person(*verify, f"9:{kept['hash']}").exit_code == 1, "entries are missing"
    assert person(*verify, "3").exit_code == 2
