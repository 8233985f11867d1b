"""People of a checkout's platform: an account by mail, and a browser that logs in at the issuer's page."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from html import unescape
from pathlib import Path

import httpx2

from tests.e2e.checkout import Checkout
from tests.e2e.replicas import until

PASSWORD = "seventeen violet teapots on wheels"
_TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


def account(platform: Checkout, email: str) -> None:
    """Set PASSWORD by the token that a reset mails."""
    environment = platform.environment
    folder = Path(environment["MAIL_FOLDER"])
    before = set(folder.glob("*.eml"))
    with httpx2.Client(base_url=environment["API_URL"], trust_env=False) as api:
        assert api.post("/v1/auth/password/reset", json={"email": email}).status_code == 202
        until(lambda: bool(set(folder.glob("*.eml")) - before), 10, "the mail")
        (mail,) = set(folder.glob("*.eml")) - before
        found = _TOKEN.search(message_from_bytes(mail.read_bytes()).get_payload(decode=True).decode())  # type: ignore[union-attr]
        assert found, mail
        answer = api.post("/v1/auth/password", json={"token": found[0], "password": PASSWORD})
        assert answer.status_code == 204, answer.text


@contextmanager
def browser(platform: Checkout) -> Iterator[httpx2.Client]:
    """It keeps cookies, trusts the platform's authority, and follows nothing by itself."""
    trust = ssl.create_default_context(cafile=platform.environment["ISSUER_CA_FILE"])
    with httpx2.Client(verify=trust, trust_env=False, timeout=20) as client:
        yield client


def follow(client: httpx2.Client, answer: httpx2.Response, *, until_at: str = "") -> httpx2.Response:
    """Where redirects lead in the end; or the one that leads to that address, which is not followed."""
    while answer.is_redirect:
        place = str(answer.url.join(answer.headers["location"]))
        if until_at and place.startswith(until_at):
            return answer
        answer = client.get(place)
    return answer


def log_in(client: httpx2.Client, page: httpx2.Response, email: str) -> httpx2.Response:
    """Fill in the issuer's form; its answer."""
    found = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert found, page.text
    place = page.url.join(unescape(found[1]))
    headers = {"Origin": f"https://{page.url.netloc.decode()}"}
    return client.post(place, data={"email": email, "password": PASSWORD}, headers=headers)
