"""The issuer's own port: TLS with the certificate that was named, for as long as the API, or not at all."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, Request

from service.errors import NotConfigured, NotStarted
from service.issuer_settings import IssuerSettings
from service.listening import listening


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> IssuerSettings:
    """A certificate of its own for 127.0.0.1."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(here, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / "issuer.crt", folder / "issuer.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))  # fmt: skip
    return IssuerSettings(tls_cert=certificate, tls_key=private)


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def seen(request: Request) -> dict[str, str]:
        return {"scheme": request.url.scheme, "client": request.client.host if request.client else ""}

    return app


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def test_the_application_is_served_over_tls_within_the_block_and_not_after(told: IssuerSettings) -> None:
    url = f"https://127.0.0.1:{free_port()}"

    async def act() -> None:
        trust = ssl.create_default_context(cafile=told.tls_cert)
        async with httpx2.AsyncClient(verify=trust, trust_env=False) as client:
            async with listening(application(), told, url):
                forged = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "http"}
                answer = await client.get(url, headers=forged | {"Connection": "close"})
                assert answer.json() == {"scheme": "https", "client": "127.0.0.1"}, "no header says who it is"
                with pytest.raises(httpx2.TransportError):
                    await client.get(url.replace("https", "http"))
            with pytest.raises(httpx2.ConnectError):
                await client.get(url)

    asyncio.run(act())


def test_without_a_certificate_nothing_listens() -> None:
    port = free_port()

    async def act() -> None:
        async with listening(application(), IssuerSettings(), f"https://127.0.0.1:{port}"):
            with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), 1):
                pass

    asyncio.run(act())


def test_a_second_replica_leaves_the_port_to_the_first(told: IssuerSettings, caplog: pytest.LogCaptureFixture) -> None:
    async def act(port: int) -> None:
        async with listening(application(), told, f"https://127.0.0.1:{port}"):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(act(taken.getsockname()[1]))
    assert "is taken" in caplog.text


def test_an_address_that_is_not_ours_and_a_key_that_does_not_fit_are_said(told: IssuerSettings, tmp_path: Path) -> None:
    broken = tmp_path / "broken.key"
    broken.write_text("no key")

    async def act(settings: IssuerSettings, host: str) -> None:
        async with listening(application(), settings, f"https://{host}:{free_port()}"):
            pass

    with pytest.raises(NotStarted, match="ISSUER_URL"):
        asyncio.run(act(told, "192.0.2.1"))
    with pytest.raises(NotStarted, match="ISSUER_TLS_CERT"):
        asyncio.run(act(IssuerSettings(tls_cert=told.tls_cert, tls_key=broken), "127.0.0.1"))


def test_settings_say_what_is_missing_and_show_no_secret(told: IssuerSettings, tmp_path: Path) -> None:
    both = {"ISSUER_TLS_CERT": str(told.tls_cert), "ISSUER_TLS_KEY": str(told.tls_key)}
    secrets = {"TOKEN_WEBHOOK_SECRET": "w" * 16, "CONSOLE_CLIENT_SECRET": "c" * 16}
    found = IssuerSettings.of({**both, **secrets, "CONSOLE_URL": "https://console.test/"})
    assert (found.tls_cert, found.console_url) == (told.tls_cert, "https://console.test")
    assert "w" * 16 not in repr(found) and "c" * 16 not in repr(found)
    assert IssuerSettings.of({}) == IssuerSettings(), "each part can be left out"
    for wrong, says in (
        ({"ISSUER_TLS_CERT": both["ISSUER_TLS_CERT"]}, "go together"),
        ({"KUBERNETES_CA_FILE": str(tmp_path / "none")}, "KUBERNETES_CA_FILE is .* no file"),
        ({"CONSOLE_URL": "console"}, "CONSOLE_URL is 'console'"), ({"TOKEN_WEBHOOK_SECRET": "short"}, "16 characters"),
    ):  # fmt: skip
        with pytest.raises(NotConfigured, match=says):
            IssuerSettings.of(wrong)
