"""The review, from recorded events of the real engine (`recorded/`, Pulumi 3.250.0) to Markdown and exit code."""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from engine.deploy import Environment
from engine.errors import EngineError
from engine.preview import preview
from engine.review import Review, merge
from engine.review_command import Outcome, review
from engine.review_events import Preview, Step, Violation, read_preview, redact
from engine.review_fields import FieldChange, differences, is_secret
from engine.review_markdown import LONGEST, MARKER, render, render_broken_catalog
from engine.runs import Run, organization_urn
from engine.shards import Wanted
from tenants.errors import Problem
from tenants.model import Organization
from tenants.shards import Shard

ROOT = Path(__file__).parents[3]
RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str, exit_code: int = 0) -> Preview:
    with (RECORDED / f"{name}.jsonl").open() as lines:
        return read_preview("dev", lines).ended(exit_code, "")


def organization(name: str, plan: str = "starter", **fields: object) -> Organization:
    members = [{"email": "a@example.example", "role": "owner"}]
    return Organization.model_validate({"name": name, "plan": plan, "members": members, **fields})


# The catalog at the time of the recording: Zephyr Foods is new, Northwind changes, Bluebird Studio is gone.
CATALOG = (
    organization("Acme Robotics", "business", quota={"cpu": "24", "memory": "64Gi", "storage": "200Gi"}),
    organization("Northwind Logistics", "enterprise"),
    organization("Zephyr Foods", "business"),
)


RUN = Run(Wanted(Shard(1, 1), "dev", "frame", CATALOG), CATALOG, whole=True)


@pytest.fixture
def change() -> Review:
    return merge([recorded("change")], CATALOG)


def step(kind: str = "kubernetes:core/v1:ConfigMap", verb: str = "change", **fields: object) -> Step:
    blank: dict[str, object] = {"urn": "urn", "name": "thing", "organization": "acme", "old": {}, "new": {}}
    return Step(verb=verb, kind=kind, **{**blank, **fields})  # type: ignore[arg-type]


def organization_steps(slug: str, verb: str, **fields: object) -> tuple[Step, ...]:
    """An organization with one object that goes the same way."""
    return (
        step("agent-ready:tenancy:Organization", verb, organization=slug, name=slug),
        step("tenancy:index:NamespaceClaim", verb, organization=slug, name=f"{slug}-namespace", **fields),
    )


