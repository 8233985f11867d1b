"""`make preview`: what a catalog change would do, as Markdown, without doing any of it."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.checkout import Checkout

KINDS = "namespaces,resourcequotas,limitranges,networkpolicies,rolebindings,serviceaccounts"


@pytest.fixture(scope="module")
def upped(deployed: Checkout) -> Checkout:
    """The deployed checkout, with nothing left to do."""
    deployed.up()
    return deployed


@pytest.fixture
def converged(upped: Checkout) -> Iterator[Checkout]:
    """The same; its catalog is put back afterwards."""
    kept = {path: path.read_bytes() for path in upped.catalog.iterdir()}
    yield upped
    for path in upped.catalog.iterdir():
        if path not in kept:
            path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)


def test_a_review_tells_what_is_added_changed_and_removed_and_changes_nothing(converged: Checkout) -> None:
    owner = [{"email": "olga@review.example", "role": "owner"}]
    before = state(converged)
    converged.edit("review-newcomer", name="Review Newcomer", plan="business", members=owner)
    converged.edit("fernweh-travel", quota={"cpu": "12", "memory": "24Gi"})
    gone = converged.catalog / "bluebird-studio.yaml"
    mia = yaml.safe_load(gone.read_text())["members"][0]["email"]
    gone.unlink()

    done = make_preview(converged)
    text = done.stdout
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert text.startswith("<!-- agent-ready-k8s review -->\n"), "progress and make's own words go elsewhere"
    assert "asking the engine" in done.stderr
    assert "**1 added, 1 changed, 1 removed**" in text

    (added,) = re.findall(r"^\| ➕ added \| `review-newcomer` .*$", text, re.M)
    assert "plan `business`" in added and "member `olga@review.example` `owner`" in added
    assert "0.00 → 199.00 (**+199.00**)" in added

    (changed,) = re.findall(r"^\| ✏️ changed \| `fernweh-travel` .*$", text, re.M)
    assert "cpu `7500m` → `12`" in changed and "memory `12Gi` → `24Gi`" in changed
    assert "49.00 → 77.00 (**+28.00**)" in changed, "2 cores at 9.00 and 4 GiB at 2.50 over the plan"
    assert "`spec.hard.limits.cpu` | `7500m` | `12` |" in text, "field by field, at the object"
    assert re.search(r"`ConfigDefaults` .*`values\.quota/cpu` \| `\"7500m\"` \| `\"12\"` \|", text), "and at the row"

    (removed,) = re.findall(r"^\| 🗑️ removed \| `bluebird-studio` .*$", text, re.M)
    assert f"− member `{mia}` `owner`" in removed
    assert "> [!CAUTION]\n> **DATA LOSS" in text and "`NamespaceClaim` `org-bluebird-studio` is **removed**" in text
    assert "(**+178.00 EUR**)" in text and "policy rules passed" in text

    assert state(converged) == before, "a review changes nothing"


def test_a_policy_violation_and_a_broken_catalog_show_and_have_exit_codes_of_their_own(converged: Checkout) -> None:
    table = converged.folder / "tenants" / "permissions.py"
    honest = table.read_text()
    table.write_text(honest.replace('_READ = ("get", "list", "watch")', '_READ = ("*",)'))
    try:
        refused = review(converged)
    finally:
        table.write_text(honest)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "policy violation" in refused.stdout.splitlines()[3]
    assert "| ❌ | `no-wildcard-rbac` | `role-viewer` |" in refused.stdout

    (converged.catalog / "broken.yaml").write_text("name: Broken\nplan: gold\nmembers: []\n")
    broken = review(converged)
    assert broken.returncode == 3, broken.stdout + broken.stderr
    assert "`tenants/orgs/broken.yaml:2` `plan` `'gold' is no plan" in broken.stdout


def review(checkout: Checkout) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "engine", "review"]
    return subprocess.run(
        command, cwd=checkout.folder, env=checkout.environment, capture_output=True, text=True, timeout=120
    )


def make_preview(checkout: Checkout) -> "subprocess.CompletedProcess[str]":
    # The copy's Python environment is the original's: never to be made here.
    command = ["make", "-s", "-o", ".local/venv/.ready", "preview"]
    return subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, timeout=120)


def state(checkout: Checkout) -> dict[str, object]:
    """Every object of the organizations with its version, their rows, and Pulumi's own state."""
    objects = checkout.objects(KINDS, "-A")
    return {
        "objects": sorted((item["metadata"]["uid"], item["metadata"]["resourceVersion"]) for item in objects),
        "rows": checkout.sql("select * from tenancy.organizations order by id"),
        "configs": checkout.sql("select * from tenancy.service_configs order by 1, 2, 3"),
        "history": checkout.sql("select count(*) from tenancy.config_history"),
        "pulumi": {str(path): digest(path) for path in (checkout.folder / ".local" / "pulumi-state").rglob("*.json")},
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
