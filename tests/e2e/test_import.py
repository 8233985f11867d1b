"""A namespace that somebody made by hand becomes an organization: nothing is made anew, nothing hostile comes in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.test_isolation import POD, create_pod

HARBOR = "org-harbor"
MEMBERS = [{"email": "owner@harbor.example", "role": "owner"}, {"email": "admin@harbor.example", "role": "admin"}]
ON_THE_HOST = {"hostPID": True, "containers": [{"name": "x", "image": "registry.invalid/x:1"}]}
CONSENT = (
    "create",
    "rolebinding",
    "agent-ready-import",
    "--clusterrole=agent-ready:import",
    "--user=agent-ready:pulumi",
)
ELSEWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A platform of its own with one small organization, and a namespace org-harbor that it did not make."""
    made = Checkout(tmp_path_factory.mktemp("import"))
    for path in made.catalog.glob("*.yaml"):
        path.unlink()
    made.edit("first", name="First", members=[{"email": "owner@first.example", "role": "owner"}])
    try:
        made.plane("up").ok()
        made.up()
        make_by_hand(made)
        yield made
    finally:
        made.plane("down")


def make_by_hand(checkout: Checkout) -> None:
    """Pods that run already: an administrator opens the namespace for them for as long as that takes."""
    checkout.kubectl("create", "namespace", HARBOR).ok()
    checkout.kubectl("-n", HARBOR, "wait", "--for=create", "serviceaccount/default", "--timeout=60s").ok()
    checkout.kubectl("label", "namespace", HARBOR, "isolation-ready=true").ok()
    for pod in (POD, {**POD, "metadata": {"name": "evil"}, "spec": ON_THE_HOST}):
        checkout.kubectl("-n", HARBOR, "create", "-f", "-", stdin=json.dumps(pod)).ok()
    checkout.kubectl("label", "namespace", HARBOR, "isolation-ready-").ok()
    checkout.kubectl("-n", HARBOR, "create", "configmap", "settings", "--from-literal=a=b").ok()
    checkout.kubectl("-n", HARBOR, "create", "service", "clusterip", "probe", "--tcp=80").ok()
    evil = ("create", "rolebinding", "evil", "--clusterrole=cluster-admin", "--user=mallory")
    checkout.kubectl("-n", HARBOR, *evil).ok()
    checkout.kubectl(
        "create", "clusterrolebinding", "evil", "--clusterrole=view", f"--serviceaccount={HARBOR}:default"
    ).ok()


def harbor(checkout: Checkout) -> dict[str, Any]:
    """The Namespace's metadata."""
    found: dict[str, Any] = json.loads(checkout.kubectl("get", "namespace", HARBOR, "-o", "json").ok().out)["metadata"]
    return found


def contents(checkout: Checkout) -> dict[str, str]:
    """The UIDs of what was made by hand."""
    kinds = ("pod/probe", "configmap/settings", "service/probe")
    shown = "jsonpath={.metadata.uid}"
    return {it: checkout.kubectl("-n", HARBOR, "get", it, "-o", shown).ok().out for it in kinds}


def refused(checkout: Checkout, adopt: str) -> str:
    """What `up` says to this import, which must leave the namespace as it is."""
    before = harbor(checkout)
    checkout.edit("harbor", name="Harbor", members=MEMBERS, adopt=adopt)
    done = checkout.pulumi("up", "--yes", "--skip-preview")
    assert done.code != 0, done.out
    assert harbor(checkout) == before, "a refused import leaves the namespace untouched"
    return done.out


def test_an_import_is_refused_until_it_is_meant_allowed_and_harmless(platform: Checkout) -> None:
    uid = harbor(platform)["uid"]
    assert f"has the UID {uid} and not {ELSEWHERE}" in refused(platform, ELSEWHERE)
    assert f"kubectl -n {HARBOR} create rolebinding agent-ready-import" in refused(platform, uid), "nobody agreed yet"
    platform.kubectl("-n", HARBOR, *CONSENT).ok()
    said = refused(platform, uid)
    assert "rolebindings.rbac.authorization.k8s.io/evil binds others than" in said
    assert "clusterrolebindings/evil trusts what runs in this namespace" in said
    assert "violate the new PodSecurity enforce level" in said and "pods: evil: host namespaces" in said, said
    assert "probe" not in said and "settings" not in said, "what is harmless is not named"
    platform.kubectl("delete", "clusterrolebinding/evil").ok()
    platform.kubectl("-n", HARBOR, "delete", "rolebinding/evil", "pod/evil", "--grace-period=0", "--force").ok()


def test_an_imported_namespace_is_the_same_one_with_everything_in_it_and_open(platform: Checkout) -> None:
    uid, inside = harbor(platform)["uid"], contents(platform)
    assert f"adopts `{uid}`" in platform.python("-m", "engine", "review").ok().out, "whoever reviews it sees it"
    platform.python("-m", "engine", "up").ok()
    found = harbor(platform)
    assert (found["uid"], found["labels"]["isolation-ready"]) == (uid, "true"), "the same one, and its gate is open"
    assert contents(platform) == inside, "nothing was made anew"
    bindings = {item["metadata"]["name"] for item in platform.objects("rolebindings", "-n", HARBOR)}
    assert bindings == {"organization-owners", "organization-admins"}, "the right to look into it has ended"
    platform.kubectl("-n", HARBOR, "delete", "pod", "probe", "--grace-period=0", "--force").ok()
    code, said = create_pod(platform, HARBOR, "agent-ready:admin@harbor.example")
    assert code == 0, said
    assert set(platform.up()) == {"same"}
    refreshed = platform.pulumi("refresh", "--yes", "--skip-preview").ok().out
    assert set(platform.up()) == {"same"}, refreshed


def test_what_was_imported_stays_when_the_file_no_longer_says_so_or_says_another(platform: Checkout) -> None:
    uid = harbor(platform)["uid"]
    path = platform.catalog / "harbor.yaml"
    text = path.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("adopt:")))
    assert set(platform.up()) == {"same"}, "removed"
    platform.edit("harbor", adopt=ELSEWHERE)
    assert set(platform.up()) == {"same"}, "it counted once"
    assert harbor(platform)["uid"] == uid
