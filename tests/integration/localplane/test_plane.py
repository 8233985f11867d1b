"""The life of a plane: up, again, killed, moved aside, two at once, down. All on real servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localplane import ports, processes, supervisor
from localplane.errors import Unreachable
from localplane.lock import exclusive
from localplane.servers import ALL, ApiServer
from tests.integration.localplane.checkouts import Checkout

SERVERS = [server.name for server in ALL]
HEALTHY = dict.fromkeys(SERVERS, "healthy")


def test_up_leaves_every_server_healthy(plane: Checkout) -> None:
    assert plane.words() == HEALTHY


def test_up_applies_the_committed_identities(plane: Checkout) -> None:
    assert plane.run("kubectl", "get", "clusterrole", "test-identity").returncode == 0


def test_a_second_up_leaves_everything_as_it_is(plane: Checkout) -> None:
    before, env = plane.identities(), plane.layout.env.read_text()
    said = plane.up()
    assert plane.identities() == before, "a healthy server was restarted"
    assert plane.layout.env.read_text() == env
    assert "keys: as before" in said
    assert said.splitlines()[-1].startswith("[ 8/8]"), "the number of steps was announced wrongly"


@pytest.mark.parametrize("victim", SERVERS)
def test_a_killed_server_comes_back_with_its_data(plane: Checkout, victim: str) -> None:
    plane.sql(f'CREATE TABLE "{victim}" (kept text); INSERT INTO "{victim}" VALUES (\'kept\')')
    plane.run("kubectl", "create", "configmap", f"of-{victim}", "--from-literal=kept=kept")
    before = plane.identities()
    assert processes.send(before[victim], signal.SIGKILL)
    assert processes.wait_gone(before[victim], 10)
    said = plane.up()
    after = plane.identities()
    assert plane.words() == HEALTHY
    assert {name for name in SERVERS if before[name] != after[name]} == {victim}, said
    assert plane.sql(f'SELECT kept FROM "{victim}"') == "kept"
    got = plane.run("kubectl", "get", "configmap", f"of-{victim}", "-o", "jsonpath={.data.kept}")
    assert got.stdout == "kept"


def test_a_server_that_hangs_is_restarted(plane: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.5)
    before = plane.identities()["redis"]
    processes.send(before, signal.SIGSTOP)
    assert "did not answer" in plane.up()
    assert plane.words() == HEALTHY
    assert not processes.is_alive(before)


def test_a_stale_lock_file_with_somebody_elses_pid_does_not_stop_postgresql(plane: Checkout) -> None:
    victim = plane.identities()["postgres"]
    processes.send(victim, signal.SIGKILL)
    assert processes.wait_gone(victim, 10)
    lock = plane.layout.data("postgres") / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    plane.up()
    assert plane.words() == HEALTHY


def test_servers_that_the_record_forgot_are_found_and_replaced(plane: Checkout) -> None:
    before = plane.identities()
    plane.layout.record.unlink()
    plane.up()
    assert plane.words() == HEALTHY
    assert not any(processes.is_alive(identity) for identity in before.values())


def test_a_second_command_waits_for_the_first(plane: Checkout) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def hear(text: str) -> None:
        said.append(text)
        waiting.set()

    with exclusive(plane.layout.local / "lock", "up", said.append):
        other = threading.Thread(target=_take_lock, args=(plane, hear))
        other.start()
        assert waiting.wait(10), "the second did not say that it waits"
    other.join(10)
    assert f"`up` (pid {os.getpid()}) is at work" in said[0]


def test_two_checkouts_run_side_by_side(plane: Checkout, second: Checkout) -> None:
    before = plane.identities()
    second.up()
    assert plane.words() == second.words() == HEALTHY
    assert set(plane.record.ports.values()).isdisjoint(second.record.ports.values())
    assert plane.identities() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change the user for PostgreSQL")
def test_postgresql_may_walk_closed_folders_only_where_it_has_to(plane: Checkout, second: Checkout) -> None:
    second.up()
    walk = 1 << 2  # CAP_DAC_READ_SEARCH
    assert _ambient_capabilities(plane) == 0, "in an open folder no capability is needed"
    assert _ambient_capabilities(second) == walk
    for checkout in (plane, second):
        status = Path(f"/proc/{checkout.identities()['postgres'].pid}").stat()
        assert status.st_uid != 0


def test_a_port_that_somebody_took_is_given_up(plane: Checkout, second: Checkout) -> None:
    second.down()
    assert set(second.words().values()) == {"down"}
    port = second.record.ports["redis"]
    with _listening(port):
        said = second.up()
        assert f"port {port} of redis is held by" in said
        assert f"(pid {os.getpid()})" in said
        assert second.words() == HEALTHY
    assert f":{port}/" not in second.env()["REDIS_URL"]
    assert plane.words() == HEALTHY


def test_named_parts_are_used_and_never_touched(plane: Checkout, second: Checkout) -> None:
    theirs, before = plane.env(), plane.identities()
    names = {"kubeconfig": theirs["KUBECONFIG"], "database_url": theirs["PLATFORM_DATABASE_URL"]}
    with pytest.raises(Unreachable, match="--app-database-url"):
        second.up(**names)
    redis = f"{theirs['REDIS_URL']}?ssl_ca_certs={theirs['REDIS_CA_FILE'].replace(' ', '%20')}"
    names |= {"app_database_url": theirs["DATABASE_URL"], "redis_url": redis}
    second.up(**names)
    assert second.words() == {}, "a named part was started as well"
    assert second.env()["PLATFORM_DATABASE_URL"] == theirs["PLATFORM_DATABASE_URL"]
    second.up()
    assert second.env()["KUBECONFIG"] == theirs["KUBECONFIG"], "the name was forgotten"
    assert second.down() == []
    assert plane.identities() == before
    assert plane.words() == HEALTHY
    second.up(kubeconfig="embedded", database_url="embedded", app_database_url="embedded", redis_url="embedded")
    assert second.words() == HEALTHY


def test_an_address_where_nothing_listens_is_told_with_the_way_out(second: Checkout) -> None:
    with pytest.raises(Unreachable, match="--database-url embedded"):
        second.up(database_url=f"postgresql://u:secret@127.0.0.1:{ports.choose()}/d")
    assert second.record.external == {}, "a name that does not work is not kept"


def test_after_ctrl_c_everything_can_be_finished_or_stopped(second: Checkout) -> None:
    second.down()
    command = [sys.executable, "-m", "localplane", "up"]
    with subprocess.Popen(command, cwd=second.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        assert "redis" in next(line for line in up.stdout if "started" in line)
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=60)
    assert up.returncode == 130, said
    assert "make down" in said
    second.up()
    assert second.words() == HEALTHY


def test_servers_live_apart_from_the_command_that_started_them(second: Checkout) -> None:
    second.up()
    for name, identity in second.identities().items():
        assert os.getsid(identity.pid) == identity.pid, name


def test_down_leaves_no_process_and_no_port(plane: Checkout, second: Checkout) -> None:
    second.up()
    before = second.identities()
    with subprocess.Popen(["kubectl", "get", "ns", "--watch"], env=dict(second.env()), stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline().startswith(b"NAME")
        began = time.monotonic()
        assert set(second.down()) == set(SERVERS)
        assert time.monotonic() - began < ApiServer.stop_seconds, "an open watch held it up until it was killed"
        watch.terminate()
    assert not any(processes.is_alive(identity) for identity in before.values())
    assert not any(processes.marked(second.root, name) for name in SERVERS)
    assert all(ports.is_free(port) for port in second.record.ports.values())
    assert second.down() == []
    assert plane.words() == HEALTHY


def test_clean_forgets_everything_but_the_python_environment(second: Checkout) -> None:
    (second.layout.local / "venv").mkdir(exist_ok=True)
    second.up()
    before = second.identities()
    second.clean()
    assert not any(processes.is_alive(identity) for identity in before.values())
    assert {entry.name for entry in second.layout.local.iterdir()} == {"venv", "lock"}


def test_the_doctor_names_what_is_wrong_and_the_way_out(plane: Checkout) -> None:
    healthy, said = plane.examine()
    assert healthy, said
    assert "Nothing is wrong" in said
    victim = plane.identities()["redis"]
    processes.send(victim, signal.SIGKILL)
    assert processes.wait_gone(victim, 10)
    healthy, said = plane.examine()
    assert not healthy
    assert "redis is dead\n    make up starts it again" in said
    plane.up()
    assert plane.words() == HEALTHY


def _take_lock(checkout: Checkout, hear: object) -> None:
    assert callable(hear)
    with exclusive(checkout.layout.local / "lock", "down", hear):
        pass


def _ambient_capabilities(checkout: Checkout) -> int:
    status = Path(f"/proc/{checkout.identities()['postgres'].pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapAmb")), 16)


@contextmanager
def _listening(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((ports.LOOPBACK, port))
        server.listen()
        yield
