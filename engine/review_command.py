"""`python -m engine review`: print the review of the catalog change as Markdown.

The Markdown goes to standard output and nothing else does; progress goes to standard error. The exit code says how it
went: see `Outcome`. (make ends with 2 whatever failed; a pipeline that wants to know calls this module.)
"""

import sys
import time
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path

from engine.errors import EngineError
from engine.preview import preview
from engine.review import Review, merge
from engine.review_events import Preview
from engine.review_markdown import render, render_broken_catalog, render_failure
from engine.runs import Run
from tenants.errors import CatalogError
from tenants.model import Organization

Previewer = Callable[[Path, str, Run], Preview]


class Outcome(IntEnum):
    """Exit codes of a review; changes, however many, are no failure."""

    REVIEWED = 0
    BROKEN_CATALOG = 3
    POLICY_VIOLATION = 4
    ENGINE_FAILURE = 5


def review(
    root: Path, environment: str, catalog: Sequence[Organization], runs: Sequence[Run], previewer: Previewer = preview
) -> int:
    """Print the review of what these runs of the checkout at `root` would change; return an Outcome."""
    found: list[Preview] = []
    for number, run in enumerate(runs, 1):
        label = f"[{number}/{len(runs)}] {run.stack.stack}"
        try:
            found.append(_timed(partial(previewer, root, environment, run), label))
        except EngineError as error:
            print(render_failure(run.stack.stack, str(error)), end="")
            return Outcome.ENGINE_FAILURE
    merged = merge(found, catalog)
    print(render(merged), end="", flush=True)
    return _outcome(merged)


def review_broken(broken: CatalogError) -> int:
    """Print the review of a catalog that cannot even be read; return the Outcome for it."""
    print(render_broken_catalog(broken.problems), end="")
    return Outcome.BROKEN_CATALOG


def _timed(ask: Callable[[], Preview], label: str) -> Preview:
    start = time.monotonic()
    print(f"{label}: asking the engine what would change", file=sys.stderr, flush=True)
    found = ask()
    changing = sum(step.verb != "same" for step in found.steps)
    elapsed = time.monotonic() - start
    print(f"{label}: {changing} of {len(found.steps)} resources change, {elapsed:.1f} s", file=sys.stderr, flush=True)
    return found


def _outcome(merged: Review) -> Outcome:
    if merged.errors:
        return Outcome.ENGINE_FAILURE
    return Outcome.POLICY_VIOLATION if merged.refused else Outcome.REVIEWED
