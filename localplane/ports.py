"""Loopback ports: chosen free once, and who sits on one that is taken."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from localplane.errors import PlaneError

LOOPBACK = "127.0.0.1"

#: Below the kernel's range for outgoing connections (32768 and up): no client takes a stopped server's port.
CHOICE = range(20_000, 30_000)
LISTENING = "0A"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now; connections that linger do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose(taken: Collection[int] = ()) -> int:
    """A port nobody listens on and that is not among ``taken`` (ports given away but not in use yet)."""
    for port in random.sample(CHOICE, k=2_000):
        if port not in taken and is_free(port):
            return port
    raise PlaneError(
        f"2000 ports tried between {CHOICE.start} and {CHOICE.stop}, and none is free on {LOOPBACK}.\n"
        "See who holds them with: ss -tlnp"
    )


def settle(remembered: Mapping[str, int], names: Iterable[str], say: Callable[[str], None]) -> dict[str, int]:
    """The remembered ports, and new ones for those ``names`` that have none, or lost it to somebody else."""
    settled = dict(remembered)
    for name in names:
        port = settled.get(name)
        if port is not None and is_free(port):
            continue
        settled[name] = choose(settled.values())
        if port is not None:
            say(f"port {port} of {name} is held by {holder(port)}; taking {settled[name]}")
    return settled


def holder(port: int) -> str:
    """Who listens on a port, for a message: ``redis-server (pid 4711)``, or what can be said."""
    inodes = _listening_inodes(port)
    for folder in Path("/proc").glob("[0-9]*"):
        if inodes & _socket_inodes(folder):
            return f"{_command_name(folder)} (pid {folder.name})"
    return "another user's process" if inodes else "an unknown process"


def _listening_inodes(port: int) -> set[str]:
    found: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _socket_inodes(process: Path) -> set[str]:
    links: list[str] = []
    with suppress(OSError):
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # closed while we look, as the one we look with is
                links.append(str(entry.readlink()))
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _command_name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a process"