class TestWhatTheEngineSaid:
    def test_each_organization_is_added_changed_or_removed(self, change: Review) -> None:
        verbs = {found.slug: found.verb for found in change.organizations}
        assert verbs == {"bluebird-studio": "remove", "northwind-logistics": "change", "zephyr-foods": "add"}
        assert change.unchanged == 1, "Acme Robotics"
        assert not change.platform and not change.errors and not change.refused

    def test_fields_are_told_from_old_to_new(self, change: Review) -> None:
        (northwind,) = [found for found in change.organizations if found.verb == "change"]
        fields = {(o.kind, field.path): (field.before, field.after) for o in northwind.objects for field in o.fields}
        assert fields["OrganizationRow", "plan"] == ("business", "enterprise")
        assert fields["ResourceQuota", "spec.hard.limits.cpu"] == ("20", "64")
        assert fields["LimitRange", "spec.limits[1].max.storage"] == ("100Gi", "1Ti")
        assert fields["ConfigDefaults", "values.quota/memory"] == ('"40Gi"', '"128Gi"')
        assert fields["IsolationGate", "role_bindings"] == ("organization-viewers", None)

    def test_facts_are_what_the_customer_would_say(self, change: Review) -> None:
        (northwind,) = [found for found in change.organizations if found.verb == "change"]
        assert northwind.facts == (
            FieldChange("plan", "business", "enterprise"),
            FieldChange("cpu", "20", "64"),
            FieldChange("memory", "40Gi", "128Gi"),
            FieldChange("storage", "100Gi", "1Ti"),
            FieldChange("member omar@northwind.example", "viewer", None),
        )

    def test_an_imported_namespace_is_told_from_a_new_one(self) -> None:
        for inputs, facts in (({"adopt": "uid-7"}, (FieldChange("adopts", None, "uid-7"),)), ({}, ())):
            found = merge([Preview("dev", organization_steps("acme", "add", new=inputs))], ())
            assert found.organizations[0].facts == facts
            assert ("adopts `uid-7`" in render(found)) is bool(facts)

    def test_rows_and_cluster_objects_are_told_apart(self, change: Review) -> None:
        (added,) = [found for found in change.organizations if found.verb == "add"]
        assert [o.kind for o in added.objects if o.place == "database"] == ["ConfigDefaults", "OrganizationRow"]
        in_cluster = {o.kind for o in added.objects if o.place == "cluster"}
        assert {"NamespaceClaim", "ResourceQuota", "NetworkPolicy", "RoleBinding", "IsolationGate"} <= in_cluster

    def test_costs_come_from_the_state_before_and_the_catalog_after(self, change: Review) -> None:
        costs = {found.slug: (found.before, found.after) for found in change.organizations}
        assert costs["bluebird-studio"] == (Decimal("49.00"), 0)
        assert costs["northwind-logistics"] == (Decimal("199.00"), Decimal("1490.00"))
        assert costs["zephyr-foods"] == (0, Decimal("199.00"))
        assert change.delta == Decimal("1441.00")
        assert change.after == Decimal("293.80") + Decimal("1490.00") + Decimal("199.00")

    def test_a_cost_that_the_state_does_not_tell_is_not_known_rather_than_zero(self) -> None:
        found = merge([Preview("dev", organization_steps("acme", "remove"))], ())
        assert found.organizations[0].before is None and found.delta is None
        assert "not known" in render(found)

    def test_steps_of_a_replacement_are_one_and_name_what_forces_it(self) -> None:
        (quota,) = [s for s in recorded("replace").steps if s.name == "quanta-labs-quota"]
        assert (quota.verb, quota.replacing) == ("replace", ("metadata.name",))
        assert FieldChange("metadata.name", "quota", "quota2") in differences(quota)

    def test_policies_refuse_and_the_engine_has_not_failed(self) -> None:
        found = recorded("policy", exit_code=1)
        assert found.refused and not found.failed
        assert found.violations[0].policy == "no-wildcard-rbac"
        assert found.violations[0].text == "rules[0].verbs holds the wildcard '*'; list what is meant"
        assert "quota-is-bounded" in found.rules, "what passed is told too"

    def test_a_failing_engine_says_why(self) -> None:
        found = recorded("engine", exit_code=1)
        assert found.failed and not found.refused
        assert found.errors == ("/nonexistent is no kubeconfig file; run `make up`, or name yours: KUBECONFIG=<file>",)

    def test_an_engine_that_dies_before_its_first_event_is_a_failure_with_its_own_words(self) -> None:
        found = read_preview("dev", ["not json\n", "{broken\n"]).ended(255, "error: the stack is locked by ann\n")
        assert found.failed and found.errors == ("error: the stack is locked by ann",)
        assert read_preview("dev", []).ended(1, "").errors == ("pulumi ended with exit code 1 and said nothing",)

    def test_an_advisory_violation_warns_and_does_not_refuse(self) -> None:
        event = {"policyEvent": {"policyName": "p", "message": "About.\nwrong", "enforcementLevel": "advisory"}}
        done = {"summaryEvent": {"result": "succeeded"}}
        found = read_preview("dev", [json.dumps(event), json.dumps(done)]).ended(0, "")
        assert found.violations == (Violation("p", "the stack", "wrong", mandatory=False),)
        assert not found.refused and not found.failed

    def test_nested_components_belong_to_their_organization(self) -> None:
        root = "urn:pulumi:dev::p::agent-ready:tenancy:Organization::acme"
        between = "urn:pulumi:dev::p::agent-ready:tenancy:Organization$my:index:Part::part"
        leaf = "urn:pulumi:dev::p::agent-ready:tenancy:Organization$my:index:Part$random:index/x:X::leaf"
        events = [
            {"resourcePreEvent": {"metadata": {"op": "create", "urn": urn, "type": "t", "new": {"parent": parent}}}}
            for urn, parent in ((leaf, between), (between, root), (root, ""))
        ]
        found = read_preview("dev", map(json.dumps, events))
        assert {s.organization for s in found.steps} == {"acme"}


class TestManyStacks:
    def test_unchanged_and_cost_count_the_whole_catalog(self) -> None:
        found = merge([replace(recorded("change"), stack="dev-01")], (*CATALOG, organization("Elsewhere")))
        assert found.unchanged == 2, "an organization of a stack that was not previewed is unchanged"

    def test_an_organization_that_leaves_one_stack_for_another_is_moved_and_loses_its_data(self) -> None:
        old = Preview("dev-01", organization_steps("acme", "remove"))
        new = Preview("dev-02", organization_steps("acme", "add"))
        found = merge([old, new], [organization("Acme")])
        assert [(c.slug, c.verb, c.stacks) for c in found.organizations] == [("acme", "move", ("dev-01", "dev-02"))]
        text = render(found)
        assert "1 moved" in text and "[!CAUTION]" in text and "stacks `dev-01`, `dev-02`" in text

    def test_errors_and_violations_of_every_stack_are_told(self) -> None:
        failed = Preview("dev-02", errors=("boom",), succeeded=False)
        found = merge([recorded("policy", exit_code=1), failed], CATALOG)
        assert found.refused and found.errors == (("dev-02", "boom"),)


