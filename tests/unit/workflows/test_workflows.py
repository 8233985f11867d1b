"""The pipelines: pinned actions, least rights, time limits, no secrets; the steps that post, with a stand-in."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.review_markdown import MARKER

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CREDENTIALS = re.compile(r"\bsecrets\s*[.\[]|secrets\s*:\s*inherit")
FORKS_OUT = "github.event.pull_request.head.repo.full_name == github.repository"


def load(path: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text())
    return loaded


def jobs() -> list[Any]:
    return [
        pytest.param(path.stem, job, id=f"{path.stem}.{name}")
        for path in WORKFLOWS
        for name, job in load(path)["jobs"].items()
    ]


def step(workflow: str, job: str, name: str) -> str:
    found = load(ROOT / ".github" / "workflows" / f"{workflow}.yml")["jobs"][job]["steps"]
    (script,) = [str(step["run"]) for step in found if step.get("name") == name]
    return script


def test_the_four_pipelines_are_there() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "deploy", "drift", "preview"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_a_full_commit_with_its_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses:\s*(.*)", path.read_text())
    for text in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text), text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_pin_is_the_same_everywhere(path: Path) -> None:
    everywhere = {pin for other in WORKFLOWS for pin in re.findall(r"uses:\s*(\S+@\S+)", other.read_text())}
    assert len(everywhere) == len({pin.partition("@")[0] for pin in everywhere})


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_every_job_has_a_time_limit_and_rights_of_its_own(workflow: str, job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 120
    assert isinstance(job["permissions"], dict) and job["permissions"], "named one by one, never write-all"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_allowed_by_default_and_no_stored_secret_is_used(path: Path) -> None:
    assert load(path)["permissions"] == {}
    assert not CREDENTIALS.search(path.read_text())
    assert "pull_request_target" not in path.read_text(), "it would run a fork's code with our rights"


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_who_runs_the_checkouts_code_cannot_write_to_the_repository(workflow: str, job: dict[str, Any]) -> None:
    checks_out = [step for step in job["steps"] if str(step.get("uses", "")).startswith("actions/checkout@")]
    for checkout in checks_out:
        assert checkout["with"]["persist-credentials"] is False
    writes = {right for right, level in job["permissions"].items() if level == "write"} - {"id-token"}
    assert not (checks_out and writes)


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_credentials_are_bound_to_an_environment_and_never_given_to_a_fork(workflow: str, job: dict[str, Any]) -> None:
    if "id-token" not in job["permissions"]:
        return
    assert job.get("environment"), "the role trusts this environment's jobs only"
    if workflow == "preview":
        assert FORKS_OUT in job["if"]
    if workflow == "deploy":
        assert "refs/heads/main" in job["if"]


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_no_script_holds_an_expression_that_somebody_else_can_write(workflow: str, job: dict[str, Any]) -> None:
    for step in job["steps"]:
        assert "${{" not in str(step.get("run", "")), "values reach a script as environment variables only"


def test_one_deployment_at_a_time_and_none_is_cut_off() -> None:
    deploy = load(ROOT / ".github" / "workflows" / "deploy.yml")
    assert deploy["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    gitlab = load_gitlab()
    assert gitlab["deploy"]["resource_group"] == "production" and gitlab["deploy"]["interruptible"] is False


def load_gitlab() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        """GitLab's `!reference` is the only tag that is used."""

    Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))  # type: ignore[arg-type]
    loaded: dict[str, Any] = yaml.load((ROOT / ".gitlab-ci.yml").read_text(), Loader)
    return loaded


def test_gitlab_has_the_same_jobs_a_limit_and_short_lived_credentials_only() -> None:
    gitlab = load_gitlab()
    assert {"test", "review", "deploy", "drift"} <= gitlab.keys()
    assert gitlab["default"]["timeout"]
    assert "id_tokens" in gitlab[".environment"]
    assert "id_tokens" not in gitlab["review"] and "extends" not in gitlab["review"], "a merge request's code"
    assert not re.search(r"ACCESS_KEY|PASSWORD|SECRET", (ROOT / ".gitlab-ci.yml").read_text())


