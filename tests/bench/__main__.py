"""`python -m tests.bench [catalogs] [signups] [live] [flags] [identity] [data]`: run benchmarks, print the tables."""

import argparse
from pathlib import Path

from tests.bench import catalogs, flags, identity, live, signups, tenant_data
from tests.bench.measure import as_json, machine


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "which",
        nargs="*",
        help="catalogs, signups, live, identity, data (all five the default), flags (seconds, no platform)",
    )
    parser.add_argument("--sizes", default="1,10,100", help="catalog sizes, default 1,10,100")
    parser.add_argument("--sustained", type=float, default=60, help="seconds of sustained sign-ups, default 60")
    parser.add_argument("--rate", type=float, default=1, help="sustained sign-ups a second, default 1")
    parser.add_argument("--existing", type=int, default=0, help="fill up to so many organizations and measure again")
    parser.add_argument("--quick", action="store_true", help="a short form of live: fewer pods and changes")
    parser.add_argument("--json", type=Path, default=Path(".local/bench"), help="folder for the figures as JSON")
    given = parser.parse_args()
    which = given.which or ["catalogs", "signups", "live", "identity", "data"]
    print(f"Measured on {machine()}.\n")
    if "catalogs" in which:
        text, rows = catalogs.run([int(size) for size in given.sizes.split(",")])
        print(text, flush=True)
        as_json("catalogs", rows, given.json)
    if "signups" in which:
        sizes = signups.Sizes(sustained=given.sustained, rate=given.rate, existing=given.existing)
        text, rows = signups.run(sizes)
        print(text, flush=True)
        as_json("signups", rows, given.json)
    if "live" in which:
        text, rows = live.run(quick=given.quick)
        print(text, flush=True)
        as_json("live", rows, given.json)
    if "data" in which:
        text, rows = tenant_data.run()
        print(text, flush=True)
        as_json("data", rows, given.json)
    if "identity" in which:
        text, rows = identity.run()
        print(text, flush=True)
        as_json("identity", rows, given.json)
    if "flags" in which:
        text, rows = flags.run()
        print(text, flush=True)
        as_json("flags", rows, given.json)


if __name__ == "__main__":
    main()
