"""An organization's way to live configuration: what its Secret opens at Redis, and everything that it does not.

The adversary is a pod of Acme: it holds the real credential that the platform has made, and tries every command that
the server has, every channel of others, and every pattern wider than its own.
"""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from tests.e2e.checkout import Checkout

SLUG, OTHER = "acme-robotics", "northwind-logistics"
#: What a pod may say: who it is, that it is there, and what it wants to hear. `reset` ends its own login.
MAY = {
    "auth", "hello", "ping", "quit", "reset", "client|setname",
    "subscribe", "psubscribe", "unsubscribe", "punsubscribe",
}  # fmt: skip
#: What the server refuses to everybody, before it looks who asks.
SWITCHED_OFF = {"debug", "module"}
#: What is not refused by its name alone, and what would be worst. Own and other are organizations' numbers.
REFUSED = """
PUBLISH config:{own}:ai:threshold version=9
SPUBLISH config:{own}:ai:threshold version=9
SUBSCRIBE config:{other}:ai:threshold
SUBSCRIBE config:{own}
SUBSCRIBE config:
SUBSCRIBE config:{own}0:a:b
SUBSCRIBE config:{own}:a:b config:{other}:a:b
SUBSCRIBE __keyspace@0__:x
SUBSCRIBE revoked:{own}
PSUBSCRIBE *
PSUBSCRIBE config:*
PSUBSCRIBE config:?:*
PSUBSCRIBE config:[0-9]*
PSUBSCRIBE config:{other}:*
PSUBSCRIBE config:{own}*
PSUBSCRIBE config:{own}:* config:{other}:*
PSUBSCRIBE config:0*
SSUBSCRIBE config:{own}:ai:threshold
GET config:{own}:ai:threshold
SET a b
SELECT 1
SCAN 0
ACL LIST
ACL WHOAMI
ACL SETUSER org_{own} +@all
ACL DRYRUN org_{other} PING
CLIENT LIST
CLIENT KILL ID 1
CLIENT NO-EVICT on
CLIENT TRACKING on
CONFIG GET *
CONFIG SET maxmemory 1
SCRIPT LOAD x
EVAL x 0
FUNCTION LIST
MONITOR
PUBSUB CHANNELS
PUBSUB NUMPAT
MULTI
SHUTDOWN NOSAVE
COMMAND LIST
""".strip().splitlines()


def secret(checkout: Checkout, slug: str) -> dict[str, str]:
    """What the organization's Secret holds."""
    found = checkout.kubectl("-n", f"org-{slug}", "get", "secret", "live-configuration", "-o", "json").ok().out
    return {key: base64.b64decode(value).decode() for key, value in json.loads(found)["data"].items()}


def connect(held: dict[str, str], folder: Path, **instead: str) -> redis.Redis:
    """Redis, as a pod with this Secret reaches it."""
    (folder / "ca.crt").write_text(held["ca.crt"])
    named = {"username": held["LIVECONFIG_USER"], "password": held["LIVECONFIG_PASSWORD"], **instead}
    return redis.Redis.from_url(
        held["LIVECONFIG_REDIS_URL"], ssl_ca_certs=str(folder / "ca.crt"), retry=Retry(NoBackoff(), 1),
        decode_responses=True, driver_info=None, socket_timeout=5, **named,
    )  # fmt: skip


@pytest.fixture
def pod(deployed: Checkout, tmp_path: Path) -> Iterator[redis.Redis]:
    with connect(secret(deployed, SLUG), tmp_path) as client:
        yield client


@pytest.fixture
def operator(deployed: Checkout) -> Iterator[redis.Redis]:
    environment = deployed.environment
    with redis.Redis.from_url(
        environment["REDIS_OPERATOR_URL"], ssl_ca_certs=environment["REDIS_CA_FILE"], decode_responses=True,
        driver_info=None,
    ) as client:  # fmt: skip
        yield client


def commands(operator: redis.Redis, held: dict[str, str], folder: Path) -> list[list[str]]:
    """Every command and subcommand of the server, with as many arguments as it needs at least."""
    operator.execute_command("ACL", "SETUSER", "prober", "on", ">prober", "+@all")
    try:
        with connect(held, folder, username="prober", password="prober") as prober:
            known = prober.execute_command("COMMAND")
    finally:
        operator.execute_command("ACL", "DELUSER", "prober")
    listed = known.values() if isinstance(known, dict) else known
    return [words for one in listed for words in _spelled(one)]


def _spelled(known: Any) -> Iterator[list[str]]:
    if isinstance(known, dict):
        name, arity, below = known["name"], known["arity"], known.get("subcommands") or []
    else:
        name, arity, below = known[0], known[1], known[9] if len(known) > 9 else []
    for one in below:
        yield from _spelled(one)
    if not below:
        words = name.split("|")
        yield [*words, *["1"] * (abs(int(arity)) - len(words))]


