"""An organization's life through `pulumi up`: nothing to do, one change, what is not ours, the end."""

import json
import subprocess
import time
from pathlib import Path

import yaml

from tests.e2e.checkout import Checkout
from tests.e2e.test_isolation import POD


def test_a_second_up_changes_nothing(deployed: Checkout) -> None:
    changes = deployed.up()
    assert set(changes) == {"same"}, changes


def test_one_field_changed_updates_one_thing(deployed: Checkout) -> None:
    members = yaml.safe_load((deployed.catalog / "quanta-labs.yaml").read_text())["members"]
    added = {"email": "theo@quanta.example", "role": "member"}
    deployed.edit("quanta-labs", members=[*members, added])
    changes = deployed.up()
    assert changes.pop("same") > 50
    assert changes == {"update": 2}, "a new member is one more subject of one RoleBinding, and a membership"
    (binding,) = [
        b for b in deployed.objects("rolebindings", "-n", "org-quanta-labs") if "member" in b["roleRef"]["name"]
    ]
    assert "agent-ready:theo@quanta.example" in [subject["name"] for subject in binding["subjects"]]
    assert deployed.sql("select role from tenancy.memberships where email = 'theo@quanta.example'") == [["member"]]


def test_a_changed_setting_is_announced_without_its_value_and_once_swept_stays_quiet(deployed: Checkout) -> None:
    redis = _subscribe(deployed)
    deployed.edit("fernweh-travel", configs={"api/rate_limit": 240, "email/max_retries": 3})
    assert deployed.up().get("update") == 1
    org = deployed.sql("select id from tenancy.organizations where slug = 'fernweh-travel'")[0][0]
    heard = redis.communicate(timeout=30)[0].splitlines()
    assert heard == [f"config:{org}:api:rate_limit version=2"], "org, key and version, and nothing else"

    waiting = "select count(*) from tenancy.outbox where published_at is null"
    assert int(deployed.sql(waiting)[0][0]) > 0, "the hook only hurries; the outbox still guarantees"
    for _ in range(2):
        deployed.python("-m", "service.sweeper", "--once").ok()
        assert deployed.sql(waiting) == [["0"]]
    history = deployed.sql(
        "select old_value, new_value, version, actor from tenancy.config_history "
        f"where org_id = {org} and key = 'rate_limit' order by version"
    )
    assert history == [["", "120", "1", "catalog"], ["120", "240", "2", "catalog"]]


def _subscribe(checkout: Checkout) -> "subprocess.Popen[str]":
    """A subscriber in a process of its own that ends with the first hint it hears."""
    program = """
import os, redis
client = redis.Redis.from_url(os.environ["REDIS_OPERATOR_URL"], ssl_ca_certs=os.environ["REDIS_CA_FILE"],
                              driver_info=None, decode_responses=True)
listener = client.pubsub()
listener.psubscribe("config:*")
heard = listener.get_message(timeout=10)
print("subscribed" if heard else "no answer", flush=True)
heard = listener.get_message(timeout=120)
if heard:
    print(heard["channel"], heard["data"])
listener.close()
client.close()
"""
    listener = checkout.start_python("-c", program)
    assert listener.stdout is not None
    assert listener.stdout.readline() == "subscribed\n"
    return listener


def test_a_quota_below_what_is_in_use_is_refused_in_the_preview_already(deployed: Checkout) -> None:
    pod = json.loads(json.dumps(POD))
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "3"}, "limits": {"cpu": "3"}}
    path = deployed.catalog / "bluebird-studio.yaml"
    text = path.read_text()
    deployed.kubectl("-n", "org-bluebird-studio", "create", "-f", "-", stdin=json.dumps(pod)).ok()
    try:
        deployed.edit("bluebird-studio", quota={"cpu": "2500m"})
        refused = deployed.pulumi("preview", "--non-interactive")
        assert refused.code != 0 and "2500m of cpu is less than the 3 that org-bluebird-studio uses" in refused.out
    finally:
        path.write_text(text)
        deployed.kubectl("-n", "org-bluebird-studio", "delete", "pod", "probe", "--grace-period=0", "--force").ok()
    assert set(deployed.up()) == {"same"}


def test_a_namespace_that_exists_already_fails_the_update_and_stays_untouched(deployed: Checkout) -> None:
    deployed.kubectl("create", "namespace", "org-squatted").ok()
    before = deployed.kubectl("get", "namespace", "org-squatted", "-o", "json").ok().out
    deployed.edit("squatted", name="Squatted", members=[{"email": "a@squatted.example", "role": "owner"}])
    try:
        failed = deployed.pulumi("up", "--yes", "--skip-preview")
        assert failed.code != 0 and "exists already and was not made by this platform" in failed.out, failed.out
        after = deployed.kubectl("get", "namespace", "org-squatted", "-o", "json").ok().out
        assert json.loads(after)["metadata"] == json.loads(before)["metadata"]
    finally:
        (deployed.catalog / "squatted.yaml").unlink()
    deployed.up()
    assert deployed.kubectl("get", "namespace", "org-squatted").code == 0, "deleting ours must not delete theirs"
    assert deployed.sql("select status from tenancy.organizations where slug = 'squatted'") == [["DELETED"]]


