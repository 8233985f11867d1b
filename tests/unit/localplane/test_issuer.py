"""What the issuer, OAuth2-Proxy and the API server are told of each other."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet

from localplane import envfile, issuer
from localplane.external import Named
from localplane.layout import Layout
from localplane.parts import Found
from localplane.pki import Pki
from localplane.servers import ApiServer, Ground, OAuth2Proxy

PORTS = {"api": 20_001, "issuer": 20_002, "console": 20_003, "kube-apiserver": 20_004, "etcd": 20_005}


def ground(root: Path) -> Ground:
    layout = Layout(root)
    layout.prepare()
    pki = Pki(layout.pki)
    pki.ensure()
    found = {
        name: Found(name, "1", Path("/usr/bin") / name, "path", "", {}) for name in ("oauth2-proxy", "kube-apiserver")
    }
    return Ground(layout, PORTS, pki, found)


def console(root: Path) -> OAuth2Proxy:
    given = ground(root)
    facts = {**issuer.facts(given, Named()), "API_URL": "http://127.0.0.1:20001"}
    given.layout.env.write_text("".join(f"export {name}='{value}'\n" for name, value in facts.items()))
    return OAuth2Proxy(given)


def test_the_facts_stay_the_same_and_the_secrets_differ(tmp_path: Path) -> None:
    facts = issuer.facts(ground(tmp_path), Named())
    assert facts == issuer.facts(ground(tmp_path), Named())
    secrets = [value for name, value in facts.items() if name.endswith(("_SECRET", "_KEYS"))]
    assert len(set(secrets)) == 4
    assert facts["ISSUER_URL"] == "https://127.0.0.1:20002"
    assert Path(facts["MAIL_FOLDER"]).stat().st_mode & 0o077 == 0
    assert all(Path(facts[name]).is_file() for name in ("ISSUER_TLS_CERT", "ISSUER_TLS_KEY", "ISSUER_CA_FILE"))


def test_another_seal_key_written_before_the_first_is_the_newest(tmp_path: Path) -> None:
    layout, newer = ground(tmp_path).layout, Fernet.generate_key().decode()
    first = issuer.seal_keys(layout)
    file = layout.secret("identity-seal-keys")
    file.write_text(f"{newer}\n{file.read_text()}")
    assert issuer.seal_keys(layout) == f"{newer} {first}"
    sealed = MultiFernet([Fernet(key) for key in issuer.seal_keys(layout).split()]).encrypt(b"x")
    assert Fernet(newer).decrypt(sealed) == b"x"


def test_a_named_clusters_address_is_not_guessed(tmp_path: Path) -> None:
    assert "KUBERNETES_URL" not in issuer.facts(ground(tmp_path), Named(kubeconfig="/k"))


def test_oauth2_proxy_gets_its_two_secrets_and_writes_none_of_them(tmp_path: Path) -> None:
    server = console(tmp_path)
    server.prepare()
    said, given = envfile.read(tmp_path / ".local" / "env"), server.environment()
    secrets = (said["CONSOLE_CLIENT_SECRET"], said["CONSOLE_COOKIE_SECRET"])
    assert (given["CONSOLE_CLIENT_SECRET"], given["OAUTH2_PROXY_COOKIE_SECRET"]) == secrets
    assert not {"IDENTITY_SEAL_KEYS", "TOKEN_WEBHOOK_SECRET", "MAIL_FOLDER"} & given.keys()
    shown = " ".join([*server.command(), *(path.read_text() for path in server.data.iterdir())])
    assert not any(secret in shown for secret in secrets)


def test_oauth2_proxy_serves_the_console_alone_and_strips_what_is_from_outside(tmp_path: Path) -> None:
    server = console(tmp_path)
    server.prepare()
    routes = json.loads((server.data / "oauth2-proxy.json").read_text())
    assert [(up["rewriteTarget"], up["uri"]) for up in routes["upstreamConfig"]["upstreams"]] == [
        ("/console", "http://127.0.0.1:20001")
    ]
    assert [header["name"] for header in routes["injectRequestHeaders"] if header["values"]] == ["Authorization"]
    assert not any(header.get("preserveRequestValue") for header in routes["injectRequestHeaders"])
    assert routes["providers"][0]["code_challenge_method"] == "S256"
    assert routes["providers"][0]["oidcConfig"]["issuerURL"] == "https://127.0.0.1:20002"


def test_oauth2_proxy_is_restarted_when_a_secret_or_the_issuers_address_changes(tmp_path: Path) -> None:
    server = console(tmp_path)
    server.prepare()
    before, env = server.fingerprint(), tmp_path / ".local" / "env"
    env.write_text(env.read_text().replace("20002", "20009"))
    server.prepare()
    moved = server.fingerprint()
    env.write_text(env.read_text() + "export CONSOLE_COOKIE_SECRET=another\n")
    assert len({before, moved, server.fingerprint()}) == 3


def test_the_api_server_asks_the_issuer_about_tokens_and_about_what_is_asked_with_them(tmp_path: Path) -> None:
    server = ApiServer(ground(tmp_path))
    server.prepare()
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in server.command() if "=" in flag)
    webhook = Path(flags["authentication-token-webhook-config-file"]).read_text()
    assert "server: https://127.0.0.1:20002/v1/kubernetes/token-review\n" in webhook
    assert f"token: {server.layout.secret('token-webhook').read_text().strip()}\n" in webhook
    assert flags["authentication-token-webhook-cache-ttl"] == "2s"
    assert json.loads(Path(flags["authentication-config"]).read_text())["jwt"] == []
    authorizers = json.loads(Path(flags["authorization-config"]).read_text())["authorizers"]
    assert [authorizer["name"] for authorizer in authorizers] == ["revocations", "rbac"]
    access = Path(authorizers[0]["webhook"]["connectionInfo"]["kubeConfigFile"]).read_text()
    assert "server: https://127.0.0.1:20002/v1/kubernetes/access-review\n" in access


def test_an_issuer_that_is_trusted_offline_meanwhile_means_no_restart(tmp_path: Path) -> None:
    server = ApiServer(ground(tmp_path))
    server.prepare()
    before = server.fingerprint()
    server.authentication.write_text("{}")
    assert server.fingerprint() == before, "the API server watches that file"