class TestNothingSecretIsShown:
    @pytest.mark.parametrize(
        "path",
        ["data.password", "spec.clientSecret", "values.ai/api_key", "database_url", "databaseUrl", "a.private-key",
         "env[0].DB_PASSWORD", "token", "values.crm/access_key"],
    )  # fmt: skip
    def test_fields_that_speak_of_secrets_are_closed(self, path: str) -> None:
        assert is_secret(path)

    @pytest.mark.parametrize("path", ["spec.hard.secrets", "plan", "metadata.name", "values.ai/threshold", "keyboard"])
    def test_others_are_open(self, path: str) -> None:
        assert not is_secret(path)

    def test_a_secret_value_is_not_shown_in_any_form(self) -> None:
        changed = step(
            old={"password": "hunter2", "url": "postgresql://u:hunter2@h/d", "n": "x"},
            new={"password": "hunter3", "url": "postgresql://u:hunter3@h/d", "n": "y"},
        )
        fields = {field.path: field for field in differences(changed)}
        assert fields["password"].hidden and fields["password"].before is None
        assert fields["url"].after == "postgresql://u:…@h/d"
        assert "hunter" not in render(merge([Preview("dev", (changed,))], ()))

    @pytest.mark.parametrize("kind", ["kubernetes:core/v1:Secret", "pulumi:providers:tenancy", "random:index/x:X"])
    def test_of_secret_objects_only_the_fields_names_are_told(self, kind: str) -> None:
        (field,) = differences(step(kind, old={"data": {"a": "old"}}, new={"data": {"a": "new"}}))
        assert field == FieldChange("data.a", None, None, hidden=True)

    def test_a_secret_that_the_engine_blinded_is_still_told_to_change(self) -> None:
        wrapped = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
        fields = differences(step(old={"dsn": wrapped}, new={"dsn": wrapped}, touched=("dsn",)))
        assert fields == (FieldChange("dsn", None, None, hidden=True),)
        assert differences(step(old={"dsn": "plain"}, new={"dsn": wrapped}))[0].hidden

    def test_errors_lose_the_passwords_of_addresses(self) -> None:
        assert redact("no postgresql://pulumi:p/w:d@db:5432/x here") == "no postgresql://pulumi:…@db:5432/x here"
        found = read_preview("dev", []).ended(1, "error: rediss://publisher:topsecret@r:6380/0 is away")
        assert "topsecret" not in render(merge([found], ()))

    def test_the_recordings_hold_no_secret(self) -> None:
        for path in RECORDED.iterdir():
            text = path.read_text()
            assert not re.search(r"://[^\s\"/@]+:[^\s\"@]+@", text), path
            assert set(re.findall(r'"ciphertext":"([^"]*)"', text)) <= {"[secret]"}, path