def test_a_deleted_organizations_slug_is_never_given_out_again(deployed: Checkout) -> None:
    deployed.edit("shortlived", name="Shortlived", members=[{"email": "a@short.example", "role": "owner"}])
    deployed.up()
    (deployed.catalog / "shortlived.yaml").unlink()
    deployed.up()
    assert deployed.kubectl("get", "namespace", "org-shortlived").code != 0
    deployed.edit("shortlived", name="Shortlived", members=[{"email": "b@other.example", "role": "owner"}])
    refused = deployed.pulumi("up", "--yes", "--skip-preview")
    (deployed.catalog / "shortlived.yaml").unlink()
    assert refused.code != 0 and "never given out again" in refused.out
    deployed.up()


def test_a_broken_catalog_is_refused_with_every_error_and_nothing_changes(deployed: Checkout) -> None:
    path = deployed.catalog / "broken.yaml"
    path.write_text("name: Broken\nplan: gold\nmembers:\n  - {email: x@broken.example, role: king}\n")
    refused = deployed.pulumi("up", "--yes", "--skip-preview")
    path.unlink()
    assert refused.code != 0
    assert "broken.yaml:2: plan: 'gold' is no plan" in refused.out
    assert "broken.yaml:4: members.0.role: 'king'" in refused.out
    assert set(deployed.up()) == {"same"}


def test_a_protected_organization_that_left_the_catalog_stops_the_update_before_anything_changes(
    deployed: Checkout,
) -> None:
    path = deployed.catalog / "contoso-health.yaml"
    text = path.read_text()
    deployed.python("-m", "engine", "up").ok()
    path.unlink()
    refused = deployed.python("-m", "engine", "up")
    path.write_text(text)
    assert refused.code == 1 and "contoso left the catalog but is protected; nothing was changed" in refused.out
    assert set(deployed.up()) == {"same"}


def test_the_policy_pack_denies_in_a_preview(deployed: Checkout) -> None:
    """The pack runs on the engine; here a component's own table is made to break the rule against wildcards."""
    table = deployed.folder / "tenants" / "permissions.py"
    honest = table.read_text()
    table.write_text(honest.replace('_READ = ("get", "list", "watch")', '_READ = ("*",)'))
    try:
        refused = deployed.pulumi("preview", "--policy-pack", "policies", "--non-interactive")
    finally:
        table.write_text(honest)
    assert refused.code != 0 and "no-wildcard-rbac" in refused.out, refused.out
    deployed.pulumi("preview", "--policy-pack", "policies", "--non-interactive").ok()


def test_a_killed_up_leaves_no_lock_behind(deployed: Checkout) -> None:
    killed = deployed.start_python("-m", "engine", "pulumi", "--", "up", "--yes", "--skip-preview")
    locks = deployed.folder / ".local" / "pulumi-state" / ".pulumi" / "locks"
    pid = _wait_for_lock(locks)
    subprocess.run(["kill", "-9", str(pid)], check=True)
    killed.communicate(timeout=60)
    assert list(locks.rglob("*.json")), "a killed engine cannot have removed its own lock"
    assert set(deployed.up()) == {"same"}


def _wait_for_lock(locks: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in locks.rglob("*.json"):
            text = path.read_text()
            if text:
                return int(json.loads(text)["pid"])
        time.sleep(0.02)
    raise AssertionError("pulumi up took no lock within a minute")


def test_destroy_leaves_nothing_of_ours_and_everything_of_others(deployed: Checkout) -> None:
    deployed.kubectl("create", "namespace", "org-of-a-stranger").ok()
    deployed.kubectl("-n", "default", "create", "configmap", "theirs", "--from-literal=a=b").ok()
    deployed.sql("create schema theirs; create table theirs.kept as select 1 as one")
    refused = deployed.python("-m", "engine", "destroy")
    assert refused.code == 1 and "are protected" in refused.out and "nothing was removed" in refused.out
    deployed.python("-m", "engine", "destroy", "--unprotect").ok()

    names = [item["metadata"]["name"] for item in deployed.objects("namespaces")]
    ours = [name for name in names if name.startswith("org-") and name not in _NOT_OURS]
    assert not ours, f"left behind: {ours}"
    assert {"org-of-a-stranger", "org-squatted"} <= set(names)
    for kind in ("clusterroles", "validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        left = {item["metadata"]["name"] for item in deployed.objects(kind)}
        assert not {name for name in left if name.startswith("agent-ready")} - _SET_UP_ONCE, kind
    assert deployed.sql("select nspname from pg_namespace where nspname = 'tenancy'") == []
    assert deployed.sql("select one from theirs.kept") == [["1"]]
    assert deployed.kubectl("-n", "default", "get", "configmap", "theirs").code == 0
    resources = json.loads(deployed.pulumi("stack", "export").ok().out)["deployment"].get("resources", [])
    assert [r["type"] for r in resources if r["type"] != "pulumi:pulumi:Stack"] == []

    assert deployed.up().get("create", 0) > 50, "and everything comes back"


_NOT_OURS = {"org-of-a-stranger", "org-squatted", "org-admission-canary"}
# deploy/identity/, by the cluster's administrator
_SET_UP_ONCE = {f"agent-ready:{name}" for name in ("platform", "controllers", "canary", "import", "service")}
