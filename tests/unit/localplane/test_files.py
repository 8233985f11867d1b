"""Files with secrets are private, whole, and written once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localplane.errors import PlaneError
from localplane.files import keep_secret, rotate, tail, write_private
from localplane.processes import Identity
from localplane.record import Record, Running


def test_a_private_file_is_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    assert write_private(path, "x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_says_so_already_is_not_written_but_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o644)
    before = path.stat().st_ino
    assert not write_private(path, "x")
    assert (path.stat().st_ino, path.stat().st_mode & 0o777) == (before, 0o600)


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    write_private(path, "old")

    def refuse(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_private(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
    assert path.read_text() == "old"


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = keep_secret(tmp_path / "passphrase")
    assert keep_secret(tmp_path / "passphrase") == first
    assert keep_secret(tmp_path / "another") != first


def test_a_long_log_moves_aside_and_the_oldest_is_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    for generation in range(6):
        log.write_text(f"generation {generation}")
        rotate(log, limit=3, keep=3)
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == {
        "etcd.log.1": "generation 5", "etcd.log.2": "generation 4", "etcd.log.3": "generation 3"
    }  # fmt: skip


def test_a_short_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("short")
    rotate(log)
    assert tail(log) == "    short"
    assert tail(tmp_path / "none") == ""


def test_the_record_survives_the_command(tmp_path: Path) -> None:
    record = Record(tmp_path / "plane.json")
    running = Running(Identity(4711, 99, "boot"), "fingerprint", 1.5)
    record.remember_ports({"redis": 20001})
    record.remember_running("redis", running)
    record.remember_running("etcd", running)
    record.remember_running("etcd", None)
    again = Record(tmp_path / "plane.json")
    assert again.ports == {"redis": 20001}
    assert again.running("redis") == running
    assert again.running("etcd") is None


def test_a_broken_record_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "plane.json"
    path.write_text(json.dumps([1]))
    with pytest.raises(PlaneError, match="Delete it and run `make up`"):
        Record(path)