class TestMarkdown:
    def test_it_starts_with_the_marker_and_a_summary_line(self, change: Review) -> None:
        lines = render(change).splitlines()
        assert lines[0] == MARKER == "<!-- agent-ready-k8s review -->"
        assert lines[3].startswith("**1 added, 1 changed, 1 removed**, 1 unchanged · monthly cost ")
        assert "(**+1,441.00 EUR**) · ✅ 4 policy rules passed · stack `dev`" in lines[3]

    def test_each_organization_has_its_line_with_cost(self, change: Review) -> None:
        text = render(change)
        assert re.search(r"^\| 🗑️ removed \| `bluebird-studio` .* 49\.00 → 0\.00 \(\*\*-49\.00\*\*\) \|$", text, re.M)
        assert re.search(r"^\| ✏️ changed \| `northwind-logistics` \| plan `business` → `enterprise`, cpu", text, re.M)
        assert "− member `omar@northwind.example` `viewer`" in text
        assert re.search(r"^\| ➕ added \| `zephyr-foods` \| name `Zephyr Foods`, plan `business`", text, re.M)

    def test_data_loss_comes_before_everything_that_is_harmless(self, change: Review) -> None:
        text = render(change)
        caution = text.index("> [!CAUTION]")
        assert caution < text.index("| organization |")
        loud = text[caution : text.index("\n\n", caution)]
        assert "`bluebird-studio`: `NamespaceClaim` `org-bluebird-studio` is **removed**" in loud
        assert "zephyr" not in loud and "northwind" not in loud

    def test_a_change_without_loss_warns_of_nothing(self) -> None:
        found = merge([Preview("dev", organization_steps("acme", "add"))], [organization("Acme")])
        assert "[!CAUTION]" not in render(found) and "[!WARNING]" not in render(found)

    def test_a_replaced_namespace_is_a_loss_and_a_replaced_quota_a_warning(self) -> None:
        assert "[!WARNING]\n> **Replaced**" in render(merge([recorded("replace")], CATALOG))
        claim = step("tenancy:index:NamespaceClaim", "replace", new={"name": "org-acme"}, replacing=("name",))
        text = render(merge([Preview("dev", (claim,))], [organization("Acme")]))
        assert "`acme`: `NamespaceClaim` `org-acme` is **replaced**, and with it the namespace" in text

    def test_a_refusal_names_policy_resource_and_reason(self) -> None:
        text = render(merge([recorded("policy", exit_code=1)], CATALOG))
        assert "❌ **" in text.splitlines()[3]
        assert "| ❌ | `no-wildcard-rbac` | `role-owner` | `rules[0].verbs holds the wildcard '*'" in text

    def test_a_failed_engine_is_no_review_without_changes(self) -> None:
        text = render(merge([recorded("engine", exit_code=1)], CATALOG))
        assert "**incomplete**" in text and "❌ The engine failed on stack `dev`" in text
        assert "/nonexistent is no kubeconfig file" in text

    def test_nothing_to_do_is_said(self) -> None:
        done = Preview("dev", rules=("a",))
        assert "**no organization changes**, 3 unchanged · monthly cost" in render(merge([done], CATALOG))

    def test_a_broken_catalog_lists_every_problem_with_file_line_and_key(self) -> None:
        text = render_broken_catalog(
            [Problem("a.yaml", 2, "plan", "'gold' is no plan"), Problem("b.yaml", 1, "", "is | `odd`")]
        )
        assert text.startswith(MARKER) and "2 problems" in text
        assert "- `tenants/orgs/a.yaml:2` `plan` `'gold' is no plan`" in text
        assert "- `tenants/orgs/b.yaml:1` `is \\| ʼoddʼ`" in text

    def test_names_can_neither_mention_anybody_nor_break_the_table(self) -> None:
        hostile = "@everyone | x ` <img src=x>\n| a | b |\n<!-- agent-ready-k8s review -->"
        row = step("tenancy:index:OrganizationRow", old={"display_name": "A"}, new={"display_name": hostile})
        text = render(merge([Preview("dev", (row,))], ()))
        (line,) = [line for line in text.splitlines() if line.startswith("| ✏️ changed | `acme`")]
        outside = re.sub(r"`[^`]*`", "", line)
        assert "@" not in outside and "<" not in outside
        assert len(re.findall(r"(?<!\\)\|", line)) == 5, "four cells"
        assert [n for n, found in enumerate(text.splitlines()) if found.startswith(MARKER)] == [0]

    def test_it_fits_a_comment_however_much_changes(self) -> None:
        big = {f"k{i}": "x" * 100 for i in range(50)}
        steps: Iterator[Step] = (
            found
            for number in range(300)
            for found in organization_steps(f"org{number:03}", "change", old={}, new={"name": "n", "labels": big})
        )
        text = render(merge([Preview("dev", tuple(steps))], ()))
        assert len(text) <= LONGEST and text.startswith(MARKER)
        assert "300 changed" in text and "more" in text


