"""`python -m tests.bench [--sizes 1,10,100] [--json FOLDER]`: run every benchmark, print the tables."""

import argparse
from pathlib import Path

from tests.bench import catalogs
from tests.bench.measure import as_json, machine


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--sizes", default="1,10,100", help="catalog sizes, default 1,10,100")
    parser.add_argument("--json", type=Path, default=Path(".local/bench"), help="folder for the figures as JSON")
    given = parser.parse_args()
    print(f"Measured on {machine()}.\n")
    text, rows = catalogs.run([int(size) for size in given.sizes.split(",")])
    print(text)
    as_json("catalogs", rows, given.json)


if __name__ == "__main__":
    main()
