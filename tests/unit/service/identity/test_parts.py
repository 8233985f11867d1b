"""Seals, mail and settings of identity: what they refuse, and that secrets stay where they belong."""

import asyncio
import stat
from email import message_from_bytes
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from service.errors import NotConfigured
from service.identity.mail import Mailer
from service.identity.seal import Seal
from service.identity.settings import IdentitySettings
from tests.unit.service.identity.fakes import ISSUER, SEAL_KEY

OLDER = "YW5vdGhlciBzZWFsIGtleSBvZiB0aGVzZSB0ZXN0cyE="


def test_what_an_older_key_has_sealed_opens_while_it_is_in_the_list() -> None:
    sealed = Seal([OLDER]).seal(b"secret")
    both = Seal([SEAL_KEY, OLDER])
    assert both.open(sealed) == b"secret" and Seal([SEAL_KEY]).open(both.seal(b"new")) == b"new"
    with pytest.raises(NotConfigured, match="another key"):
        Seal([SEAL_KEY]).open(sealed)
    assert Seal([OLDER]).hmac("use", "text") in both.hmacs("use", "text"), "what was derived before counts too"
    assert both.hmac("use", "text") != both.hmac("other use", "text"), "each use has a key of its own"


@pytest.mark.parametrize("keys", [[], ["no-key"], [SEAL_KEY, "c2hvcnQ="]])
def test_what_is_no_seal_key_is_refused_and_not_repeated(keys: list[str]) -> None:
    with pytest.raises(NotConfigured, match="IDENTITY_SEAL_KEYS") as caught:
        Seal(keys)
    assert not any(key in str(caught.value) for key in keys)


@pytest.mark.parametrize("url", ["", "http://id.example", "https://", "https://id.example/", "https://id.example?x=1"])
def test_an_issuer_is_an_https_address(url: str) -> None:
    with pytest.raises(NotConfigured, match="ISSUER_URL"):
        IdentitySettings.of({"ISSUER_URL": url, "IDENTITY_SEAL_KEYS": SEAL_KEY})


def test_settings_show_no_secret() -> None:
    told = IdentitySettings.of(
        {"ISSUER_URL": ISSUER, "IDENTITY_SEAL_KEYS": f"{SEAL_KEY} {OLDER}", "SMTP_URL": "smtps://a:hidden@mail.example?from=us%40acme.example",
         "REDIS_LISTENER_URL": "rediss://listener:hidden@redis.example"}
    )  # fmt: skip
    assert told.seal_keys == (SEAL_KEY, OLDER)
    assert told.mail_from == "us@acme.example"
    assert "hidden" not in repr(told) and SEAL_KEY not in repr(told)


@pytest.mark.parametrize("url", ["mail.example", "https://mail.example", "smtps://", "smtps://:hidden@"])
def test_a_mail_server_is_named_by_an_smtp_address(url: str) -> None:
    with pytest.raises(NotConfigured, match="SMTP_URL") as caught:
        IdentitySettings.of({"ISSUER_URL": ISSUER, "IDENTITY_SEAL_KEYS": SEAL_KEY, "SMTP_URL": url})
    assert "hidden" not in str(caught.value)


def counter() -> Counter:
    return Counter("mails", "Messages", ("result",), registry=CollectorRegistry())


def test_mail_without_a_server_is_a_file_that_its_owner_alone_reads(tmp_path: Path) -> None:
    folder, sent = tmp_path / "mail", counter()
    asyncio.run(
        Mailer("", folder, "us <us@acme.example>", sent).send("ada@acme.example", "Grüße", "Ein Token:\n\nabc\n")
    )
    (path,) = folder.iterdir()
    message = message_from_bytes(path.read_bytes())
    assert path.suffix == ".eml" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert message["To"] == "ada@acme.example" and message["From"] == "us <us@acme.example>"
    assert "abc" in str(message.get_payload(decode=True), "utf-8")
    assert sent.labels("sent")._value.get() == 1


@pytest.mark.parametrize("url", ["", "smtp://127.0.0.1:1", "smtps://127.0.0.1:1"])
def test_mail_that_cannot_be_sent_is_counted_and_nobody_fails(url: str, caplog: pytest.LogCaptureFixture) -> None:
    sent = counter()
    asyncio.run(Mailer(url, None, "us@acme.example", sent).send("ada@acme.example", "Hello", "the-token"))
    assert sent.labels("failed")._value.get() == 1
    assert "not sent" in caplog.text and "the-token" not in caplog.text
