"""Running the preview of one stack. Nothing is changed: no resource, no row, no state.

Pulumi streams its events as JSON with `PULUMI_ENABLE_STREAMING_JSON_PREVIEW` (documented in `pulumi preview --help`),
so that they are read while they come. A stack that did not exist before is taken away again.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError, NotConfigured
from engine.review_events import Preview, read_preview
from engine.stack import Stack

POLICY_PACK = ("--policy-pack", "policies")


def preview(root: Path, stack: str, *, options: Sequence[str] = POLICY_PACK) -> Preview:
    """Preview `stack` of the checkout at `root`; `options` are more arguments for `pulumi preview`.

    What the engine finds wrong is in the result; EngineError means that it could not even be asked.
    """
    existed = stack in _stacks(root)
    with contextlib.redirect_stdout(sys.stderr):  # standard output is the review's alone
        Stack(root, stack).prepare()
    try:
        return _run(root, stack, options)
    finally:
        if not existed:
            _forget(root, stack)


def _run(root: Path, stack: str, options: Sequence[str]) -> Preview:
    configured = root / ".local" / "stack" / f"Pulumi.{stack}.yaml"
    named = ("--stack", stack, "--config-file", str(configured))
    command = ["pulumi", "preview", "--json", "--non-interactive", "--suppress-outputs", *named, *options]
    environment = {**os.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    # Errors go to a file: a second pipe that nobody reads meanwhile could stop the engine.
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(
            command, cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=errors,
            stdin=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            assert process.stdout is not None  # noqa: S101 - asked for two lines above
            said: list[str] = []
            found = read_preview(stack, (_noted(line, said) for line in process.stdout))
        errors.seek(0)
        return found.ended(process.returncode, "".join(said) + errors.read())


def _noted(line: str, said: list[str]) -> str:
    """The line; one that is no event is noted, since an engine that fails early says why in plain words."""
    if not line.startswith("{"):
        said.append(line)
    return line


def _stacks(root: Path) -> set[str]:
    listed = _ask(root, "stack", "ls", "--json")
    return {str(found["name"]) for found in json.loads(listed)}


def _forget(root: Path, stack: str) -> None:
    """Remove a stack that was made for this preview; Pulumi itself refuses if it holds any resource by now."""
    configured = root / ".local" / "stack" / f"Pulumi.{stack}.yaml"
    _ask(root, "stack", "rm", stack, "--yes", "--non-interactive", "--preserve-config")
    configured.unlink(missing_ok=True)


def _ask(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["pulumi", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise NotConfigured("pulumi is not on PATH; run `make up`, then `. .local/env`") from missing
    if done.returncode:
        raise EngineError(f"`pulumi {' '.join(arguments[:2])}` failed:\n{done.stderr.strip()}")
    return done.stdout
