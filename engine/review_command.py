"""`python -m engine review`: print the review of the catalog change as Markdown.

The Markdown goes to standard output and nothing else does; progress goes to standard error. The exit code says how it
went: see `Outcome`. (make ends with 2 whatever failed; a pipeline that wants to know calls this module.)
"""

import sys
import time
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path

from engine.errors import EngineError
from engine.preview import preview
from engine.review import Review, merge
from engine.review_events import Preview
from engine.review_markdown import render, render_broken_catalog, render_failure
from engine.stack import Stack
from tenants.catalog import load_catalog
from tenants.errors import CatalogError

Previewer = Callable[[Path, Stack], Preview]


class Outcome(IntEnum):
    """Exit codes of a review; changes, however many, are no failure."""

    REVIEWED = 0
    BROKEN_CATALOG = 3
    POLICY_VIOLATION = 4
    ENGINE_FAILURE = 5


def review(root: Path, stacks: Sequence[Stack], previewer: Previewer = preview) -> int:
    """Print the review of the checkout at `root` over these stacks; return an Outcome."""
    try:
        catalog = load_catalog(root / "tenants" / "orgs")
    except CatalogError as broken:
        return review_broken(broken)
    found: list[Preview] = []
    for number, stack in enumerate(stacks, 1):
        try:
            found.append(_timed(previewer, root, stack, f"[{number}/{len(stacks)}] {stack.name}"))
        except EngineError as error:
            print(render_failure(stack.name, str(error)), end="")
            return Outcome.ENGINE_FAILURE
    merged = merge(found, catalog)
    print(render(merged), end="", flush=True)
    return _outcome(merged)


def review_broken(broken: CatalogError) -> int:
    """Print the review of a catalog that cannot even be read; return the Outcome for it."""
    print(render_broken_catalog(broken.problems), end="")
    return Outcome.BROKEN_CATALOG


def _timed(previewer: Previewer, root: Path, stack: Stack, label: str) -> Preview:
    start = time.monotonic()
    print(f"{label}: asking the engine what would change", file=sys.stderr, flush=True)
    found = previewer(root, stack)
    changing = sum(step.verb != "same" for step in found.steps)
    elapsed = time.monotonic() - start
    print(f"{label}: {changing} of {len(found.steps)} resources change, {elapsed:.1f} s", file=sys.stderr, flush=True)
    return found


def _outcome(merged: Review) -> Outcome:
    if merged.errors:
        return Outcome.ENGINE_FAILURE
    return Outcome.POLICY_VIOLATION if merged.refused else Outcome.REVIEWED
