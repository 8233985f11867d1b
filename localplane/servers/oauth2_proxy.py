"""OAuth2-Proxy in front of the console: whoever comes is logged in at our issuer, and the console gets the ID token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from localplane import envfile
from localplane.files import private_folder, write_private
from localplane.pki import CLUSTER
from localplane.probes import https_ok, trust
from localplane.servers.base import Server

#: A client of the issuer, with a secret.
CLIENT = "console"
#: What must not come from outside; only the first is set, from the session.
OURS = (
    "Authorization", "X-Forwarded-Access-Token", "X-Forwarded-Email", "X-Forwarded-For", "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username", "X-Forwarded-User", "X-Real-IP",
)  # fmt: skip


class OAuth2Proxy(Server):
    """A page's way to a log-in. The issuer's endpoints are named, so that it starts while the issuer is away."""

    name = "console"
    part = "oauth2-proxy"
    port_names = ("console",)
    needs = ("service",)

    @property
    def _configuration(self) -> Path:
        return self.data / "oauth2-proxy.toml"

    @property
    def _routes(self) -> Path:
        """What only its other file's form can say: the headers to strip, the paths to serve."""
        return self.data / "oauth2-proxy.json"

    def prepare(self) -> None:
        private_folder(self.data)
        said = envfile.read(self.layout.env)
        issuer, console = said["ISSUER_URL"], said["CONSOLE_URL"]
        write_private(self._configuration, _configured(issuer, console))
        routes = {
            "server": self._listens(), "providers": [self._provider(issuer)],
            "injectRequestHeaders": _headers(), "upstreamConfig": _upstreams(said["API_URL"]),
        }  # fmt: skip
        write_private(self._routes, json.dumps(routes, indent=2))

    def command(self) -> Sequence[str]:
        return [str(self.found.path), f"--config={self._configuration}", f"--alpha-config={self._routes}"]

    def inputs(self) -> Sequence[Path | str]:
        return [self._configuration, self._routes, self.pki.certificate("console"), self.pki.certificate(CLUSTER)]

    def environment(self) -> dict[str, str]:
        """Its two secrets, and the plane's authority as the only one it trusts."""
        said = envfile.read(self.layout.env)
        return {
            **super().environment(),
            "OAUTH2_PROXY_COOKIE_SECRET": said["CONSOLE_COOKIE_SECRET"],
            "CONSOLE_CLIENT_SECRET": said["CONSOLE_CLIENT_SECRET"],
            "SSL_CERT_FILE": str(self.pki.certificate(CLUSTER)),
        }

    def probe(self) -> None:
        """It answers; whether the issuer does is for the issuer's own probe."""
        https_ok(self.port, "/ping", trust(self.pki.certificate(CLUSTER)))

    def _listens(self) -> dict[str, object]:
        return {
            "bindAddress": "-",
            "secureBindAddress": f"https://127.0.0.1:{self.port}",
            "tls": {
                "cert": {"fromFile": str(self.pki.certificate("console"))},
                "key": {"fromFile": str(self.pki.key("console"))},
                "minVersion": "TLS1.2",
            },
        }

    def _provider(self, issuer: str) -> dict[str, object]:
        return {
            "id": "agent-ready", "provider": "oidc", "clientID": CLIENT, "clientSecret": "${CONSOLE_CLIENT_SECRET}",
            "caFiles": [str(self.pki.certificate(CLUSTER))], "code_challenge_method": "S256", "scope": "openid email",
            "loginURL": f"{issuer}/oauth2/authorize", "redeemURL": f"{issuer}/oauth2/token",
            "backendLogoutURL": f"{issuer}/oauth2/logout?id_token_hint={{id_token}}",
            "skipClaimsFromProfileURL": True,
            "oidcConfig": {
                "issuerURL": issuer, "jwksURL": f"{issuer}/.well-known/jwks.json", "skipDiscovery": True,
                "enabledSigningAlgs": ["RS256"], "audienceClaims": ["aud"], "emailClaim": "email",
                "userIDClaim": "sub", "insecureSkipNonce": False,
            },
        }  # fmt: skip


def _headers() -> list[dict[str, object]]:
    token = {"claimSource": {"claim": "id_token", "prefix": "Bearer "}}
    return [{"name": name, "values": [token] if name == "Authorization" else []} for name in OURS]


def _upstreams(api: str) -> dict[str, object]:
    """The console and nothing else of the API; the address alone leads there too."""
    console = {"id": "console", "path": "^/(console)?$", "rewriteTarget": "/console", "uri": api}
    return {"upstreams": [console]}


def _configured(issuer: str, console: str) -> str:
    return f"""\
# Written by localplane on each `up`.
redirect_url = "{console}/oauth2/callback"
whitelist_domains = ["{issuer.removeprefix("https://")}"]
email_domains = ["*"]
skip_provider_button = true
cookie_name = "__Host-agent-ready-console"
cookie_secure = true
cookie_httponly = true
cookie_samesite = "lax"
cookie_csrf_per_request = true
cookie_csrf_per_request_limit = 5
# How long a page may go on after its log-in ended elsewhere, if what is behind does not look at the token itself.
cookie_refresh = "5m"
silence_ping_logging = true
# Its address holds the code.
exclude_logging_paths = ["/oauth2/callback"]
"""