class TestCommand:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        catalog = tmp_path / "tenants" / "orgs"
        catalog.mkdir(parents=True)
        for wanted in CATALOG:
            (catalog / f"{wanted.slug}.yaml").write_text(yaml.safe_dump(wanted.model_dump(mode="json")))
        return tmp_path

    @pytest.mark.parametrize(
        ("name", "engine_code", "outcome"),
        [
            ("change", 0, Outcome.REVIEWED),
            ("policy", 1, Outcome.POLICY_VIOLATION),
            ("engine", 1, Outcome.ENGINE_FAILURE),
        ],
    )
    def test_the_exit_code_tells_how_it_went(
        self, root: Path, capsys: pytest.CaptureFixture[str], name: str, engine_code: int, outcome: Outcome
    ) -> None:
        assert review(root, "dev", CATALOG, [RUN], lambda *_: recorded(name, engine_code)) == outcome
        said = capsys.readouterr()
        assert said.out.startswith(MARKER) and "[1/1] dev" in said.err, "Markdown alone goes to standard output"

    def test_a_broken_catalog_is_reviewed_without_the_engine(
        self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (root / "tenants" / "orgs" / "acme-robotics.yaml").write_text("name: Acme\nplan: gold\n")
        (root / "Pulumi.dev.yaml").write_text("config: {}\n")
        monkeypatch.delenv("PLATFORM_DATABASE_URL", raising=False)
        assert asyncio.run(Environment(root, "dev").review()) == Outcome.BROKEN_CATALOG
        assert "`tenants/orgs/acme-robotics.yaml:2` `plan`" in capsys.readouterr().out

    def test_an_engine_that_cannot_be_asked_is_a_failure(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        def away(_: Path, environment: str, run: Run) -> Preview:
            raise EngineError(f"`pulumi stack ls` failed for {run.stack.stack}")

        assert review(root, "dev", CATALOG, [RUN], away) == Outcome.ENGINE_FAILURE
        assert "`pulumi stack ls` failed for dev" in capsys.readouterr().out

    def test_outcomes_are_distinguishable_from_each_other_and_from_a_crash(self) -> None:
        assert len({*Outcome, 1, 2}) == len(Outcome) + 2


_PULUMI = """#!/bin/sh
echo "$@" >> "$ASKED"
case "$*" in
  *"stack init"*) touch "$STACKS/dev.json" ;;
  *"stack rm"*) rm "$STACKS/dev.json" ;;
  preview*) test "$PULUMI_ENABLE_STREAMING_JSON_PREVIEW" = true || exit 9
            cat "$EVENTS"; echo "warning: something" >&2; exit "$ENDS" ;;
esac
"""


class TestRunningTheEngine:
    """`preview` against a stand-in for the CLI; the real one is in tests/e2e/test_review.py."""

    @pytest.fixture
    def asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "pulumi").write_text(_PULUMI)
        (tmp_path / "bin" / "pulumi").chmod(0o755)
        for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
            (tmp_path / name).write_text((ROOT / name).read_text())
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/state")
        stacks = tmp_path / "state" / ".pulumi" / "stacks" / "agent-ready-k8s"
        stacks.mkdir(parents=True)
        (stacks / "dev.json").touch()
        monkeypatch.setenv("STACKS", str(stacks))
        monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
        monkeypatch.setenv("EVENTS", str(RECORDED / "change.jsonl"))
        monkeypatch.setenv("ENDS", "0")
        return tmp_path / "asked"

    def test_it_previews_with_the_policy_pack_and_never_updates(self, tmp_path: Path, asked: Path) -> None:
        found = preview(tmp_path, "dev", RUN)
        assert found.succeeded and len(found.steps) > 50
        (command,) = [line for line in asked.read_text().splitlines() if line.startswith("preview")]
        assert "--policy-pack policies" in command and "--stack dev" in command
        assert "--target" not in command, "the whole stack is asked for"
        assert not any(line.startswith(("up", "refresh", "destroy")) for line in asked.read_text().splitlines())

    def test_what_changed_is_all_that_is_asked_for(self, tmp_path: Path, asked: Path) -> None:
        preview(tmp_path, "dev", Run(RUN.stack, CATALOG[:1]))
        (command,) = [line for line in asked.read_text().splitlines() if line.startswith("preview")]
        assert f"--target={organization_urn('dev', 'acme-robotics')} --target-dependents" in command
        assert command.count("--target=") == 1

    def test_a_stack_that_was_not_there_is_not_there_afterwards(self, tmp_path: Path, asked: Path) -> None:
        state = Path(os.environ["STACKS"]) / "dev.json"
        state.unlink()
        preview(tmp_path, "dev", RUN)
        assert "stack init dev" in asked.read_text() and not state.exists()
        assert "--force" not in asked.read_text(), "Pulumi refuses to remove a stack that holds something by now"
        assert not (tmp_path / ".local" / "stack" / "Pulumi.dev.yaml").exists()
        assert (tmp_path / "Pulumi.dev.yaml").exists(), "the committed file stays"

    def test_what_the_engine_says_beside_its_events_is_kept_for_a_failure(
        self, tmp_path: Path, asked: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EVENTS", os.devnull)
        monkeypatch.setenv("ENDS", "255")
        assert preview(tmp_path, "dev", RUN).errors == ("warning: something",)
