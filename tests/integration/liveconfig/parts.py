"""What these tests run beside the prepared database: a Redis that may be killed, a relay, a way that may be cut."""

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from liveconfig.addresses import Address
from liveconfig.pace import Pace
from liveconfig.publisher import Publisher
from liveconfig.settings import Settings
from liveconfig.wire import Hint

REPOSITORY = Path(__file__).resolve().parents[3]
HANDSHAKE = "+auth +hello +ping +quit +client|setname"
LISTENING = f"resetkeys -@all {HANDSHAKE} +subscribe +psubscribe +unsubscribe +punsubscribe"
QUICK = Pace(first=0.1, longest=0.5, reconcile=(300.0, 600.0))


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def sha256(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


class RedisServer:
    """Redis with TLS, and users with what they may hear."""

    def __init__(self, folder: Path, pki: Path, program: str) -> None:
        self.port, self.ca = free_port(), pki / "ca.crt"
        self._folder, self._program = folder, program
        self._process: subprocess.Popen[bytes] | None = None
        self._users = {"default": "off", "publisher": f"&config:* resetkeys -@all {HANDSHAKE} +publish"}
        self._configuration = folder / "redis.conf"
        self._configuration.write_text(
            f"bind 127.0.0.1\nport 0\ntls-port {self.port}\n"
            f"tls-cert-file {pki}/redis.crt\ntls-key-file {pki}/redis.key\n"
            f'tls-ca-cert-file {self.ca}\ntls-auth-clients no\naclfile {folder}/users.acl\ndir {folder}\nsave ""\n'
        )

    def add_listener(self, user: str, *channels: str) -> None:
        self._users[user] = " ".join(["resetchannels", *(f"&{channel}" for channel in channels), LISTENING])

    def start(self) -> None:
        lines = [
            f"user {name} {rules}" if rules == "off" else f"user {name} on #{sha256(secret(name))} {rules}"
            for name, rules in self._users.items()
        ]
        (self._folder / "users.acl").write_text("\n".join(lines) + "\n")
        self._process = subprocess.Popen([self._program, self._configuration], stdout=subprocess.DEVNULL)
        assert wait_for(self._answers), "Redis did not start"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def url(self, user: str = "") -> str:
        who = f"{user}:{secret(user)}@" if user else ""
        return f"rediss://{who}127.0.0.1:{self.port}/0"

    def _answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False


def secret(user: str) -> str:
    """Of a user, in these tests."""
    return f"secret-of-{user}"


class Gateway:
    """A way to a server on loopback that can be cut: no connection lives, and none is made."""

    def __init__(self, target: int) -> None:
        self._target, self._open, self._sockets = target, True, list[socket.socket]()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        self._open = False
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def mend(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join(5)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                inner, _ = self._listening.accept()
            except OSError:
                return
            if not self._open:
                inner.close()
                continue
            outer = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [inner, outer]
            for one, other in ((inner, outer), (outer, inner)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        one.close()


class RelayProcess:
    """`python -m liveconfig.relay`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.port, self.metrics = free_port(), free_port()
        self._environment = {
            "PATH": os.defpath, "PYTHONPATH": str(REPOSITORY), **environment,
            "RELAY_LISTEN": f"127.0.0.1:{self.port}", "RELAY_METRICS": f"127.0.0.1:{self.metrics}",
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "liveconfig.relay"], env=self._environment)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None, "it must have been started"
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(20)
        self._process = None
        return code


@dataclass
class World:
    """Everything together. `tenants` are organizations' own logins, through the gateway."""

    platform: str
    tenants: dict[int, str]
    redis: RedisServer
    gateway: Gateway
    relay: RelayProcess
    ca: Path
    _publisher: Publisher | None = field(default=None, init=False)

    def change(self, org_id: int, values: Mapping[str, Any], *, hint: bool = True) -> None:
        """Write settings in one transaction (None: unset), and say so."""
        with psycopg.connect(self.platform) as connection:
            hints = [self._put(connection, org_id, name, value) for name, value in values.items()]
        if hint:
            self.publish(*hints)

    def publish(self, *hints: Hint) -> None:
        publisher = Publisher(self.redis.url("publisher"), ca_file=str(self.redis.ca))
        publisher.publish(hints)
        publisher.close()

    def direct(self, org_id: int, **more: Any) -> Settings:
        """How a pod follows by itself."""
        return Settings(
            org_id, user=f"org_{org_id}", password=secret(f"org_{org_id}"), ca_file=self.ca,
            redis_url=self.redis.url(), database_url=self.tenants[org_id], **{"pace": QUICK, **more},
        )  # fmt: skip

    def relayed(self, org_id: int, **more: Any) -> Settings:
        """How a pod follows a relay."""
        given = {"user": f"org_{org_id}", "password": secret(f"org_{org_id}"), "pace": QUICK, **more}
        return Settings(org_id, relay=Address("127.0.0.1", self.relay.port), ca_file=self.ca, **given)

    def admit(self, org_id: int, password: str) -> None:
        """Set the password by which an organization's pods are known."""
        self.execute(
            "insert into tenancy.pod_credentials (org_id, username, password_sha256) values (%s, %s, %s) "
            "on conflict (org_id) do update set password_sha256 = excluded.password_sha256",
            org_id, f"org_{org_id}", sha256(password),
        )  # fmt: skip

    def execute(self, statement: str, *parameters: Any) -> None:
        with psycopg.connect(self.platform) as connection:
            connection.execute(statement, parameters)  # type: ignore[call-overload]

    def metric(self, name: str) -> float:
        """What the relay counted."""
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{self.relay.metrics}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        raise AssertionError(f"the relay measures no {name}")

    def plain(self) -> ssl.SSLSocket:
        """A TLS connection to the relay, without anything said."""
        context = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection(("127.0.0.1", self.relay.port), timeout=10)
        return context.wrap_socket(raw, server_hostname="127.0.0.1")

    @staticmethod
    def _put(connection: psycopg.Connection[Any], org_id: int, name: str, value: Any) -> Hint:
        service, key = name.split("/")
        row = connection.execute(
            "insert into tenancy.service_configs as c (org_id, service, key, value, source) "
            "values (%s, %s, %s, %s, 'api') on conflict (org_id, service, key) "
            "do update set value = excluded.value, version = c.version + 1, "
            "source = 'api' returning version",
            [org_id, service, key, None if value is None else json.dumps(value)],
        ).fetchone()
        return Hint(org_id, service, key, (row or [0])[0])


def through(url: str, port: int) -> str:
    """The URL, by another port."""
    return make_conninfo(url, port=port)
