"""The relay as one of the platform's processes: what it is started with, and where it is not started."""

from __future__ import annotations

from pathlib import Path

from localplane import envfile
from localplane.external import Named
from localplane.layout import Layout
from localplane.parts import Found
from localplane.pki import Pki
from localplane.plane import served
from localplane.servers import ALL, EVERYTHING, SERVED, Api, Ground, OAuth2Proxy, Relay

ENVIRONMENT = """\
export RELAY_ADDRESS=127.0.0.1:20001
export RELAY_DATABASE_URL=postgresql://agent_ready_relay:p@127.0.0.1/agent_ready
export RELAY_REDIS_URL=rediss://relay:p@127.0.0.1/0
export REDIS_URL=rediss://publisher:p@127.0.0.1/0
export REDIS_CA_FILE=/ca.crt
export PLATFORM_DATABASE_URL=postgresql://agent_ready_platform:p@127.0.0.1/agent_ready
export OPERATOR_TOKEN=token
"""


def relay(root: Path) -> Relay:
    layout = Layout(root)
    layout.prepare()
    layout.env.write_text(ENVIRONMENT)
    pki = Pki(layout.pki)
    pki.ensure()
    found = {"pulumi": Found("pulumi", "3", Path("/usr/bin/pulumi"), "path", "", {})}
    return Relay(Ground(layout, {"relay": 20_001, "relay-metrics": 20_002}, pki, found))


def test_it_gets_its_own_ways_in_and_no_more(tmp_path: Path) -> None:
    given = relay(tmp_path).environment()
    said = envfile.read(tmp_path / ".local" / "env")
    assert given["RELAY_DATABASE_URL"] == said["RELAY_DATABASE_URL"]
    assert given["REDIS_URL"] == said["RELAY_REDIS_URL"], "as one who listens, not as the publisher"
    assert (given["RELAY_LISTEN"], given["RELAY_METRICS"]) == ("127.0.0.1:20001", "127.0.0.1:20002")
    assert not {"PLATFORM_DATABASE_URL", "OPERATOR_TOKEN", "DATABASE_URL"} & given.keys()
    for file in ("RELAY_TLS_CERT", "RELAY_TLS_KEY"):
        assert Path(given[file]).is_file(), f"{file} is of the platform's own CA"


def test_changed_code_means_a_restart(tmp_path: Path) -> None:
    server = relay(tmp_path)
    before = server.fingerprint()
    (tmp_path / "liveconfig").mkdir()
    (tmp_path / "liveconfig" / "follower.py").write_text("changed\n")
    assert server.fingerprint() != before


def test_it_is_started_with_the_api_where_database_and_redis_are_ours() -> None:
    assert served(Named()) == (Api, Relay, OAuth2Proxy) == SERVED
    assert served(Named(kubeconfig="/k")) == SERVED, "another cluster's pods reach it as well as ours would"
    assert served(Named(redis_url="rediss://r")) == served(Named(database_url="postgresql://d")) == (Api, OAuth2Proxy)
    assert Relay not in ALL and Relay in EVERYTHING, "`up` comes before the schema; `down` stops it"
    assert set(Relay.needs) == {"postgres", "redis"}
