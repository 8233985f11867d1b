"""`python -m engine`: run Pulumi on this checkout's stack, with what `.local/env` sets."""

import argparse
import sys
from pathlib import Path

from engine.errors import EngineError
from engine.stack import Stack

_EXAMPLES = """\
examples (first: . .local/env):
  python -m engine -- preview --diff          what would change
  python -m engine -- up                      change it
  python -m engine -- stack output            what the stack exports
  python -m engine --stack staging -- up      the stack that Pulumi.staging.yaml configures
"""


def main() -> int:
    """Parse, run, and tell errors as one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m engine", description=__doc__, epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--stack", default="dev", help="the stack, configured by Pulumi.<stack>.yaml; default: dev")
    parser.add_argument("arguments", nargs="+", metavar="-- ARGUMENT", help="what pulumi is to do, after --")
    given = parser.parse_args()
    try:
        return Stack(Path(__file__).parents[1], given.stack).pulumi(given.arguments)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
