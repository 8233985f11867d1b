"""Ports are chosen free, below the range of outgoing connections, and a stranger on one is named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from localplane import ports


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every server does
        server.bind((ports.LOOPBACK, ports.choose()))
        server.listen()
        yield server


def test_a_chosen_port_is_free_and_in_range() -> None:
    port = ports.choose()
    assert ports.is_free(port)
    assert port in ports.CHOICE


def test_a_port_given_away_but_not_in_use_yet_is_not_chosen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "CHOICE", range(28_000, 30_000))
    taken = set(ports.CHOICE) - {29_001, 29_002}
    assert ports.choose(taken) in {29_001, 29_002}


def test_a_port_somebody_listens_on_is_not_free(listener: socket.socket) -> None:
    assert not ports.is_free(listener.getsockname()[1])


def test_a_connection_that_lingers_does_not_hold_the_port(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection((ports.LOOPBACK, port)):
        accepted, _ = listener.accept()
        accepted.close()  # the server closes first: its side stays behind in TIME_WAIT
    listener.close()
    assert ports.is_free(port)


def test_the_holder_of_a_port_is_named_with_its_pid(listener: socket.socket) -> None:
    assert f"(pid {os.getpid()})" in ports.holder(listener.getsockname()[1])


def test_a_remembered_port_stays_unless_somebody_else_has_it(listener: socket.socket) -> None:
    said: list[str] = []
    free, taken = ports.choose(), listener.getsockname()[1]
    settled = ports.settle({"redis": free, "etcd": taken}, ["redis", "etcd", "postgres"], said.append)
    assert settled["redis"] == free
    assert len({*settled.values(), taken}) == 4, "each has a port of its own"
    assert len(said) == 1
    assert f"port {taken} of etcd is held by" in said[0]


def test_nobody_is_blamed_for_a_free_port() -> None:
    assert ports.holder(ports.choose()) == "an unknown process"
