"""An organization's way into the database: its Secret, what its login sees, rotation, and a lost state."""

import base64
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.checkout import Checkout, Result

ROTATED, LEFT_OVER, LOST = "bluebird-studio", "contoso", "northwind-logistics"


def secret(checkout: Checkout, slug: str) -> dict[str, str]:
    """What the organization's Secret holds."""
    found = checkout.kubectl("-n", f"org-{slug}", "get", "secret", "database", "-o", "json").ok().out
    return {key: base64.b64decode(value).decode() for key, value in json.loads(found)["data"].items()}


def seen(held: dict[str, str], folder: Path) -> list[str]:
    """The slugs of all organizations that a pod with this Secret sees."""
    (folder / "ca.crt").write_text(held["ca.crt"])
    with psycopg.connect(held["url"], sslrootcert=str(folder / "ca.crt")) as connection:
        return [row[0] for row in connection.execute("select slug from tenancy.organizations")]


def number(checkout: Checkout, slug: str) -> str:
    return checkout.sql(f"select id from tenancy.organizations where slug = '{slug}'")[0][0]


def forget(checkout: Checkout, folder: Path, *parts: str) -> int:
    """Take resources whose URN holds one of these texts out of the stack's state; how many there were."""
    exported: dict[str, Any] = json.loads(_json(checkout.pulumi("stack", "export")))
    resources = exported["deployment"]["resources"]
    gone = {r["urn"] for r in resources if any(part in r["urn"] for part in parts)}
    kept = [r for r in resources if r["urn"] not in gone]
    for resource in kept:
        resource["dependencies"] = [urn for urn in resource.get("dependencies") or [] if urn not in gone]
        resource.pop("propertyDependencies", None)
    exported["deployment"]["resources"] = kept
    (folder / "state.json").write_text(json.dumps(exported))
    checkout.pulumi("stack", "import", "--file", str(folder / "state.json")).ok()
    return len(gone)


def _json(result: Result) -> str:
    printed = result.ok().out
    return printed[printed.index("{") :]


def test_each_organizations_secret_opens_its_own_rows_only(
    deployed: Checkout, slugs: list[str], tmp_path: Path
) -> None:
    for slug in slugs:
        held = secret(deployed, slug)
        assert {"host", "port", "dbname", "username", "password", "sslmode", "url"} <= held.keys()
        assert held["sslmode"] == "verify-full" and slug not in held["username"], "verified, and telling nothing"
        assert seen(held, tmp_path) == [slug]


def test_no_password_is_in_the_state_a_log_or_the_audit_log(deployed: Checkout, slugs: list[str]) -> None:
    passwords = [secret(deployed, slug)["password"] for slug in slugs]
    exported = deployed.pulumi("stack", "export").ok().out
    texts = {"stack export": exported}
    for folder in ("logs", "pulumi-state"):
        for path in (deployed.folder / ".local" / folder).rglob("*"):
            if path.is_file():
                texts[str(path)] = path.read_bytes().decode(errors="replace")
    for password in passwords:
        hidden = base64.b64encode(password.encode()).decode().rstrip("=")
        found = [name for name, text in texts.items() if password in text or hidden in text]
        assert not found, f"a password is in the clear in {found}"
    assert "SCRAM-SHA-256$" not in exported, "nor is a verifier"


def test_the_platform_reads_and_lists_no_other_secret(deployed: Checkout) -> None:
    own = ["-n", "org-contoso", "--kubeconfig", ".local/kubeconfig-pulumi"]
    assert deployed.kubectl("auth", "can-i", "get", "secrets/database", *own).out.strip() == "yes"
    assert deployed.kubectl("auth", "can-i", "get", "secrets/live-configuration", *own).out.strip() == "yes"
    for asked in (["get", "secrets/other"], ["list", "secrets"], ["watch", "secrets"], ["delete", "secrets/database"]):
        assert deployed.kubectl("auth", "can-i", *asked, *own).out.strip().endswith("no"), asked


def test_a_rotation_keeps_the_password_before_and_no_lost_state_changes_one(deployed: Checkout, tmp_path: Path) -> None:
    """One update rotates an organization, meets a role that a killed run left, and has lost another organization."""
    before = {slug: secret(deployed, slug) for slug in (ROTATED, LEFT_OVER, LOST)}
    changes_so_far = "select count(*) from tenancy.quota_changes where org_id = " + number(deployed, ROTATED)
    assert deployed.sql(changes_so_far) == [["3"]], "the first quota is recorded too"
    assert forget(deployed, tmp_path, f"::{LEFT_OVER}-role-1") == 1
    assert forget(deployed, tmp_path, f"::{LOST}") > 10
    deployed.edit(ROTATED, database={"rotation": 2}, retention_days=7, quota={"cpu": 8})
    deployed.up()

    for slug in (LEFT_OVER, LOST):
        assert secret(deployed, slug) == before[slug], f"{slug}: what is in use was rotated"
        assert seen(before[slug], tmp_path) == [slug]
    rotated = secret(deployed, ROTATED)
    assert rotated["password"] != before[ROTATED]["password"] and rotated["username"] != before[ROTATED]["username"]
    assert seen(rotated, tmp_path) == seen(before[ROTATED], tmp_path) == [ROTATED], "both until the next rotation"
    last = (
        "select resource, old_value, new_value, actor, reason from tenancy.quota_changes "
        f"where org_id = {number(deployed, ROTATED)} order by id desc limit 1"
    )
    assert deployed.sql(last) == [["cpu", "10", "8", "catalog", "from the catalog"]]
    kept = "select database_rotation, retention_days from tenancy.organizations where slug = "
    assert deployed.sql(f"{kept}'{ROTATED}'") == [["2", "7"]]

    deployed.edit(ROTATED, database={"rotation": 4})
    refused = deployed.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0 and "goes from 2 to 4; raise it by one at a time" in refused.out, refused.out
    deployed.edit(ROTATED, database={"rotation": 3})
    changes = deployed.up()
    assert changes.pop("same") > 50
    assert changes.pop("update") == 4, "the row, the Redis user, both Secrets"
    # Passwords wait for no row: the refused update may have made those of the generations 3 and 4.
    assert changes["create"] in (2, 3) and changes["delete"] in (3, 4) and len(changes) == 2, "password, login, role"
    assert seen(rotated, tmp_path) == seen(secret(deployed, ROTATED), tmp_path) == [ROTATED]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        seen(before[ROTATED], tmp_path)


def test_a_login_has_the_limits_of_its_plan(deployed: Checkout) -> None:
    for slug, connections, timeout in (("fernweh-travel", "10", "15000"), ("contoso", "100", "60000")):
        role = secret(deployed, slug)["username"]
        limits = f"select rolconnlimit, array_to_string(rolconfig, ' ') from pg_roles where rolname = '{role}'"
        assert deployed.sql(limits) == [[connections, f"statement_timeout={timeout}"]]
