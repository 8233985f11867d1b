"""The README's tour of identity on real parts: sign up, log in, work, use kubectl, be refused next door, be removed.

Everything is done as a person does it: by mail, the command line, and kubectl with the kubeconfig that the API issues.
"""

import base64
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.e2e import people
from tests.e2e.checkout import Checkout, Result, run
from tests.e2e.replicas import until

SLUG, OWNER, BOB = "zephyr-foods", "ada@zephyr.example", "bob@zephyr.example"
NEIGHBOUR = people.SHOWN
PODS = ("-n", f"org-{SLUG}", "get", "pods")
AT_MOST = 5.0  # seconds that whoever is out may still get in


@dataclass
class Person:
    """Somebody at a terminal of their own: a state folder for the command line, a kubeconfig for kubectl."""

    platform: Checkout
    email: str
    home: Path

    def cli(self, *arguments: str, typed: str = "") -> Result:
        return self._run(["agent-ready", *arguments], typed)

    def kubectl(self, *arguments: str) -> Result:
        return self._run(["kubectl", "--kubeconfig", str(self.home / "kubeconfig"), *arguments])

    def log_in(self) -> None:
        self.cli("login", self.email, "--password-stdin", typed=people.PASSWORD).ok()
        self.cli("kubeconfig", SLUG, "--output", str(self.home / "kubeconfig"), "--force").ok()

    def token(self) -> str:
        """For kubectl, as the exec plugin gives it."""
        shown = json.loads(self.cli("token").ok().out)
        token: str = shown["status"]["token"]
        return token

    def shows(self, token: str, *arguments: str) -> Result:
        """kubectl with that token and nothing else."""
        environment = self.platform.environment
        place = [
            "--server",
            environment["KUBERNETES_URL"],
            "--certificate-authority",
            environment["KUBERNETES_CA_FILE"],
        ]
        return self._run(["kubectl", "--kubeconfig", os.devnull, *place, "--token", token, *arguments])

    def _run(self, command: list[str], typed: str = "") -> Result:
        environment = {**self.platform.environment, "XDG_STATE_HOME": str(self.home), "AGENT_READY_AS": "session"}
        return run(command, self.home, environment, typed)


@pytest.fixture(scope="module")
def signed_up(served: Checkout) -> Iterator[Checkout]:
    """The platform after a sign-up by anybody."""
    body = {"name": "Zephyr Foods", "owner_email": OWNER}
    with httpx2.Client(base_url=served.environment["API_URL"], trust_env=False, timeout=60) as anybody:
        answer = anybody.post("/v1/organizations", json=body, headers={"Idempotency-Key": "tour"})
        assert answer.status_code == 201, answer.text
        assert "password" not in answer.text and "token" not in answer.text, "what the owner gets is mailed"
    yield served


