"""Who calls, told from what they show; the table of permissions decides on the rest."""

from dataclasses import replace

import pytest
from fastapi import Request

from service.access import Access, Caller
from service.identity.claims import API, Claims
from service.identity.errors import TokenRefused, ViewStale
from service.problems import Problem

ADA = Claims("id", "ada@acme.example", API, "jti", "sid", 42, "acme", "admin", 0, 3600)


class FakeVerifier:
    """Knows one token; `fault` is raised for it."""

    def __init__(self, claims: Claims, fault: Exception | None = None) -> None:
        self._claims, self._fault = claims, fault

    def verify(self, token: str, audience: str) -> Claims:
        assert audience == API, "a token for kubectl is none for the API"
        if self._fault:
            raise self._fault
        return self._claims


def request(token: str = "a.signed.token") -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())] if token else []})


def access(claims: Claims = ADA, fault: Exception | None = None) -> Access:
    return Access("the-operators-token", {"hal": "the-token-of-hal"}, FakeVerifier(claims, fault))


def refusal(of: Access, permission: str, slug: str | None = None, token: str = "a.signed.token") -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        of.require(request(token), permission, slug)
    return refused.value.status, refused.value.kind


def test_a_person_is_known_by_their_address_and_speaks_for_one_organization() -> None:
    assert access().caller(request()) == Caller("ada@acme.example", "admin", 42, "acme", ADA)
    assert access().require(request(), "members:change", "acme").name == "ada@acme.example"
    assert refusal(access(), "members:change", "other") == (404, "no-such-organization")
    assert refusal(access(), "members:govern", "acme") == (403, "forbidden")
    assert refusal(access(), "platform:read") == (403, "forbidden")


def test_a_refusal_names_the_permission_and_who_has_it() -> None:
    with pytest.raises(Problem) as refused:
        access().require(request(), "members:govern", "acme")
    assert refused.value.more == {"permission": "members:govern", "roles": ["operator", "owner"]}
    assert "ada@acme.example is admin" in refused.value.detail


@pytest.mark.parametrize(
    ("role", "org_id", "slug"),
    [
        ("operator", 42, "acme"),
        ("owner", None, None),
        ("owner", None, "acme"),
        ("king", 42, "acme"),
        (None, 42, "acme"),
    ],
)
def test_a_role_counts_only_where_there_is_such_a_one(role: str | None, org_id: int | None, slug: str | None) -> None:
    odd = access(replace(ADA, role=role, org_id=org_id, org=slug))
    for permission in ("organization:read", "platform:read", "platform:identity"):
        assert refusal(odd, permission)[0] == 403, f"{role} of {org_id}"
    assert refusal(odd, "organization:read", "other")[0] == 404


def test_a_role_on_the_platform_counts_in_every_organization() -> None:
    auditor = access(replace(ADA, role="auditor", org_id=None, org=None))
    assert auditor.require(request(), "audit:read", "any").everywhere
    assert refusal(auditor, "members:change", "any") == (403, "forbidden")
    assert refusal(auditor, "data:read", "any") == (403, "forbidden"), "business data is its members' alone"


def test_a_token_that_does_not_count_is_nobodys_and_one_that_may_not_count_is_for_later() -> None:
    assert refusal(access(fault=TokenRefused("it was revoked")), "organization:read") == (401, "unauthorized")
    stale = access(fault=ViewStale("not read for 5 seconds"))
    assert refusal(stale, "organization:read") == (503, "unavailable")
    assert refusal(stale, "organization:read", token="no-token-of-ours") == (401, "unauthorized")
    assert refusal(stale, "organization:read", token="") == (401, "unauthorized")
    assert stale.require(request("the-operators-token"), "platform:change").name == "operator", "for emergencies"
    assert stale.require(request("the-token-of-hal"), "organization:delete", "acme").name == "operator:hal"
