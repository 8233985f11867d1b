"""OAuth2-Proxy as the sample's sidecar: whoever comes logs in at the issuer first, and no other way leads there.

The sample listens on a socket in a folder that nobody else may enter, so that no header can be forged from outside. It
believes the ID token that the proxy hands on, and the issuer's word on it; never the name that a header gives.
"""

import base64
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

CLIENT = "sample"
LISTEN = "127.0.0.1:8091"


class NoClient(Exception):
    """The sample could not be registered as a client of the issuer; the text is the command line's."""


def register(slug: str, listen: str, folder: Path) -> Path:
    """Register the organization's client with a new secret; the file that holds it. Raise NoClient."""
    file = folder / "client-secret"
    command = [
        "agent-ready", "clients", "set", slug, CLIENT, "--name", "Sample", "--redirect-uri",
        f"http://{listen}/oauth2/callback", "--new-secret", "--secret-file", str(file), "--reason", "make sample",
    ]  # fmt: skip
    by_operator = {**os.environ, "AGENT_READY_AS": "operator"}
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=by_operator)
    if done.returncode != 0:
        raise NoClient(done.stderr.strip())
    return file


def of_sample(environment: Mapping[str, str], slug: str, secret: Path, socket: Path) -> dict[str, str]:
    """What the sample needs to know whose a request is, and where it listens."""
    return {
        "SAMPLE_LISTEN": f"unix:{socket}",
        "INTROSPECTION_URL": f"{environment['ISSUER_URL']}/oauth2/introspect",
        "INTROSPECTION_CA_FILE": environment["ISSUER_CA_FILE"],
        "CLIENT_ID": f"{slug}.{CLIENT}",
        "CLIENT_SECRET_FILE": str(secret),
    }


def of_proxy(environment: Mapping[str, str], slug: str, listen: str, secret: Path, socket: Path) -> dict[str, str]:
    """OAuth2-Proxy's settings; nothing secret among them is an argument of a process."""
    options = {
        "PROVIDER": "oidc", "OIDC_ISSUER_URL": environment["ISSUER_URL"],
        "PROVIDER_CA_FILES": environment["ISSUER_CA_FILE"], "CLIENT_ID": f"{slug}.{CLIENT}",
        "CLIENT_SECRET_FILE": str(secret), "CODE_CHALLENGE_METHOD": "S256", "SCOPE": "openid email",
        "REDIRECT_URL": f"http://{listen}/oauth2/callback", "HTTP_ADDRESS": listen,
        "UPSTREAMS": f"unix://{socket}", "PASS_AUTHORIZATION_HEADER": "true", "PASS_BASIC_AUTH": "false",
        "EMAIL_DOMAINS": "*", "SKIP_PROVIDER_BUTTON": "true",
        "COOKIE_NAME": "agent-ready-sample", "COOKIE_SECURE": "false",  # plain HTTP, on this machine alone
        "COOKIE_SECRET": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(), "COOKIE_REFRESH": "5m",
    }  # fmt: skip
    return {"PATH": os.environ["PATH"], **{f"OAUTH2_PROXY_{name}": value for name, value in options.items()}}
