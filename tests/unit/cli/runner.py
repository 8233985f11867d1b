"""Runs the command line in this process."""

from collections.abc import Mapping
from functools import cache

from typer import testing

from cli.app import app

# It makes all commands anew for each run, which takes longer than most runs.
testing._get_command = cache(testing._get_command)  # type: ignore[attr-defined]


def invoke(arguments: tuple[str, ...], typed: str, environment: Mapping[str, str | None]) -> testing.Result:
    """One run: what is typed, and which variables are other than this process's; None takes one away."""
    return testing.CliRunner().invoke(app, list(arguments), input=typed, env=environment)
