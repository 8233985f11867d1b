"""Running the preview of one stack. Nothing is changed: no resource, no row, no state.

Pulumi streams its events as JSON with `PULUMI_ENABLE_STREAMING_JSON_PREVIEW` (documented in `pulumi preview --help`),
so that they are read while they come. A stack that did not exist before is taken away again.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.review_events import Preview, read_preview
from engine.runs import Run
from engine.stack import Stack

POLICY_PACK = ("--policy-pack", "policies")


def preview(root: Path, environment: str, run: Run, *, options: Sequence[str] = POLICY_PACK) -> Preview:
    """Preview one update of the checkout at `root`; `options` are more arguments for `pulumi preview`.

    What the engine finds wrong is in the result; EngineError means that it could not even be asked.
    """
    stack = Stack(root, environment, run.stack.shard)
    with contextlib.redirect_stdout(sys.stderr):  # standard output is the review's alone
        existed = stack.exists()
        stack.prepare()
    try:
        targets = run.targets(stack.urns)
        if targets is None:
            return Preview(stack.name)
        with stack.environment(run.holding) as variables:
            return _run(root, stack.name, variables, (*options, *targets))
    finally:
        if not existed:
            _forget(root, stack.name)


def _run(root: Path, stack: str, variables: Mapping[str, str], options: Sequence[str]) -> Preview:
    named = ("--stack", stack, "--config-file", str(_configured(root, stack)))
    command = ["pulumi", "preview", "--json", "--non-interactive", "--suppress-outputs", *named, *options]
    environment = {**variables, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    # Errors go to a file: a second pipe that nobody reads meanwhile could stop the engine.
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command, cwd=root, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        ) as process:  # fmt: skip
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            said: list[str] = []
            found = read_preview(stack, (_noted(line, said) for line in process.stdout))
        errors.seek(0)
        return found.ended(process.returncode, "".join(said) + errors.read())


def _noted(line: str, said: list[str]) -> str:
    """The line; one that is no event is noted, since an engine that fails early says why in plain words."""
    if not line.startswith("{"):
        said.append(line)
    return line


def _forget(root: Path, stack: str) -> None:
    """Remove a stack that was made for this preview; Pulumi itself refuses if it holds any resource by now."""
    command = ["pulumi", "stack", "rm", stack, "--yes", "--non-interactive", "--preserve-config"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(f"the stack {stack}, made for this preview, could not be removed:\n{done.stderr.strip()}")
    _configured(root, stack).unlink(missing_ok=True)


def _configured(root: Path, stack: str) -> Path:
    """The configuration file that `Stack.prepare` writes."""
    return root / ".local" / "stack" / f"Pulumi.{stack}.yaml"
