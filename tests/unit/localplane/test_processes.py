"""A process is known by more than its pid, and only the very same one is signalled."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localplane import processes
from localplane.processes import Identity


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Identity]:
    environment = {"PATH": os.defpath}
    identity = processes.spawn(["sleep", "60"], environment, tmp_path, tmp_path / "log", (tmp_path, "sleeper"))
    yield identity
    processes.send(identity, signal.SIGKILL)
    processes.wait_gone(identity, 5)


def test_the_identity_is_the_same_each_time(sleeper: Identity) -> None:
    assert processes.identify(sleeper.pid) == sleeper
    assert processes.is_alive(sleeper)


@pytest.mark.parametrize("change", [{"start": 1}, {"boot": "another boot"}])
def test_a_process_that_got_the_pid_later_is_left_alone(sleeper: Identity, change: dict[str, int | str]) -> None:
    recycled = replace(sleeper, **change)  # type: ignore[arg-type]
    assert not processes.is_alive(recycled)
    assert not processes.send(recycled, signal.SIGKILL)
    assert processes.is_alive(sleeper), "the process that has the pid now was signalled"


def test_a_process_lives_in_a_session_of_its_own(sleeper: Identity) -> None:
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_an_ended_process_is_gone_although_nobody_waited_for_it(sleeper: Identity) -> None:
    assert processes.send(sleeper, signal.SIGTERM)
    assert processes.wait_gone(sleeper, 5)
    assert not processes.is_alive(sleeper)
    assert not processes.send(sleeper, signal.SIGTERM)


def test_waiting_for_one_that_stays_ends_in_time(sleeper: Identity) -> None:
    began = time.monotonic()
    assert not processes.wait_gone(sleeper, 0.1)
    assert time.monotonic() - began >= 0.1


def test_a_forgotten_process_is_found_by_its_mark(sleeper: Identity, tmp_path: Path) -> None:
    assert processes.marked(tmp_path, "sleeper") == [sleeper]
    assert processes.marked(tmp_path, "another") == []
    assert processes.marked(tmp_path / "elsewhere", "sleeper") == []


def test_a_copy_of_the_checkout_does_not_own_the_process(sleeper: Identity, tmp_path: Path) -> None:
    assert processes.works_below(sleeper, tmp_path)
    assert not processes.works_below(sleeper, tmp_path / "copy")


def test_nothing_but_the_given_environment_reaches_the_process(sleeper: Identity, tmp_path: Path) -> None:
    given = Path(f"/proc/{sleeper.pid}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    assert sorted(entry.split(b"=")[0] for entry in given) == [processes.MARK.encode(), b"PATH"]
