"""`python -m engine`: update, review and remove an environment, with what `.local/env` sets."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from database.errors import DatabaseError
from engine.deploy import Environment
from engine.errors import EngineError
from tenants.errors import TenantError
from tenants.shards import parse_shard

_ROOT = Path(__file__).parents[1]
_EXAMPLES = """\
examples (first: . .local/env):
  python -m engine up                            deploy what changed in the catalog
  python -m engine up --all                      every stack, changed or not
  python -m engine pulumi -- preview --diff      any Pulumi command on the environment's stack
  python -m engine pulumi --shard 2/8 -- refresh     … on one of its shards, which has to be named if there are any
  python -m engine --environment staging up      what Pulumi.staging.yaml configures
"""


def main() -> int:
    """Parse, run, and tell errors as one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m engine", description=__doc__, epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--environment", default="dev", help="configured by Pulumi.<environment>.yaml; default: dev")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    up = commands.add_parser("up", help="deploy every stack whose plan changed, the platform's first")
    up.add_argument("--all", action="store_true", help="also stacks with nothing to change")
    destroy = commands.add_parser("destroy", help="remove every organization, then the platform's own objects")
    destroy.add_argument("--unprotect", action="store_true", help="also what the catalog protects")
    commands.add_parser("review", help="what an update would do, as Markdown for a pull request; changes nothing")
    commands.add_parser("move", help="after `shards` was edited: move states to the stacks they belong to now")
    adopting = commands.add_parser(
        "adopt", help="take a self-service organization into the catalog; nothing is replaced"
    )
    adopting.add_argument("slug", help="its file, as the API exports it, is in tenants/orgs/ already")
    pulumi = commands.add_parser("pulumi", help="run a Pulumi command on one stack")
    pulumi.add_argument("--shard", type=parse_shard, help="number/count, such as 2/8; 0/8 is the platform's own")
    pulumi.add_argument("arguments", nargs="+", metavar="-- ARGUMENT", help="what pulumi is to do, after --")
    # Whoever is started in the background by a script inherits an ignored SIGINT, and so would Pulumi and its plugins,
    # which it ends by just that signal: each would hang until it is killed.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _run(parser.parse_args())
    except (EngineError, TenantError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _run(given: argparse.Namespace) -> int:
    environment = Environment(_ROOT, given.environment)
    if given.command == "up":
        return asyncio.run(environment.up(all_stacks=given.all))
    if given.command == "destroy":
        return asyncio.run(environment.destroy(unprotect=given.unprotect))
    if given.command == "review":
        return asyncio.run(environment.review())
    if given.command == "adopt":
        return asyncio.run(environment.adopt(given.slug))
    if given.command == "move":
        return asyncio.run(environment.move())
    return asyncio.run(environment.pulumi(given.arguments, given.shard))


if __name__ == "__main__":
    sys.exit(main())
