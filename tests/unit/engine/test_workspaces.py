"""Workspaces of self-service stacks: made without Pulumi, and what a killed engine left told by evidence."""

import asyncio
import json
import os
import socket
from pathlib import Path

import pytest

from engine.states_files import FileStates
from engine.workspaces import Workspaces, checkpoint

LOCK = "locks/organization/agent-ready-k8s/slot-1/a.json"


@pytest.fixture
def workspaces(tmp_path: Path) -> Workspaces:
    return Workspaces(tmp_path, FileStates(tmp_path), "v1:salt")


def lock(workspaces: Workspaces, pid: int, host: str = socket.gethostname()) -> None:
    asyncio.run(workspaces.states.write("slot-1", LOCK, json.dumps({"pid": pid, "hostname": host})))


def kept(workspaces: Workspaces, name: str) -> str | None:
    return asyncio.run(workspaces.states.read("slot-1", name))


def test_a_stack_is_empty_and_shares_the_salt(workspaces: Workspaces) -> None:
    asyncio.run(workspaces.make("slot-1"))
    state = json.loads(kept(workspaces, checkpoint("slot-1")) or "")
    assert state == {"version": 3, "checkpoint": {"stack": "organization/agent-ready-k8s/slot-1"}}
    assert "encryptionsalt: v1:salt" in (workspaces.folder / "slot-1" / "Pulumi.slot-1.yaml").read_text()
    assert (workspaces.folder / "slot-1").stat().st_mode & 0o777 == 0o700


def test_making_it_again_keeps_its_state(workspaces: Workspaces) -> None:
    asyncio.run(workspaces.make("slot-1"))
    asyncio.run(workspaces.states.write("slot-1", checkpoint("slot-1"), "{}"))
    asyncio.run(workspaces.make("slot-1"))
    assert kept(workspaces, checkpoint("slot-1")) == "{}"


def test_forgetting_leaves_nothing_and_can_be_repeated(workspaces: Workspaces) -> None:
    asyncio.run(workspaces.make("slot-1"))
    asyncio.run(workspaces.forget("slot-1"))
    asyncio.run(workspaces.forget("slot-1"))
    assert list(workspaces.folder.iterdir()) == []


def test_the_lock_of_a_process_that_is_gone_is_removed(workspaces: Workspaces) -> None:
    lock(workspaces, pid=2**22 - 1)
    assert not asyncio.run(workspaces.held("slot-1"))
    asyncio.run(workspaces.release_locks("slot-1"))
    assert kept(workspaces, LOCK) is None


def test_a_lock_that_was_cut_off_is_removed(workspaces: Workspaces) -> None:
    asyncio.run(workspaces.states.write("slot-1", LOCK, '{"pid"'))
    assert not asyncio.run(workspaces.held("slot-1"))
    asyncio.run(workspaces.release_locks("slot-1"))
    assert kept(workspaces, LOCK) is None


def test_a_process_id_that_another_program_has_now_holds_nothing(workspaces: Workspaces) -> None:
    lock(workspaces, pid=1)
    assert not asyncio.run(workspaces.held("slot-1")), "process 1 is no pulumi"


def test_another_machines_lock_holds_until_we_have_the_stacks_lease(workspaces: Workspaces) -> None:
    lock(workspaces, pid=os.getpid(), host="elsewhere")
    assert asyncio.run(workspaces.held("slot-1"))
    asyncio.run(workspaces.release_locks("slot-1"))
    assert kept(workspaces, LOCK) is None


def test_the_lock_of_a_living_engine_is_left_alone(workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"/usr/bin/pulumi\0up")
    lock(workspaces, pid=os.getpid())
    assert asyncio.run(workspaces.held("slot-1"))
    asyncio.run(workspaces.release_locks("slot-1"))
    assert kept(workspaces, LOCK) is not None
