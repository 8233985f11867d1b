"""Work runs side by side, after what it needs, and the first failure is the one that is told."""

from __future__ import annotations

import threading

import pytest

from localplane.errors import PlaneError
from localplane.external import Named
from localplane.graph import Task, run
from localplane.plane import parts_of, wanted
from localplane.servers import ALL


def test_work_waits_for_what_it_needs() -> None:
    done: list[str] = []
    tasks = {
        "etcd": Task(lambda: done.append("etcd")),
        "apiserver": Task(lambda: done.append("apiserver"), ["etcd"]),
        "controllers": Task(lambda: done.append("controllers"), ["apiserver", "not there"]),
    }
    run(tasks, threading.Event())
    assert done == ["etcd", "apiserver", "controllers"]


def test_independent_work_runs_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)
    run({"a": Task(lambda: _meet(meeting)), "b": Task(lambda: _meet(meeting))}, threading.Event())


def test_a_failure_is_told_and_what_depends_on_it_never_begins() -> None:
    done: list[str] = []

    def fail() -> None:
        raise PlaneError("etcd ended by itself")

    tasks = {
        "etcd": Task(fail),
        "apiserver": Task(lambda: done.append("apiserver"), ["etcd"]),
        "controllers": Task(lambda: done.append("controllers"), ["apiserver"]),
        "redis": Task(lambda: done.append("redis")),
    }
    with pytest.raises(PlaneError, match="etcd ended by itself"):
        run(tasks, threading.Event())
    assert done == ["redis"]


def test_what_is_named_on_purpose_is_not_started() -> None:
    names = [server.name for server in wanted(Named(kubeconfig="/x", redis_url="rediss://h"))]
    assert names == ["postgres"]
    assert "etcd" not in parts_of(wanted(Named(kubeconfig="/x")))


def test_servers_start_after_those_they_need() -> None:
    seen: set[str] = set()
    for server in ALL:
        assert set(server.needs) <= seen, f"{server.name} comes before what it needs"
        seen.add(server.name)


def _meet(barrier: threading.Barrier) -> None:
    barrier.wait()
