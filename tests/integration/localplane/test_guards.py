"""Nobody gets in who should not: at the API server, etcd, PostgreSQL, Redis, and on the disk."""

from __future__ import annotations

import json
import signal
import ssl
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from localplane import processes
from localplane.errors import NotReady
from localplane.pki import CLUSTER, ETCD, Pki
from localplane.probes import https_ok, trust
from tests.integration.localplane.checkouts import Checkout

PLAIN, VISIBLE = "correct-horse-battery-staple", "written-on-the-wall"
LISTENING = "0A"
FORBIDDEN_TO_PUBLISHER = (
    "PUBLISH other:42 x", "SUBSCRIBE revocations", "GET x", "SET x y", "SUBSCRIBE config:42:billing:currency",
    "PSUBSCRIBE config:*", "ACL WHOAMI", "CONFIG GET *", "CLIENT LIST", "INFO",
)  # fmt: skip


def test_an_anonymous_call_is_refused(plane: Checkout) -> None:
    context = trust(Pki(plane.layout.pki).certificate(CLUSTER))
    for path in ("/version", "/readyz", "/api/v1/namespaces"):
        with pytest.raises(NotReady, match="401"):
            https_ok(plane.record.ports["kube-apiserver"], path, context)


@pytest.mark.parametrize("identity", ["pulumi", "service"])
def test_our_own_identities_have_no_group_and_no_rights_by_birth(plane: Checkout, identity: str) -> None:
    config = f"--kubeconfig={plane.layout.kubeconfig_of(identity)}"
    who = json.loads(plane.run("kubectl", config, "auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
    assert who["username"] == f"agent-ready:{identity}"
    assert who["groups"] == ["system:authenticated"]
    refused = plane.run("kubectl", config, "get", "secrets", "-A", check=False)
    assert "forbidden" in refused.stderr


@pytest.mark.parametrize("name", ["client-pulumi", "client-admin", None])
def test_etcd_answers_the_api_server_only(plane: Checkout, name: str | None) -> None:
    pki = Pki(plane.layout.pki)
    client = (pki.certificate(name), pki.key(name)) if name else (None, None)
    with pytest.raises(NotReady):
        https_ok(plane.record.ports["etcd"], "/health", trust(pki.certificate(ETCD), *client))


def test_secrets_are_encrypted_on_the_disk(plane: Checkout) -> None:
    plane.run("kubectl", "create", "secret", "generic", "sealed", f"--from-literal=word={PLAIN}")
    plane.run("kubectl", "create", "configmap", "open", f"--from-literal=word={VISIBLE}")
    stored = b"".join(path.read_bytes() for path in plane.layout.data("etcd").rglob("*") if path.is_file())
    assert VISIBLE.encode() in stored, "the search would not have found the Secret either"
    assert PLAIN.encode() not in stored
    assert b"k8s:enc:secretbox:v1:local:" in stored


def test_the_audit_log_tells_who_touched_a_secret_but_not_what_is_in_it(plane: Checkout) -> None:
    plane.run("kubectl", "create", "secret", "generic", "audited", "--from-literal=word=never-to-be-logged")
    log = (plane.layout.logs / "audit.log").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    told = [(e["verb"], e["user"]["username"]) for e in events if e.get("objectRef", {}).get("name") == "audited"]
    assert ("create", "agent-ready:admin") in told
    assert "never-to-be-logged" not in log
    assert "leases" not in {e.get("objectRef", {}).get("resource") for e in events}, "heartbeats fill the log"


def test_quotas_are_counted_and_namespaces_end(plane: Checkout) -> None:
    plane.run("kubectl", "create", "namespace", "org-test")
    plane.run("kubectl", "-n", "org-test", "create", "quota", "main", "--hard=cpu=10,persistentvolumeclaims=1")
    _wait_for(plane, "-n", "org-test", "wait", "quota/main", "--for=jsonpath={.status.hard.cpu}=10")
    _wait_for(plane, "-n", "org-test", "wait", "serviceaccount/default", "--for=create")
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "org-test"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}  # fmt: skip
    plane.run("kubectl", "create", "-f", "-", given=json.dumps(claim))
    plane.run("kubectl", "delete", "namespace", "org-test", "--timeout=30s")


def test_a_privileged_pod_is_refused_where_the_namespace_says_restricted(plane: Checkout) -> None:
    plane.run("kubectl", "create", "namespace", "strict")
    plane.run("kubectl", "label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
    _wait_for(plane, "-n", "strict", "wait", "serviceaccount/default", "--for=create")
    refused = plane.run("kubectl", "-n", "strict", "run", "x", "--image=x", check=False)
    assert "violates PodSecurity" in refused.stderr


def test_the_database_takes_no_connection_without_tls(plane: Checkout) -> None:
    url = plane.env()["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.info.parameter_status("is_superuser") == "off"
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(url, sslmode="disable")


def test_the_database_roles_have_what_they_need_and_no_more(plane: Checkout) -> None:
    rows = plane.sql(
        "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname LIKE 'agent%' ORDER BY 1"
    )
    no_rights = [f"agent_ready_{name}|f|f|f" for name in ("app", "relay", "state")]
    assert rows.splitlines() == sorted([*no_rights, "agent_ready_platform|f|t|f"])
    owners = plane.sql(
        "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE 'agent%' ORDER BY 1"
    )
    assert owners.splitlines() == ["agent_ready|agent_ready_platform", "agent_ready_state|agent_ready_state"]
    assert plane.sql("SELECT has_database_privilege('agent_ready_platform', 'agent_ready_state', 'CONNECT')") == "f"
    assert plane.sql("SHOW fsync") == "on"


def test_the_publisher_can_publish_hints_and_nothing_else(plane: Checkout) -> None:
    with _redis(plane, "REDIS_URL") as publisher:
        assert publisher.publish("config:42:billing:currency", "version=7") == 0
        assert publisher.publish("revocations", "version=7") == 0
        for refused in FORBIDDEN_TO_PUBLISHER:
            with pytest.raises(redis.exceptions.NoPermissionError):
                publisher.execute_command(*refused.split())


def test_the_relay_can_listen_to_configuration_and_nothing_else(plane: Checkout) -> None:
    with _redis(plane, "RELAY_REDIS_URL") as relay, relay.pubsub() as heard:
        heard.psubscribe("config:*")
        assert heard.get_message(timeout=2)
        for refused in ("PUBLISH config:42:a:b version=1", "PSUBSCRIBE *", "GET config", "ACL LIST", "CLIENT LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                relay.execute_command(*refused.split())


def test_the_listener_hears_of_revocations_and_nothing_else(plane: Checkout) -> None:
    with _redis(plane, "REDIS_LISTENER_URL") as listener, listener.pubsub() as heard, _redis(plane, "REDIS_URL") as by:
        heard.subscribe("revocations")
        assert heard.get_message(timeout=2)
        assert by.publish("revocations", "version=7") == 1
        message = heard.get_message(timeout=2)
        assert message and message["data"] == "version=7"
        for refused in ("PUBLISH revocations x", "SUBSCRIBE config:42:a:b", "PSUBSCRIBE *", "GET x", "ACL LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                listener.execute_command(*refused.split())


def test_users_that_the_operator_saved_survive_a_restart(plane: Checkout) -> None:
    with _redis(plane, "REDIS_OPERATOR_URL") as operator:
        operator.execute_command("ACL", "SETUSER", "org-42", "on", ">word", "&config:42:*", "-@all", "+subscribe")
        operator.execute_command("ACL", "SAVE")
    victim = plane.identities()["redis"]
    plane.up()
    assert plane.identities()["redis"] == victim, "saving users made Redis restart"
    processes.send(victim, signal.SIGKILL)
    plane.up()
    with _redis(plane, "REDIS_OPERATOR_URL") as operator:
        assert "org-42" in operator.execute_command("ACL", "USERS")


def test_nobody_without_a_name_reaches_redis(plane: Checkout) -> None:
    port, once = plane.record.ports["redis"], Retry(NoBackoff(), 0)
    nobody = redis.Redis(port=port, retry=once, ssl=True, ssl_ca_certs=plane.env()["REDIS_CA_FILE"])
    with nobody, pytest.raises(redis.exceptions.AuthenticationError):
        nobody.ping()
    with redis.Redis(port=port, retry=once) as plain, pytest.raises(redis.exceptions.ConnectionError):
        plain.ping()


def test_every_server_listens_on_loopback_only(plane: Checkout) -> None:
    for name, identity in plane.identities().items():
        addresses = _listening_addresses(identity.pid)
        assert addresses == {"0100007F"}, f"{name} listens on {addresses}"


def test_what_is_secret_is_for_the_owner_only(plane: Checkout) -> None:
    local = plane.layout.local
    public = {"ca.crt", "etcd-ca.crt"}
    for path in local.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in public:
            parents = path.relative_to(local).parents
            closed = any((local / parent).stat().st_mode & 0o077 == 0 for parent in parents)
            assert closed or path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"


def test_no_process_shows_a_secret_in_its_arguments(plane: Checkout) -> None:
    secrets = [path.read_text().strip() for path in plane.layout.secret("x").parent.iterdir()]
    for identity in plane.identities().values():
        shown = Path(f"/proc/{identity.pid}/cmdline").read_text()
        assert not any(secret in shown for secret in secrets)


def _wait_for(plane: Checkout, *arguments: str) -> None:
    plane.run("kubectl", *arguments, "--timeout=30s")


def _redis(plane: Checkout, variable: str) -> redis.Redis:
    env = plane.env()
    return redis.Redis.from_url(
        env[variable], ssl_ca_certs=env["REDIS_CA_FILE"], ssl_cert_reqs=ssl.CERT_REQUIRED, decode_responses=True
    )


def _listening_addresses(pid: int) -> set[str]:
    inodes = {str(link.readlink())[8:-1] for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return {line[1].partition(":")[0] for line in lines if line[3] == LISTENING and line[9] in inodes}
