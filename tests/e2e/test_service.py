"""The API and its command line on real parts: sign-up, change, drift and its repair, preview, quota, export."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.replicas import service, sign_up

SLUG = "harbour-labs"
PLACE = f"/v1/organizations/{SLUG}"
MEMBERS = [{"email": f"owner@{SLUG}.example", "role": "owner"}, {"email": "bob@harbour.example", "role": "viewer"}]


@pytest.fixture(scope="module")
def api(deployed: Checkout) -> Iterator[httpx2.Client]:
    with service(deployed) as client:
        assert sign_up(client, SLUG) == 201
        yield client
        answer = client.delete(f"{PLACE}?confirm={SLUG}")
        assert answer.status_code in (200, 202), answer.text


def bindings(checkout: Checkout) -> set[tuple[str, str]]:
    """Who is bound to what in the organization's namespace."""
    found = checkout.objects("rolebindings", "-n", f"org-{SLUG}")
    return {
        (subject["name"], binding["roleRef"]["name"])
        for binding in found
        for subject in binding.get("subjects", ())
    }  # fmt: skip


def test_a_drained_service_takes_nothing_new_and_stays_up(deployed: Checkout) -> None:
    with service(deployed):
        assert "Drained" in deployed.python("-m", "cli", "drain", "--yes", "--timeout", "30").ok().out
        status = deployed.python("-m", "cli", "status")
        assert status.code == 1 and "this replica is draining" in status.out


def test_a_member_comes_and_goes_in_the_cluster_and_in_the_row(deployed: Checkout, api: httpx2.Client) -> None:
    bob = ("agent-ready:bob@harbour.example", "agent-ready:viewer")
    answer = api.patch(PLACE, json={"members": MEMBERS, "plan": "business", "reason": "Bob comes"})
    assert answer.status_code == 200, answer.text
    assert bob in bindings(deployed)
    memberships = (
        "select m.email, m.role from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id "
        f"where o.slug = '{SLUG}' order by m.role"
    )
    assert deployed.sql(memberships) == [[member["email"], member["role"]] for member in MEMBERS]
    plans = f"select plan, quota ->> 'cpu' from tenancy.organizations where slug = '{SLUG}'"
    assert deployed.sql(plans) == [["business", "20"]]
    answer = api.patch(PLACE, json={"members": MEMBERS[:1], "plan": "starter", "reason": "Bob goes"})
    assert answer.status_code == 200, answer.text
    assert bob not in bindings(deployed) and len(bindings(deployed)) > 0
    assert deployed.sql(memberships) == [[MEMBERS[0]["email"], "owner"]]
    assert deployed.sql(plans) == [["starter", "10"]]


def test_what_was_changed_by_hand_is_seen_and_repaired(deployed: Checkout, api: httpx2.Client) -> None:
    inside = ("-n", f"org-{SLUG}")
    assert api.get(f"/v1/drift?slug={SLUG}").json()["items"] == [], "as it was deployed"
    deployed.kubectl(*inside, "delete", "networkpolicy", "default-deny").ok()
    deployed.kubectl(*inside, "patch", "resourcequota", "quota", "-p", '{"spec":{"hard":{"pods":"99"}}}').ok()
    deployed.sql(f"update tenancy.organizations set name = 'Hand-made' where slug = '{SLUG}'")
    seen = deployed.python("-m", "cli", "drift", SLUG, "--json")
    items = json.JSONDecoder().raw_decode(seen.out[seen.out.index("{") :])[0]["items"]
    found = {(item["kind"].rsplit(":")[-1].rsplit("/")[-1], item["name"]): item["problem"] for item in items}
    kinds = sorted(kind for kind, _ in found)
    assert kinds == ["IsolationGate", "NetworkPolicy", "OrganizationRow", "ResourceQuota"], seen
    assert seen.code == 1
    assert "99" in next(text for (kind, _), text in found.items() if "ResourceQuota" in kind)
    assert "is missing" in next(text for (kind, _), text in found.items() if "NetworkPolicy" in kind)
    deployed.python("-m", "cli", "drift", SLUG, "--repair").ok()
    assert deployed.python("-m", "cli", "drift", SLUG).code == 0
    assert deployed.kubectl(*inside, "get", "networkpolicy", "default-deny").code == 0


def test_the_command_line_previews_changes_and_exports(deployed: Checkout, api: httpx2.Client) -> None:
    seen = deployed.python("-m", "cli", "preview", SLUG, "--cpu", "16")
    assert seen.code == 0 and "16" in seen.out and "EUR" in seen.out, seen
    deployed.python("-m", "cli", "quota", "set", SLUG, "--cpu", "16", "--reason", "load test").ok()
    assert '"cpu":"16"' in deployed.python("-m", "cli", "quota", "show", SLUG, "--json").out.replace(" ", "")
    eve = ("agent-ready:eve@harbour.example", "agent-ready:viewer")
    change = ("-m", "cli", "change", SLUG, "--reason", "why")
    deployed.python(*change, "--add-member", "eve@harbour.example=viewer", "--label", "team=blue").ok()
    owners = {name for name, _ in bindings(deployed)}
    assert eve in bindings(deployed) and f"agent-ready:owner@{SLUG}.example" in owners, "nobody is lost"
    deployed.python(*change, "--remove-member", "eve@harbour.example", "--unlabel", "team").ok()
    assert eve not in bindings(deployed)
    assert f"slug: {SLUG}" in deployed.python("-m", "cli", "export", SLUG).out
    assert SLUG in deployed.python("-m", "cli", "list", "--all").out
    assert deployed.python("-m", "cli", "status").code == 0
