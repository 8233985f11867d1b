"""`python -m engine review`: print the review of the catalog change as Markdown.

The Markdown goes to standard output and nothing else does; progress goes to standard error. The exit code says how it
went: see `Outcome`. (make ends with 2 whatever failed; a pipeline that wants to know calls this module.)
"""

import argparse
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
from tenants.catalog import load_catalog
from tenants.errors import CatalogError

Previewer = Callable[[Path, str], Preview]


class Outcome(IntEnum):
    """Exit codes of a review; changes, however many, are no failure."""

    REVIEWED = 0
    BROKEN_CATALOG = 3
    POLICY_VIOLATION = 4
    ENGINE_FAILURE = 5


def review(root: Path, stacks: Sequence[str], previewer: Previewer = preview) -> int:
    """Print the review of the checkout at `root` over these stacks; return an Outcome."""
    try:
        catalog = load_catalog(root / "tenants" / "orgs")
    except CatalogError as broken:
        print(render_broken_catalog(broken.problems), end="")
        return Outcome.BROKEN_CATALOG
    found: list[Preview] = []
    for number, stack in enumerate(stacks, 1):
        try:
            found.append(_timed(previewer, root, stack, f"[{number}/{len(stacks)}] {stack}"))
        except EngineError as error:
            print(render_failure(stack, str(error)), end="")
            return Outcome.ENGINE_FAILURE
    merged = merge(found, catalog)
    print(render(merged), end="", flush=True)
    return _outcome(merged)


def _timed(previewer: Previewer, root: Path, stack: str, label: str) -> Preview:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and review."""
    parser = argparse.ArgumentParser(prog="python -m engine.review_command", description=__doc__)
    parser.add_argument("--stack", action="append", dest="stacks", metavar="NAME", help="default: dev; may be repeated")
    given = parser.parse_args(arguments)
    return review(Path(__file__).parents[1], given.stacks or ["dev"])


if __name__ == "__main__":
    sys.exit(main())
