"""The alert rules, by Prometheus's own tool: each fires when it should, and not otherwise."""

import subprocess
from pathlib import Path

import pytest
import yaml

from localplane.parts import Progress, obtain

ALERTS = Path(__file__).parents[3] / "deploy" / "alerts"
RULES = sorted(ALERTS.glob("*.yaml"))


@pytest.fixture(scope="session")
def promtool() -> list[str]:
    """The command; the first time it may be fetched. Without it these tests fail: nothing else has read the rules."""
    found = obtain(["prometheus"], lambda progress: _say(progress))["prometheus"]
    program = found.path.with_name("promtool")
    assert program.is_file(), f"{found.path} came without promtool beside it"
    return [*(["env", *(f"{name}={value}" for name, value in found.environment.items())]), str(program)]


def _say(progress: Progress) -> None:
    print(progress)


def run(promtool: list[str], *arguments: str, folder: Path = ALERTS) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*promtool, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_the_rules_are_valid_and_do_what_their_tests_say(promtool: list[str], rules: Path) -> None:
    checked = run(promtool, "check", "rules", rules.name)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = run(promtool, "test", "rules", rules.name, folder=ALERTS / "tests")
    assert tested.returncode == 0 and "SUCCESS" in tested.stdout, tested.stdout + tested.stderr


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_each_rule_is_seen_to_fire(rules: Path) -> None:
    groups = yaml.safe_load(rules.read_text())["groups"]
    named = {rule["alert"] for group in groups for rule in group["rules"]}
    tests = yaml.safe_load((ALERTS / "tests" / rules.name).read_text())["tests"]
    fired = {expected["alertname"] for test in tests for expected in test["alert_rule_test"] if expected["exp_alerts"]}
    assert named and fired == named


def test_a_rule_that_does_not_fire_fails_its_test(promtool: list[str], tmp_path: Path) -> None:
    (rules,) = [path for path in RULES if path.stem == "live-configuration"]
    (tmp_path / "tests").mkdir()
    (tmp_path / rules.name).write_text(rules.read_text().replace("> 0\n        for: 2m", "> 100\n        for: 2m"))
    (tmp_path / "tests" / rules.name).write_text((ALERTS / "tests" / rules.name).read_text())
    broken = run(promtool, "test", "rules", rules.name, folder=tmp_path / "tests")
    assert broken.returncode != 0 and "ConfigVersionSkew" in broken.stdout + broken.stderr
