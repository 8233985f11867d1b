"""Certificates are renewed in time, name who they should, and never outlive their authority's key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localplane import certificates, pki
from localplane.certificates import Pair, Subject, expires_soon, is_current, issue, make_authority
from localplane.pki import LEAVES, Pki

SERVER = Subject("redis", hosts=("127.0.0.1", "localhost"), server=True)


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("test")


def test_a_server_certificate_names_its_addresses_and_is_no_client(authority: Pair) -> None:
    leaf = x509.load_pem_x509_certificate(issue(authority, SERVER).certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1")]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_fresh_certificate_is_current(authority: Pair) -> None:
    assert is_current(issue(authority, SERVER), authority, SERVER)


@pytest.mark.parametrize(("days", "soon"), [(29, True), (31, False)])
def test_thirty_days_before_its_end_it_is_time_to_renew(authority: Pair, days: int, soon: bool) -> None:
    pair = issue(authority, SERVER, timedelta(days=days))
    assert expires_soon(pair.certificate) is soon
    assert is_current(pair, authority, SERVER) is not soon


def test_an_old_certificate_is_seen_by_the_clock(authority: Pair) -> None:
    pair = issue(authority, SERVER)
    assert expires_soon(pair.certificate, datetime.now(UTC) + timedelta(days=400))


def test_one_that_another_authority_signed_is_not_current(authority: Pair) -> None:
    impostor = make_authority("test")
    assert not is_current(issue(impostor, SERVER), authority, SERVER), "same name, but another key signed it"


def test_one_for_other_names_is_not_current(authority: Pair) -> None:
    pair = issue(authority, SERVER)
    assert not is_current(pair, authority, Subject("redis", hosts=("10.0.0.1",), server=True))
    assert not is_current(pair, authority, Subject("postgres", hosts=SERVER.hosts, server=True))


def test_a_key_that_does_not_belong_to_the_certificate_is_noticed(authority: Pair) -> None:
    torn = Pair(issue(authority, SERVER).certificate, issue(authority, SERVER).key)
    assert not is_current(torn, authority, SERVER)


def test_only_the_identity_for_people_is_in_a_group() -> None:
    grouped = {name for name, (_, subject) in LEAVES.items() if subject.group}
    assert grouped == {"client-admin"}, "system:masters passes every admission check: nobody else may be in it"


def test_certificates_for_the_api_server_do_not_open_etcd() -> None:
    clients = {name: signer for name, (signer, subject) in LEAVES.items() if subject.client}
    opening_etcd = {name for name, signer in clients.items() if signer == pki.ETCD}
    assert opening_etcd == {"etcd", "etcd-client", "etcd-client-apiserver"}


def test_the_second_start_makes_nothing_anew(tmp_path: Path) -> None:
    keys = Pki(tmp_path)
    assert len(keys.ensure()) == len(LEAVES) + 3
    assert keys.ensure() == []


def test_only_what_ends_soon_is_renewed(tmp_path: Path) -> None:
    keys = Pki(tmp_path)
    keys.ensure()
    _replace(keys, "redis", issue(keys.read(pki.CLUSTER), LEAVES["redis"][1], timedelta(days=3)))
    assert keys.ensure() == ["redis"]
    assert not expires_soon(keys.read("redis").certificate)


def test_a_new_authority_renews_everything_it_signed(tmp_path: Path) -> None:
    keys = Pki(tmp_path)
    keys.ensure()
    _replace(keys, pki.ETCD, make_authority("agent-ready etcd-ca", timedelta(days=3)))
    signed = [name for name, (signer, _) in LEAVES.items() if signer == pki.ETCD]
    assert keys.ensure() == [pki.ETCD, *signed]


def test_private_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    Pki(tmp_path).ensure()
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")}
    assert set(modes.values()) == {0o600}, modes


def test_a_group_is_written_as_the_organization(authority: Pair) -> None:
    leaf = x509.load_pem_x509_certificate(issue(authority, pki.ADMIN).certificate)
    groups = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [group.value for group in groups] == ["system:masters"]
    assert timedelta(days=365) == certificates.LEAF_LIFE


def _replace(keys: Pki, name: str, pair: Pair) -> None:
    keys.certificate(name).write_bytes(pair.certificate)
    keys.key(name).write_bytes(pair.key)
