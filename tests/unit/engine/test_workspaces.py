"""Workspaces of self-service stacks: made without Pulumi, and what a killed engine left told by evidence."""

import json
import os
import socket
from pathlib import Path

import pytest

from engine.workspaces import Workspaces


@pytest.fixture
def workspaces(tmp_path: Path) -> Workspaces:
    return Workspaces(tmp_path, f"file://{tmp_path}", "v1:salt")


def lock(workspaces: Workspaces, pid: int, host: str = socket.gethostname()) -> Path:
    path = workspaces.checkpoint("slot-1").parents[2] / "locks" / "organization" / "slot-1" / "a.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": pid, "hostname": host}))
    return path


def test_a_stack_is_empty_and_shares_the_salt(workspaces: Workspaces) -> None:
    workspaces.make("slot-1")
    state = json.loads(workspaces.checkpoint("slot-1").read_text())
    assert state == {"version": 3, "checkpoint": {"stack": "organization/agent-ready-k8s/slot-1"}}
    assert "encryptionsalt: v1:salt" in (workspaces.folder / "slot-1" / "Pulumi.slot-1.yaml").read_text()
    assert (workspaces.folder / "slot-1").stat().st_mode & 0o777 == 0o700


def test_making_it_again_keeps_its_state(workspaces: Workspaces) -> None:
    workspaces.make("slot-1")
    workspaces.checkpoint("slot-1").write_text("{}")
    workspaces.make("slot-1")
    assert workspaces.checkpoint("slot-1").read_text() == "{}"


def test_forgetting_leaves_nothing_and_can_be_repeated(workspaces: Workspaces) -> None:
    workspaces.make("slot-1")
    workspaces.forget("slot-1")
    workspaces.forget("slot-1")
    assert list(workspaces.folder.iterdir()) == []


def test_the_lock_of_a_process_that_is_gone_is_removed(workspaces: Workspaces) -> None:
    left = lock(workspaces, pid=2**22 - 1)
    assert not workspaces.held("slot-1")
    workspaces.release_dead_locks("slot-1")
    assert not left.exists()


def test_a_process_id_that_another_program_has_now_holds_nothing(workspaces: Workspaces) -> None:
    lock(workspaces, pid=1)
    assert not workspaces.held("slot-1"), "process 1 is no pulumi"


def test_another_machines_lock_is_left_alone(workspaces: Workspaces) -> None:
    theirs = lock(workspaces, pid=os.getpid(), host="elsewhere")
    assert workspaces.held("slot-1")
    workspaces.release_dead_locks("slot-1")
    assert theirs.exists()


def test_a_remote_state_is_one_backend_for_all_stacks(tmp_path: Path) -> None:
    remote = Workspaces(tmp_path, "s3://bucket/self-service", "v1:salt")
    assert remote.state_of("slot-1") == "s3://bucket/self-service" and remote.locks("slot-1") == []
