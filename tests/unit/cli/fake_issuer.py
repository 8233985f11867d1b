"""A small OpenID Connect issuer over the fake API: it logs in whoever comes, and checks PKCE as a real one does."""

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.unit.cli.fake_api import Answer, Asked, FakeApi
from tests.unit.cli.people import REFRESH, access, refresh, tokens

CODE = "hidden-code"


class FakeIssuer(FakeApi):
    """`url` is its address, once it is served. `says` changes what it sends the browser back with."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.says: dict[str, str] = {}
        self.discovery: dict[str, object] = {}
        self._begun: dict[str, str] = {}
        self.on(REFRESH, 200, tokens(2))

    def answer(self, asked: Asked) -> Answer:
        """Discovery, authorization and tokens; the rest as laid out."""
        call = asked.call.partition("?")[0]
        if call == "GET /.well-known/openid-configuration":
            self.asked.append(asked)
            return Answer(200, self._discovery())
        if call == "GET /oauth2/authorize":
            self.asked.append(asked)
            return self._authorize(dict(parse_qsl(urlsplit(asked.call.split()[1]).query)))
        if call == "POST /oauth2/token":
            self.asked.append(asked)
            return self._exchange(asked.body)
        return super().answer(asked)

    def _discovery(self) -> dict[str, object]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/oauth2/authorize",
            "token_endpoint": f"{self.url}/oauth2/token", "code_challenge_methods_supported": ["S256"],
            **self.discovery,
        }  # fmt: skip

    def _authorize(self, given: dict[str, str]) -> Answer:
        assert given["response_type"] == "code" and given["code_challenge_method"] == "S256"
        assert given["client_id"] == "agent-ready-cli" and "openid" in given["scope"].split()
        self._begun = given
        back = {"code": CODE, "state": given["state"], "iss": self.url} | self.says
        return Answer(303, None, {"Location": f"{given['redirect_uri']}?{urlencode(back)}"})

    def _exchange(self, form: dict[str, str]) -> Answer:
        proof = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        fits = proof == self._begun["code_challenge"] and form["redirect_uri"] == self._begun["redirect_uri"]
        if form["code"] != CODE or not fits:
            return Answer(400, {"error": "invalid_grant", "error_description": "the code does not fit"})
        return Answer(200, {"access_token": access(1), "refresh_token": refresh(1), "expires_in": 3600})