@pytest.fixture(scope="module")
def ada(signed_up: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The owner, with the password that the mailed token has set, logged in."""
    token = tmp_path_factory.mktemp("mail") / "token"
    until(lambda: people.mailed(signed_up, OWNER), 10, "the owner's mail")
    token.write_text(people.mailed(signed_up, OWNER)[-1])
    person = Person(signed_up, OWNER, tmp_path_factory.mktemp("ada"))
    person.cli("password", "set", "--token-file", str(token), "--password-stdin", typed=people.PASSWORD).ok()
    person.log_in()
    return person


@pytest.fixture(scope="module")
def bob(ada: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Invited as a member, with an account of his own."""
    ada.cli("invite", SLUG, BOB, "--role", "member").ok()
    until(lambda: people.mailed(ada.platform, BOB), 10, "the invitation")
    token = tmp_path_factory.mktemp("invitation") / "token"
    token.write_text(people.mailed(ada.platform, BOB)[-1])
    person = Person(ada.platform, BOB, tmp_path_factory.mktemp("bob"))
    person.cli("invitation", "accept", "--token-file", str(token), "--password-stdin", typed=people.PASSWORD).ok()
    person.log_in()
    return person


def within(condition: Callable[[], bool], what: str) -> float:
    """Seconds until the condition holds; it has to within AT_MOST."""
    began = time.monotonic()
    until(condition, AT_MOST, what)
    return time.monotonic() - began


def test_the_owner_works_and_sees_nothing_of_the_neighbour(ada: Person) -> None:
    assert f'"{SLUG}"' in ada.cli("whoami", "--json").ok().out.replace(" ", "").replace("\n", "")
    made = json.loads(ada.cli("projects", "create", "Harvest", "--json").ok().out)
    ada.cli("notes", "create", made["id"], "Barley first").ok()
    assert "Harvest" in ada.cli("projects", "list").ok().out
    told = {slug: ada.cli("show", slug) for slug in (NEIGHBOUR, "no-such-one")}
    assert {answer.code for answer in told.values()} == {3}
    said = {re.sub(f"{slug}|request [0-9a-f]+", "…", answer.out) for slug, answer in told.items()}
    assert len(said) == 1, f"a neighbour is told from nobody: {said}"


def test_the_owner_uses_kubectl_as_the_role_says_and_nothing_next_door(ada: Person) -> None:
    ada.kubectl("get", "pods").ok()
    ada.kubectl("create", "configmap", "mine", "--from-literal=a=b").ok()
    assert "yes" in ada.kubectl("auth", "can-i", "create", "rolebindings").ok().out
    for refused in (
        ("-n", f"org-{NEIGHBOUR}", "get", "pods"), ("get", "namespaces"), ("get", "nodes"),
        ("delete", "resourcequota", "quota"), ("label", "namespace", f"org-{SLUG}", "isolation-ready-"),
    ):  # fmt: skip
        answer = ada.kubectl(*refused)
        assert answer.code != 0 and "forbidden" in answer.out.lower(), f"{refused}: {answer.out}"
    who = json.loads(ada.kubectl("auth", "whoami", "-o", "json").ok().out)["status"]["userInfo"]
    assert who["username"] == f"agent-ready:{OWNER}"
    assert set(who["groups"]) == {"system:authenticated"}, "no group of a token grants anything"


def test_a_member_does_what_a_member_may(bob: Person) -> None:
    bob.kubectl("get", "pods").ok()
    assert "forbidden" in bob.kubectl("get", "secrets").out.lower(), "secrets are for admins"
    assert bob.cli("members", "remove", SLUG, OWNER, "--reason", "mutiny").code == 3
    bob.cli("projects", "create", "Cider").ok()


def test_a_log_out_reaches_kubectl_although_the_token_lives_on(bob: Person) -> None:
    token = bob.token()
    bob.shows(token, *PODS).ok()
    bob.cli("logout").ok()
    within(lambda: bob.shows(token, *PODS).code != 0, "the log-out")
    assert bob.kubectl("get", "pods").code != 0, "and there is no other token"
    bob.log_in()
    bob.kubectl("get", "pods").ok()


def test_a_removed_member_is_out_of_the_api_and_the_cluster(ada: Person, bob: Person) -> None:
    token = bob.token()
    bob.shows(token, *PODS).ok()
    ada.cli("members", "remove", SLUG, BOB, "--reason", "left").ok()
    within(lambda: bob.shows(token, *PODS).code != 0, "kubectl to refuse")
    within(lambda: bob.cli("projects", "list").code != 0, "the API to refuse")
    assert BOB not in ada.platform.kubectl("-n", f"org-{SLUG}", "get", "rolebindings", "-o", "json").ok().out


def test_the_offline_way_trusts_the_issuer_and_a_removed_or_logged_out_member_is_out_all_the_same(
    ada: Person, tmp_path: Path
) -> None:
    """The API server's own check of ID tokens instead of the token webhook: the file is watched, nothing restarts."""
    platform = ada.platform
    file = platform.folder / ".local" / "kube-apiserver" / "authentication.json"
    before, environment = file.read_text(), platform.environment
    issuer = {
        "url": environment["ISSUER_URL"], "audiences": ["kubernetes"],
        "certificateAuthority": Path(environment["ISSUER_CA_FILE"]).read_text(),
    }  # fmt: skip
    mapped = {"username": {"claim": "email", "prefix": "agent-ready:"}, "uid": {"claim": "sub"}}
    try:
        file.write_text(json.dumps({**json.loads(before), "jwt": [{"issuer": issuer, "claimMappings": mapped}]}))
        token = ada.token()
        ada.shows(token, *PODS).ok()
        assert "forbidden" in ada.shows(token, "-n", f"org-{NEIGHBOUR}", "get", "pods").out.lower()
        ada.cli("logout").ok()
        within(lambda: ada.shows(token, *PODS).code != 0, "the log-out")
    finally:
        file.write_text(before)
        ada.log_in()


def test_every_act_stands_in_the_audit_log_and_its_export_verifies(ada: Person, tmp_path: Path) -> None:
    export = tmp_path / "audit.ndjson"
    ada.cli("audit", "export", SLUG, "--output", str(export)).ok()
    acts = [json.loads(json.loads(line)["entry"]) for line in export.read_text().splitlines()[:-1]]
    removed = next(act for act in acts if act["action"] == "member removed")
    assert (removed["actor"], removed["target"], removed["reason"]) == (OWNER, BOB, "left"), removed
    assert removed["old"] == {"role": "member"} and removed["new"] is None and removed["request_id"]
    ada.cli("audit", "verify", str(export)).ok()
    export.write_text(export.read_text().replace("member removed", "member praised"))
    assert ada.cli("audit", "verify", str(export)).code == 1, "tampering shows"


def test_rows_are_isolated_for_the_tenants_own_login_too(ada: Person) -> None:
    secret = json.loads(
        ada.platform.kubectl("-n", f"org-{SLUG}", "get", "secret", "database", "-o", "json").ok().out
    )["data"]  # fmt: skip
    url = base64.b64decode(secret["url"]).decode()
    neighbour = ada.platform.sql(f"select id from tenancy.organizations where slug = '{NEIGHBOUR}'")[0][0]
    with psycopg.connect(url, sslrootcert=ada.platform.environment["ISSUER_CA_FILE"]) as tenant:
        assert [name for (name,) in tenant.execute("select name from tenancy.projects order by name")][-1] == "Harvest"
        tenant.execute("select set_config('app.current_org', %s, false)", [neighbour])
        seen = tenant.execute("select slug from tenancy.organizations").fetchall()
        assert seen == [(SLUG,)], "whatever app.current_org says"
