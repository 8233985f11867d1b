"""Certificates: an authority, and what it signs. Pure but for the clock; files are for ``pki``."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SKEW = timedelta(minutes=5)

_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class Subject:
    """Whom a certificate names: ``hosts`` are DNS names and IP addresses a server answers under."""

    name: str
    group: str = ""
    hosts: Sequence[str] = ()
    server: bool = False
    client: bool = False


def make_authority(name: str, life: timedelta = AUTHORITY_LIFE) -> Pair:
    """A new self-signed certificate authority that may sign leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    builder = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), public, life)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Pair, subject: Subject, life: timedelta = LEAF_LIFE) -> Pair:
    """A new key and its certificate, signed by ``authority``."""
    signer = _private_key(authority.key)
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(subject), key.public_key(), life)
        .issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(subject)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if subject.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(subject)), critical=False)
    return _pair(builder.sign(signer, hashes.SHA256()), key)


def expires_soon(certificate: bytes, now: datetime | None = None) -> bool:
    """Whether it is time to renew: fewer than 30 days are left."""
    end = x509.load_pem_x509_certificate(certificate).not_valid_after_utc
    return end - (now or datetime.now(UTC)) < RENEW_BEFORE


def is_current(pair: Pair, authority: Pair, subject: Subject, now: datetime | None = None) -> bool:
    """Whether this is what ``issue`` would make: same names, this authority, matching key, not old."""
    leaf = x509.load_pem_x509_certificate(pair.certificate)
    signer = x509.load_pem_x509_certificate(authority.certificate)
    return (
        not expires_soon(pair.certificate, now)
        and is_matching(pair)
        and leaf.subject == _name(subject)
        and set(_hosts(leaf)) == set(_alternatives(subject))
        and _is_signed_by(leaf, signer)
    )


def is_matching(pair: Pair) -> bool:
    """Whether certificate and key belong together; not so when we were cut off between writing them."""
    key = serialization.load_pem_private_key(pair.key, None)
    return key.public_key() == x509.load_pem_x509_certificate(pair.certificate).public_key()


def make_signing_key() -> tuple[bytes, bytes]:
    """A private and a public key, PEM, for tokens (ES256)."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _private_pem(key), public


def _builder(name: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _name(subject: Subject) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, subject.name)]
    if subject.group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.group))
    return x509.Name(attributes)


def _purposes(subject: Subject) -> list[x509.ObjectIdentifier]:
    server = [ExtendedKeyUsageOID.SERVER_AUTH] if subject.server else []
    return server + ([ExtendedKeyUsageOID.CLIENT_AUTH] if subject.client else [])


def _alternatives(subject: Subject) -> list[x509.GeneralName]:
    return [_alternative(host) for host in subject.hosts]


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts(leaf: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _is_signed_by(leaf: x509.Certificate, signer: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(signer)
    except (InvalidSignature, ValueError):
        return False
    return True


def _usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in _USAGES})


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"an authority's key is an elliptic curve key here, not {type(key).__name__}")
    return key


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(certificate.public_bytes(serialization.Encoding.PEM), _private_pem(key))


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
