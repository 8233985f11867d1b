"""One checkout's platform: up, down, clean."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from localplane import external, graph, identities, kubeconfig, links, ports, variables
from localplane.console import Console
from localplane.errors import PlaneError
from localplane.external import Named
from localplane.graph import Task
from localplane.layout import Layout
from localplane.lock import exclusive
from localplane.parts import Found, ProgressLine, obtain, pulumi_home
from localplane.pki import ADMIN, CLUSTER, PULUMI, SERVICE, Pki
from localplane.record import Record
from localplane.servers import CHANNEL, DATABASE, EVERYTHING, SERVED, Api, Ground, OAuth2Proxy, Relay, Server
from localplane.servers import CLUSTER as CLUSTER_SERVERS
from localplane.supervisor import Supervisor

#: Programs that are needed whatever is embedded; postgres is among them for psql.
TOOLS = (
    "pulumi", "pulumi-language-python", "pulumi-resource-kubernetes", "pulumi-resource-random",
    "pulumi-resource-postgresql", "kubectl", "postgres",
)  # fmt: skip
IDENTITIES = {"admin": ADMIN, "pulumi": PULUMI, "service": SERVICE}
#: Under ``.local`` what ``clean`` leaves: the Python environment holds no data and takes minutes to make; the settings
#: are the user's own.
KEPT = ("venv", "lock", "settings")


def wanted(named: Named) -> tuple[type[Server], ...]:
    """The servers to start: those of everything that was not named on purpose."""
    return (
        *(() if named.kubeconfig else CLUSTER_SERVERS),
        *(() if named.database_url else DATABASE),
        *(() if named.redis_url else CHANNEL),
    )


def served(named: Named) -> tuple[type[Server], ...]:
    """The servers to start once the catalog is deployed."""
    return (Api, Relay, OAuth2Proxy) if named.relayed else (Api, OAuth2Proxy)


def parts_of(servers: Iterable[type[Server]]) -> list[str]:
    """The programs needed for these servers and the tools around them, each once."""
    return list(dict.fromkeys([*TOOLS, *(server.part for server in servers)]))


class Plane:
    """The platform of the checkout at ``root``; one command at a time, guarded by a lock."""

    def __init__(self, root: Path, console: Console | None = None) -> None:
        self.layout = Layout(root.resolve())
        self._console = console or Console()
        self._cancelled = threading.Event()

    def up(self, given: Mapping[str, str | None] | None = None) -> None:
        """Have everything running and described in ``.local/env``; ``given`` names parts on purpose.

        Repeatable: what runs and is healthy is left alone.
        """
        self.layout.prepare()
        with exclusive(self.layout.local / "lock", "up", self._console.note):
            record = Record(self.layout.record)
            named = Named.remembered(record.external).with_changes(given or {})
            servers = wanted(named)
            found = self._obtain((*servers, *served(named)))
            self._console.expect(len(servers) + len(named.facts()) + 2 + (not named.kubeconfig))
            app_database_url = external.check(named, found, self.layout, self._console.step)
            record.remember_external(named.facts())
            supervisor = Supervisor(self.layout, record, self._cancelled)
            self._retire(supervisor, (*servers, *served(named)))
            ground = self._ground(record, supervisor, servers, found)
            self._start(supervisor, servers, ground)
            self._describe(ground, named, app_database_url)

    def serve(self) -> None:
        """Have the API and what goes with it running in the background, as code and ``.local/env`` are now."""
        self.layout.prepare()
        with exclusive(self.layout.local / "lock", "serve", self._console.note):
            record = Record(self.layout.record)
            kinds = served(Named.remembered(record.external))
            if not record.ports.keys() >= {name for kind in kinds for name in kind.port_names}:
                raise PlaneError("The platform was never started here. `make up` does that first.")
            supervisor = Supervisor(self.layout, record, self._cancelled)
            ground = Ground(self.layout, record.ports, Pki(self.layout.pki), self._obtain(kinds))
            self._console.expect(len(kinds))
            for kind in kinds:
                self._bring_up(supervisor, kind, ground)

    def down(self) -> list[str]:
        """Stop what this checkout started, in reverse order; the names of what was stopped."""
        if not self.layout.local.exists():
            return []
        with exclusive(self.layout.local / "lock", "down", self._console.note):
            return self._stop_all()

    def clean(self) -> None:
        """Stop everything and forget all data and keys; the built tools and the Python environment stay."""
        if not self.layout.local.exists():
            return
        with exclusive(self.layout.local / "lock", "clean", self._console.note):
            self._stop_all()
            for entry in self.layout.local.iterdir():
                if entry.name in KEPT:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def _obtain(self, servers: Iterable[type[Server]]) -> dict[str, Found]:
        progress = ProgressLine()
        try:
            return obtain(parts_of(servers), progress)
        finally:
            progress.close()

    def _stop_all(self) -> list[str]:
        supervisor = Supervisor(self.layout, Record(self.layout.record))
        stopped: list[str] = []
        tasks = {
            server.name: Task(
                partial(self._stop, supervisor, server, stopped),
                needs=[other.name for other in EVERYTHING if server.name in other.needs],
            )
            for server in reversed(EVERYTHING)
        }
        graph.run(tasks, self._cancelled)
        return stopped

    def _stop(self, supervisor: Supervisor, server: type[Server], stopped: list[str]) -> None:
        if supervisor.stop(server):
            stopped.append(server.name)
            self._console.note(f"{server.name} stopped")

    def _retire(self, supervisor: Supervisor, servers: Iterable[type[Server]]) -> None:
        """Stop servers that something named has replaced, and processes nobody remembers."""
        for server in reversed(EVERYTHING):
            if server not in servers and supervisor.stop(server):
                self._console.note(f"{server.name} stopped: another one was named on purpose")
            elif supervisor.clear_strays(server):
                self._console.note(f"{server.name} of an earlier run was still there, and was stopped")

    def _ground(
        self,
        record: Record,
        supervisor: Supervisor,
        servers: Iterable[type[Server]],
        found: Mapping[str, Found],
    ) -> Ground:
        names = [
            name
            for server in (*servers, *SERVED)
            for name in server.port_names
            if supervisor.alive(server.name) is None or name not in record.ports  # one that it had no use for before
        ]
        record.remember_ports(ports.settle(record.ports, names, self._console.note))
        pki = Pki(self.layout.pki)
        made = pki.ensure()
        if "kube-apiserver" in record.ports:
            self._write_kubeconfigs(pki, record.ports["kube-apiserver"])
        self._console.step(f"ports and keys: {len(made)} keys made or renewed" if made else "ports and keys: as before")
        return Ground(self.layout, record.ports, pki, found)

    def _write_kubeconfigs(self, pki: Pki, port: int) -> None:
        authority = pki.certificate(CLUSTER).read_bytes()
        for name, subject in IDENTITIES.items():
            path = self.layout.kubeconfig if subject is ADMIN else self.layout.kubeconfig_of(name)
            address = f"https://127.0.0.1:{port}"
            kubeconfig.write(path, address, authority, pki.read(f"client-{name}"), subject.name)

    def _start(self, supervisor: Supervisor, servers: Iterable[type[Server]], ground: Ground) -> None:
        tasks = {
            server.name: Task(partial(self._bring_up, supervisor, server, ground), server.needs) for server in servers
        }
        if "kube-apiserver" in tasks:
            tasks["identities"] = Task(partial(self._apply_identities, ground), ["kube-apiserver"])
        graph.run(tasks, self._cancelled)

    def _bring_up(self, supervisor: Supervisor, kind: type[Server], ground: Ground) -> None:
        server = kind(ground)
        server.prepare()
        done = supervisor.bring_up(server)
        running = supervisor.alive(server.name)
        pid = running.identity.pid if running else "?"
        self._console.step(f"{server.name} {done}, ready on 127.0.0.1:{server.port} (pid {pid})")

    def _apply_identities(self, ground: Ground) -> None:
        if not identities.present(self.layout):
            return self._console.step(f"identities: none in {self.layout.identities}")
        identities.apply(self.layout, ground.found["kubectl"])
        return self._console.step("identities of Pulumi and the service applied")

    def _describe(self, ground: Ground, named: Named, app_database_url: str) -> None:
        links.refresh(self.layout.bin, ground.found, {links.COMMAND: links.command(self.layout)})
        pulumi_home(self.layout.pulumi_home, ground.found)
        variables.write(ground, named, app_database_url)
        self._console.step(f"described in {self.layout.env}")
