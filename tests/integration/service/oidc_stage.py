"""People with accounts, a browser, and a client that logs them in, as the tests of the issuer need them."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from database import members, organizations, users
from database.organizations import Facts
from service.oidc import builtin
from tests.integration.service.conftest import OPERATOR, Replica, new_slug
from tests.integration.service.identity_stage import bearer
from tests.unit.service.identity.fakes import ISSUER

PASSWORD = "correct horse battery staple"
WIKI = "https://wiki.example/oauth2/callback"
Answer = dict[str, str]


async def account(replica: Replica, email: str) -> str:
    """An account with PASSWORD; the address."""
    hashed = await replica.services.identity.passwords.hash(PASSWORD)
    async with replica.services.database.transaction(actor="test", reason="to log in") as connection:
        await users.put_password(connection, email, hashed)
    return email


async def organization(replica: Replica, **roles: str) -> str:
    """A living organization with members that have accounts, role by first part of the address; its slug."""
    slug = new_slug("id")
    async with replica.services.database.transaction(actor="test", reason="to log in") as connection:
        row = await organizations.claim(
            connection, slug, Facts(slug, "starter", quota={"cpu": "10", "memory": "20Gi"}), managed_by="test"
        )
        await organizations.commit(connection, row.id)
        await members.sync(connection, row.id, {address(name, slug): role for name, role in roles.items()})
    for name in roles:
        await account(replica, address(name, slug))
    return slug


async def remove(replica: Replica, email: str) -> None:
    """End the membership, as a change of the organization does."""
    async with replica.services.database.transaction(actor="test", reason="left") as connection:
        await connection.execute("delete from tenancy.memberships where email = %s", [email])
    await replica.services.identity.sessions.announce()


def address(name: str, slug: str) -> str:
    return f"{name}@{slug}.example"


async def headers_of(replica: Replica, email: str, slug: str | None = None) -> dict[str, str]:
    """The header that somebody with an account sends who has logged in with PASSWORD."""
    return bearer(await replica.services.identity.sessions.log_in(email, PASSWORD, "10.0.0.1", slug))


async def registered(replica: Replica, slug: str | None = None) -> tuple[str, str]:
    """A client with a secret, of the organization or of the platform; its id and the secret."""
    path = f"/v1/organizations/{slug}/clients" if slug else "/v1/platform/clients"
    name = f"wiki-{secrets.token_hex(4)}"
    by = OPERATOR
    if slug:
        by = await headers_of(replica, address("ada", slug), slug)
    answer = await replica.client.put(f"{path}/{name}", json={"name": "Wiki", "redirect_uris": [WIKI]}, headers=by)
    assert answer.status_code == 201, answer.text
    return answer.json()["client_id"], answer.json()["client_secret"]


class Browser:
    """A person's browser at the issuer: it keeps cookies and follows nothing by itself."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def asks(self, **parameters: str) -> httpx2.Response:
        return await self.client.get("/oauth2/authorize", params=parameters)

    async def logs_in(self, page: httpx2.Response, email: str, password: str = PASSWORD) -> httpx2.Response:
        """Fill in the form of that page."""
        return await self.submits(page, email=email, password=password)

    async def submits(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Press the button of that page."""
        found = re.search(r'<form method="post" action="([^"]+)"', page.text)
        assert found, page.text
        return await self.client.post(unescape(found[1]), data=fields, headers={"Origin": ISSUER})


@asynccontextmanager
async def browser(replica: Replica) -> AsyncIterator[Browser]:
    await builtin.tend(replica.services.database, replica.services.settings.issuer)
    transport = httpx2.ASGITransport(replica.app)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield Browser(client)


class Flow:
    """One log-in of one client."""

    def __init__(self, replica: Replica, client_id: str, secret: str | None = None, redirect_uri: str = WIKI) -> None:
        self.replica, self.client_id, self.secret, self.redirect_uri = replica, client_id, secret, redirect_uri
        self.verifier, self.state, self.nonce = (secrets.token_urlsafe(48) for _ in range(3))

    def request(self, **changed: str | None) -> dict[str, str]:
        """The parameters of /oauth2/authorize; None leaves one out."""
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect_uri,
            "scope": "openid email", "state": self.state, "nonce": self.nonce,
            "code_challenge": challenge(self.verifier), "code_challenge_method": "S256", **changed,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value is not None}

    async def logs_in(self, browser: Browser, email: str) -> Answer:
        """What comes back: by the form, by the button of who has to agree, by both, or without either."""
        page = await browser.asks(**self.request())
        while page.status_code == 200:
            asks = 'name="password"' in page.text
            page = await (browser.logs_in(page, email) if asks else browser.submits(page))
        return self.came_back(page)

    def came_back(self, answer: httpx2.Response) -> Answer:
        assert answer.status_code == 303, answer.text
        place = urlsplit(answer.headers["location"])
        assert place._replace(query="").geturl() == self.redirect_uri, "nowhere else"
        found = dict(parse_qsl(place.query))
        assert (found.get("state"), found["iss"]) == (self.state, ISSUER)
        return found

    async def exchange(self, code: str, **changed: str | None) -> httpx2.Response:
        given = {"redirect_uri": self.redirect_uri, "code_verifier": self.verifier, "code": code, **changed}
        return await self.token(grant_type="authorization_code", **given)

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token)

    async def token(self, **form: str | None) -> httpx2.Response:
        return await self.post("/oauth2/token", **form)

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.post("/oauth2/introspect", token=token)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def post(self, path: str, **form: str | None) -> httpx2.Response:
        """With the client's secret, if it has one, else with its id."""
        given = {name: value for name, value in form.items() if value is not None}
        if self.secret is None:
            return await self.replica.client.post(path, data={"client_id": self.client_id, **given})
        return await self.replica.client.post(path, data=given, auth=(self.client_id, self.secret))

    async def tokens(self, browser: Browser, email: str) -> dict[str, Any]:
        """The whole of it."""
        answer = await self.exchange((await self.logs_in(browser, email))["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def claims(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