def test_of_all_commands_a_pod_may_only_listen(
    deployed: Checkout, pod: redis.Redis, operator: redis.Redis, tmp_path: Path
) -> None:
    tried = commands(operator, secret(deployed, SLUG), tmp_path)
    assert len(tried) > 250, "the server has told all of them"
    names = {words[0] if len(words) < 2 else f"{words[0]}|{words[1]}" for words in tried} | {w[0] for w in tried}
    assert MAY - names == set(), "what it may is spelled as the server spells it"
    for words in tried:
        if words[0] in MAY or "|".join(words[:2]) in MAY:
            continue
        with pytest.raises(redis.ResponseError, match=r"no permissions to run|command not allowed") as refused:
            pod.execute_command(*words)
        assert "no permissions to run" in str(refused.value) or words[0] in SWITCHED_OFF, words
    assert pod.ping() is True


@pytest.mark.parametrize("words", REFUSED)
def test_what_a_pod_must_not_is_refused(deployed: Checkout, tmp_path: Path, words: str) -> None:
    own, other = secret(deployed, SLUG), secret(deployed, OTHER)["LIVECONFIG_ORG"]
    with connect(own, tmp_path) as pod, pytest.raises(NoPermissionError):
        pod.execute_command(*words.format(own=own["LIVECONFIG_ORG"], other=other).split())


def test_a_pod_hears_a_real_change_of_its_own_and_of_the_defaults_and_nobody_elses(
    deployed: Checkout, pod: redis.Redis
) -> None:
    own = secret(deployed, SLUG)["LIVECONFIG_ORG"]
    deployed.python("-m", "service.sweeper", "--once").ok()
    with pod.pubsub(ignore_subscribe_messages=True) as heard:
        heard.psubscribe(f"config:{own}:*", "config:0:*")
        for slug in (OTHER, SLUG):
            deployed.sql(
                "insert into tenancy.service_configs as c (org_id, service, key, value, source) "
                f"select id, 'ai', 'threshold', '0.25', 'api' from tenancy.organizations where slug = '{slug}' "
                "on conflict (org_id, service, key) do update set value = '0.125', version = c.version + 1, "
                "source = 'api'"
            )
        deployed.python("-m", "service.sweeper", "--once").ok()
        newest = deployed.sql(
            f"select version from tenancy.service_configs where (org_id, service, key) = ({own}, 'ai', 'threshold')"
        )[0][0]
        messages = []
        end = time.monotonic() + 10
        while time.monotonic() < end and f"version={newest}" not in [m["data"] for m in messages]:
            if message := heard.get_message(timeout=1):
                messages.append(message)
    assert messages and {m["channel"] for m in messages} <= {f"config:{own}:ai:threshold"}, messages
    assert messages[-1]["data"] == f"version={newest}", "a version, never a value"


def test_nobody_else_has_the_password_and_each_organization_has_its_own(
    deployed: Checkout, tmp_path: Path, slugs: list[str]
) -> None:
    held = {slug: secret(deployed, slug) for slug in slugs}
    assert len({one["LIVECONFIG_PASSWORD"] for one in held.values()}) == len(slugs)
    for name, password in (
        (held[OTHER]["LIVECONFIG_USER"], held[SLUG]["LIVECONFIG_PASSWORD"]), (held[SLUG]["LIVECONFIG_USER"], ""),
        ("default", ""), ("operator", held[SLUG]["LIVECONFIG_PASSWORD"]),
    ):  # fmt: skip
        somebody = connect(held[SLUG], tmp_path, username=name, password=password)
        with somebody, pytest.raises((AuthenticationError, redis.ResponseError)):
            somebody.execute_command("PING")


def test_the_password_is_nowhere_in_the_clear(deployed: Checkout) -> None:
    password = secret(deployed, SLUG)["LIVECONFIG_PASSWORD"]
    assert password not in deployed.pulumi("stack", "export").ok().out
    for folder in ("logs", "pulumi-state", "redis"):
        for path in (deployed.folder / ".local" / folder).rglob("*"):
            assert not path.is_file() or password not in path.read_bytes().decode(errors="replace"), path


def test_a_user_that_was_removed_or_widened_is_drift_and_the_next_update_repairs_it(
    deployed: Checkout, operator: redis.Redis
) -> None:
    name = secret(deployed, SLUG)["LIVECONFIG_USER"]
    whole = [line for line in operator.execute_command("ACL", "LIST") if f" {name} " in line]
    for damage in (["DELUSER", name], ["SETUSER", name, "&*"], ["SETUSER", name, "off"]):
        operator.execute_command("ACL", *damage)
        deployed.pulumi("refresh", "--yes", "--skip-preview").ok()
        changes = deployed.up()
        assert changes.pop("same") > 50 and changes == {"update": 1}, "one user, in place"
        assert [line for line in operator.execute_command("ACL", "LIST") if f" {name} " in line] == whole
    assert set(deployed.up()) == {"same"}


def test_a_deleted_organization_leaves_neither_credential_nor_user(deployed: Checkout, operator: redis.Redis) -> None:
    deployed.edit("gone-soon", name="Gone Soon", members=[{"email": "ada@gone.example", "role": "owner"}])
    deployed.up()
    held = secret(deployed, "gone-soon")
    assert held["LIVECONFIG_USER"] in operator.execute_command("ACL", "USERS")
    (deployed.catalog / "gone-soon.yaml").unlink()
    deployed.up()
    assert held["LIVECONFIG_USER"] not in operator.execute_command("ACL", "USERS")
    assert deployed.sql(f"select * from tenancy.pod_credentials where org_id = {held['LIVECONFIG_ORG']}") == []