GH = """#!/bin/sh
echo "$@" >> "$ASKED"
case "$*" in *--paginate*|*"issue list"*) printf '%s' "$FOUND_THERE" ;; esac
"""


@pytest.fixture
def gh(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    return {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "ASKED": str(tmp_path / "asked"), "FOUND_THERE": ""}


def run(script: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """Run a step the way the runner does; what it asked of `gh`."""
    subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=True, capture_output=True)
    asked = Path(environment["ASKED"])
    return asked.read_text().splitlines() if asked.exists() else []


@pytest.mark.parametrize(
    ("there", "expected"), [("", "--method POST all"), ("41\n42\n", "--method PATCH one/41")], ids=["first", "again"]
)
def test_one_comment_is_made_and_then_kept_up_to_date(
    tmp_path: Path, gh: dict[str, str], there: str, expected: str
) -> None:
    script = step("preview", "comment", "Post the review, or update the one that is there")
    assert f'startswith("{MARKER}")' in script
    environment = {**gh, "FOUND_THERE": there, "COMMENTS": "all", "COMMENT": "one", "MARKDOWN": f"{MARKER}\n`$x`"}
    asked = run(script, tmp_path, environment)
    assert len(asked) == 2 and expected in asked[1]
    assert (tmp_path / "review.md").read_text() == f"{MARKER}\n`$x`\n", "as it is, nothing in it is run"


def test_without_a_review_nothing_is_posted(tmp_path: Path, gh: dict[str, str]) -> None:
    script = step("preview", "comment", "Post the review, or update the one that is there")
    assert run(script, tmp_path, {**gh, "COMMENTS": "all", "COMMENT": "one", "MARKDOWN": ""}) == []


@pytest.mark.parametrize(
    ("found", "there", "expected"),
    [("yes", "", "issue create"), ("yes", "7", "issue edit 7"), ("no", "7", "issue close 7"), ("no", "", None)],
)
def test_one_issue_is_open_exactly_while_there_is_drift(
    tmp_path: Path, gh: dict[str, str], found: str, there: str, expected: str | None
) -> None:
    script = step("drift", "issue", "Open, update or close the issue")
    asked = run(script, tmp_path, {**gh, "FOUND_THERE": there, "FOUND": found, "TEXT": "differs", "RUN": "here"})
    acts = [line for line in asked if line.startswith("issue") and not line.startswith("issue list")]
    assert (
        [expected] == [" ".join(act.split()[: len((expected or "").split())]) for act in acts] if expected else not acts
    )


_REFUSING = """#!/bin/sh
case "$*" in *"config get"*) echo the-url; exit 0 ;; esac
echo review
echo progress >&2
exit 4
"""


@pytest.mark.parametrize("job", ["embedded", "environment"])
def test_the_review_is_handed_on_even_if_it_refuses(tmp_path: Path, job: str) -> None:
    script = step("preview", job, "Review")
    (tmp_path / ".local" / "venv" / "bin").mkdir(parents=True)
    (tmp_path / ".local" / "env").write_text("")
    (tmp_path / "aws").write_text("#!/bin/sh\n")
    (tmp_path / ".local" / "venv" / "bin" / "python").write_text(_REFUSING)
    for executable in (tmp_path / "aws", tmp_path / ".local" / "venv" / "bin" / "python"):
        executable.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path), "STATE": "s3://x",
        "CLUSTER": "c", "ENVIRONMENT": "production", "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }  # fmt: skip
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 4, "the job is red, and which red says the code"
    assert (tmp_path / "summary").read_text() == "review\n"
    first, body, last = (tmp_path / "output").read_text().splitlines()
    assert (first, body) == (f"markdown<<{last}", "review") and len(last) > 32, "the end cannot be guessed"
