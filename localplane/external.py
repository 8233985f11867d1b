"""Parts that were named on purpose instead of started: remembered, checked, and otherwise left alone.

The shell's own ``KUBECONFIG`` or ``DATABASE_URL`` never comes here; only ``up --kubeconfig`` and the like do.
"""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from localplane.errors import Misnamed, NotReady, Unreachable
from localplane.files import keep_secret
from localplane.layout import Layout
from localplane.parts import Found
from localplane.probes import redis_ping
from localplane.psql import Psql, SqlRefused, settings_of
from localplane.servers.postgres import APPLICATION
from localplane.servers.postgres_roles import role_statement

#: Said instead of a file or address: go back to the part that this checkout starts itself.
EMBEDDED = "embedded"
#: What an owner with CREATEROLE may say; the rest is "no" anyway, and takes a superuser to mention.
RIGHTS_OUTSIDE = "LOGIN"


@dataclass(frozen=True)
class Named:
    """What was named; empty means embedded. ``database_url`` needs the right to create roles."""

    kubeconfig: str = ""
    database_url: str = ""
    app_database_url: str = ""
    redis_url: str = ""

    @classmethod
    def remembered(cls, record: Mapping[str, str]) -> Named:
        return cls(**{name: record.get(name, "") for name in asdict(cls())})

    def with_changes(self, given: Mapping[str, str | None]) -> Named:
        """These names, with those given now in their place; paths become absolute."""
        facts = asdict(self) | {name: value for name, value in given.items() if value is not None}
        facts = {name: "" if value == EMBEDDED else value for name, value in facts.items()}
        if facts["kubeconfig"]:
            facts["kubeconfig"] = str(_existing(Path(facts["kubeconfig"])))
        if facts["app_database_url"] and not facts["database_url"]:
            raise Misnamed("--app-database-url is only of use together with --database-url: name both, or neither.")
        return Named(**facts)

    @property
    def relayed(self) -> bool:
        """Whether a relay is started: on the embedded database and Redis only, where it has users of its own."""
        return not (self.database_url or self.redis_url)

    def facts(self) -> dict[str, str]:
        """What to remember."""
        return {name: value for name, value in asdict(self).items() if value}


def check(named: Named, found: Mapping[str, Found], layout: Layout, tell: Callable[[str], None]) -> str:
    """Try everything that was named; the service's address of a named database, or nothing."""
    address = ""
    if named.kubeconfig:
        check_cluster(found["kubectl"], named.kubeconfig)
        tell(f"cluster of {named.kubeconfig} answers; it was named on purpose")
    if named.database_url:
        address = _check_databases(named, found["postgres"], layout, tell)
    if named.redis_url:
        check_redis(named.redis_url)
        tell(f"Redis {without_password(named.redis_url)} answers; it was named on purpose")
    return address


def _check_databases(named: Named, postgres: Found, layout: Layout, tell: Callable[[str], None]) -> str:
    psql, environment = postgres.path.with_name("psql"), postgres.environment
    client = check_database(psql, named.database_url, environment)
    tell(f"database {without_password(named.database_url)} answers; it was named on purpose")
    if not named.app_database_url:
        return application_url(client, named.database_url, layout)
    check_database(psql, named.app_database_url, environment)
    tell("the service's role answers too")
    return named.app_database_url


def check_cluster(kubectl: Found, kubeconfig: str) -> str:
    """The named cluster's version, or Unreachable with kubectl's own words."""
    command = [
        str(kubectl.path),
        f"--kubeconfig={kubeconfig}",
        "--request-timeout=10s",
        "get",
        "--raw",
        "/version",
    ]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(Path.home()),
        **kubectl.environment,
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Unreachable(
            f"the cluster of {kubeconfig} does not answer:\n    {done.stderr.strip()}\n"
            f"Try `kubectl --kubeconfig {kubeconfig} version`, "
            f"or take the embedded cluster: --kubeconfig {EMBEDDED}."
        )
    return done.stdout


def check_database(psql: Path, url: str, environment: Mapping[str, str]) -> Psql:
    """A way into the named database, tried."""
    client = Psql(psql, settings_of(url), environment)
    try:
        client.run("SELECT 1")
    except SqlRefused as problem:
        raise Unreachable(
            f"the database {without_password(url)} refused us:\n    {problem}\n"
            f"Check address, user and password, or take the embedded one: --database-url {EMBEDDED}."
        ) from problem
    return client


def application_url(client: Psql, url: str, layout: Layout) -> str:
    """The service's own way into a named database; its role is made there if it is missing."""
    password = keep_secret(layout.secret(f"postgres-external-{APPLICATION}"))
    mine = _with_user(url, APPLICATION, password)
    if client.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{APPLICATION}'") != "1":  # noqa: S608 - a constant
        client.run(role_statement(APPLICATION, RIGHTS_OUTSIDE, password))
    try:
        Psql(client.binary, settings_of(mine), client.environment).run("SELECT 1")
    except SqlRefused as problem:
        raise Unreachable(
            f"the role {APPLICATION} of {without_password(url)} has a password this checkout does not know:\n"
            f"    {problem}\nName the service's own address too: --app-database-url "
            f"postgresql://{APPLICATION}:…@…"
        ) from problem
    return mine


def check_redis(url: str) -> None:
    """The named Redis answers PING."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise Misnamed(f"REDIS_URL {without_password(url)!r} has to be like rediss://user:password@host:6379/0.")
    context = None
    if parts.scheme == "rediss":
        context = ssl.create_default_context(cafile=dict(parse_qsl(parts.query)).get("ssl_ca_certs"))
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    try:
        redis_ping(parts.hostname, parts.port or 6379, context, user, password)
    except NotReady as problem:
        raise Unreachable(
            f"the Redis at {without_password(url)} refused us: {problem}\n"
            "Check address, user, password and authority (?ssl_ca_certs=FILE), or take the embedded one: "
            f"--redis-url {EMBEDDED}."
        ) from problem


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":…@", 1)


def _with_user(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{quote(password)}@{address}").geturl()


def _existing(path: Path) -> Path:
    absolute = path.expanduser().resolve()
    if not absolute.is_file():
        raise Misnamed(f"--kubeconfig {path} is not a file. Name an existing kubeconfig, or {EMBEDDED!r}.")
    return absolute
