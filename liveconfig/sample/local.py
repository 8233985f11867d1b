"""`python -m liveconfig.sample.local SLUG`: the sample on this machine, with what a pod of that organization would get.

It does what a kubelet does with a pod that mounts both Secrets: their values become its environment and files that
nobody else can read. Nothing secret is an argument, and nothing is left behind. With `--login`, OAuth2-Proxy stands in
front of it, on SAMPLE_LOGIN_LISTEN (127.0.0.1:8091).
"""

import argparse
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from liveconfig.sample import login
from liveconfig.sample.login import NoClient

_SECRETS = ("live-configuration", "database")
_CERTIFICATE = "ca.crt"
_INHERITED = (
    "PATH", "LANG", "PYTHONPATH", "SAMPLE_LISTEN",
    "INTROSPECTION_URL", "INTROSPECTION_CA_FILE", "CLIENT_ID", "CLIENT_SECRET_FILE",
)  # fmt: skip


class NotFound(Exception):
    """The organization's Secrets cannot be read; the text is kubectl's."""


def secrets_of(slug: str) -> dict[str, dict[str, str]]:
    """The organization's Secrets by name, read with kubectl. Raise NotFound."""
    command = ["kubectl", "--namespace", f"org-{slug}", "get", "secret", *_SECRETS, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise NotFound(f"{done.stderr.strip()}\nIs {slug!r} an organization here? See `kubectl get namespaces`.")
    return {item["metadata"]["name"]: _decoded(item["data"]) for item in json.loads(done.stdout)["items"]}


def environment_of(secrets: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, str]:
    """The pod's environment; the certificates are written into `folder`."""
    live, database = (secrets[name] for name in _SECRETS)
    environment = {name: value for name, value in live.items() if name != _CERTIFICATE}
    environment["LIVECONFIG_DATABASE_URL"] = database["url"]
    if _CERTIFICATE in live:
        environment["LIVECONFIG_CA_FILE"] = _written(folder / "live.crt", live[_CERTIFICATE])
    if _CERTIFICATE in database:
        file = _written(folder / "database.crt", database[_CERTIFICATE])
        environment["LIVECONFIG_DATABASE_URL"] += f"&sslrootcert={file}"
    return environment


def main() -> int:
    """Run it until it is ended; the sample's exit code."""
    parser = argparse.ArgumentParser(prog="python -m liveconfig.sample.local", description=__doc__)
    parser.add_argument("slug", help="the organization, such as acme-robotics")
    parser.add_argument("--login", action="store_true", help="let in only members who log in, by OAuth2-Proxy")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sample-") as folder:
        try:
            environment = environment_of(secrets_of(asked.slug), Path(folder))
            inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            if not asked.login:
                return _until_it_ends(_started({**inherited, **environment}))
            return _run_behind_login({**inherited, **environment}, asked.slug, Path(folder))
        except (NotFound, NoClient) as error:
            print(error, file=sys.stderr)
            return 1


def _run_behind_login(environment: Mapping[str, str], slug: str, folder: Path) -> int:
    listen, socket = os.environ.get("SAMPLE_LOGIN_LISTEN", login.LISTEN), folder / "sample.sock"
    secret = login.register(slug, listen, folder)
    sample = _started({**environment, **login.of_sample(os.environ, slug, secret, socket)})
    while sample.poll() is None and not socket.exists():
        time.sleep(0.05)
    proxy = subprocess.Popen(["oauth2-proxy"], env=login.of_proxy(os.environ, slug, listen, secret, socket))
    try:
        return _until_it_ends(sample)
    finally:
        proxy.terminate()
        proxy.wait()


def _started(environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """The sample; a SIGTERM to us is passed on to it."""
    sample = subprocess.Popen([sys.executable, "-m", "liveconfig.sample"], env=environment)
    signal.signal(signal.SIGTERM, lambda *_: sample.terminate())
    return sample


def _until_it_ends(sample: "subprocess.Popen[bytes]") -> int:
    """Its exit code. It ends of itself, by Ctrl-C, which the terminal tells it too, or by a SIGTERM."""
    while True:
        try:
            code = sample.wait()
            return 0 if code == -signal.SIGTERM else code
        except KeyboardInterrupt:
            continue


def _decoded(data: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def _written(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
