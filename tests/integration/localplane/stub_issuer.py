"""An issuer that says what a test tells it to, at a plane's own address and with its key: what asks it is real."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

EMAIL, JTI = "ada@example.com", "4711"
CREDENTIAL = "authentication.kubernetes.io/credential-id"


@dataclass
class StubIssuer:
    """``revoked`` is what it answers of the one token from now on; ``seen`` is each request, as path and headers."""

    url: str
    secret: str
    revoked: bool = False
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"}))
    asked: Mapping[str, str] = field(default_factory=dict)
    seen: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def token(self, audience: str, **more: object) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "1", "aud": audience, "email": EMAIL, "email_verified": True, "jti": JTI,
            "iat": now, "nbf": now, "exp": now + 600, **more,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims, self.key)

    def answer(self, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], object]:
        """Status, headers and what becomes JSON."""
        match path:
            case "/.well-known/openid-configuration":
                places = {"issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks.json"}
                return 200, {}, {**places, "id_token_signing_alg_values_supported": ["RS256"]}
            case "/.well-known/jwks.json":
                return 200, {}, {"keys": [self.key.as_dict(private=False)]}
            case "/oauth2/authorize":
                self.asked = query
                return 302, {"Location": f"{query['redirect_uri']}?{_back(query)}"}, {}
            case "/oauth2/token":
                return 200, {}, self._redeemed(dict(parse_qsl(body.decode())))
            case "/v1/kubernetes/token-review":
                user = {"username": f"agent-ready:{EMAIL}", "extra": {CREDENTIAL: [f"JTI={JTI}"]}}
                status = {"authenticated": False} if self.revoked else {"authenticated": True, "user": user}
                return 200, {}, {**json.loads(body), "status": status}
            case "/v1/kubernetes/access-review":
                review = json.loads(body)
                assert review["spec"]["extra"][CREDENTIAL] == [f"JTI={JTI}"]
                status = {"allowed": False, "denied": self.revoked, "reason": "revoked" if self.revoked else ""}
                return 200, {}, {**review, "status": status}
        return 200, {}, {}

    def _redeemed(self, form: Mapping[str, str]) -> object:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        assert self.asked["code_challenge"] == challenge.decode()
        token = self.token("console", nonce=self.asked["nonce"])
        return {
            "access_token": "a",
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": "r",
            "id_token": token,
        }


def _back(query: Mapping[str, str]) -> str:
    return urlencode({"code": "c", "state": query["state"]})


@contextmanager
def listening(issuer: StubIssuer, port: int, keys: tuple[str, str] | None) -> Iterator[None]:
    """Answer on the loopback port, over TLS if there are a certificate and a key."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            issuer.seen.append((self.path, dict(self.headers)))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if address.path.startswith("/v1/kubernetes/"):
                assert self.headers["Authorization"] == f"Bearer {issuer.secret}"
            status, headers, said = issuer.answer(address.path, dict(parse_qsl(address.query)), body)
            sent = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "Content-Type": "application/json",
                "Content-Length": str(len(sent)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if keys:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*keys)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
