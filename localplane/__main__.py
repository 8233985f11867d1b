"""``python -m localplane``: the command line of the embedded platform."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from localplane.console import RED, Console, paint
from localplane.doctor import Doctor
from localplane.errors import Interrupted, Misnamed, PlaneError
from localplane.layout import Layout, checkout
from localplane.plane import Plane

INTERRUPTED = 130

DESCRIPTION = """\
The embedded platform of this checkout: a real Kubernetes API (etcd, kube-apiserver,
kube-controller-manager), PostgreSQL and Redis, as processes on 127.0.0.1.

Everything lies under .local/ in the checkout: data, keys, logs. Ports are chosen
once and remembered, so that several checkouts run side by side."""

EXAMPLES = """\
usually:
  python -m localplane up        start everything; again at any time: only what is dead is started
  . .local/env                   then kubectl, psql and pulumi talk to this platform
  python -m localplane status    what runs
  python -m localplane down      stop it; the data stay

with your own cluster or database, named on purpose (your shell's variables are never used):
  python -m localplane up --kubeconfig ~/.kube/staging --database-url 'postgresql://…'
  python -m localplane up --kubeconfig embedded        back to the embedded one

when something is wrong:
  python -m localplane doctor    says what and how to put it right
  .local/logs/<server>.log       what the server itself says
"""


NEXT_STEPS = r"""
Every organization of tenants/orgs/ is deployed. Try:

  . .local/env                                        # kubectl, psql and pulumi of this platform
  kubectl get namespaces -L isolation-ready           # one isolated namespace an organization
  psql "$PLATFORM_DATABASE_URL" -c 'table tenancy.organizations'
  kubectl -n org-contoso get pods --as agent-ready:grace@acme.example     # a stranger: forbidden

  curl -i "$API_URL/v1/organizations" -H "Idempotency-Key: $(date +%s)" -H 'Content-Type: application/json' \
    -d '{"name": "Example Ltd", "owner_email": "ada@example.com"}'       # self-service: a sign-up
  agent-ready list                                    # what the operator sees
  agent-ready password reset grace@acme.example       # a member gets an account: docs/identity.md

  edit tenants/orgs/bluebird-studio.yaml, then `make preview`, then `make up`
  make doctor | make down | make                      # what is wrong, stop, all commands"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace, Layout], int] = given.run
    try:
        return run(given, Layout(checkout(given.root)))
    except Interrupted as problem:
        return _fail(f"{problem}. `make up` goes on from here, `make down` stops what runs.", INTERRUPTED)
    except KeyboardInterrupt:
        return _fail("interrupted. `make up` goes on from here, `make down` stops what runs.", INTERRUPTED)
    except PlaneError as problem:
        return _fail(str(problem), 1)
    except BrokenPipeError:  # whoever read along, as `head` does, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localplane", description=DESCRIPTION, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--root", type=Path, help="the checkout, when it is not the current folder's")
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_up(commands)
    for name, run, text in (
        ("serve", _serve, "start the API in the background once the catalog is deployed; restart it after a change"),
        ("down", _down, "stop what `up` started; data, ports and keys stay"),
        ("clean", _clean, "stop it and delete data, keys and ports; built tools stay"),
        ("doctor", _doctor, "parts, servers, disk, problems and their fixes; exit 1 if something is wrong"),
        ("status", _status, "one line a server; exit 1 unless all are healthy"),
        ("next", _next, "what to try on the platform that runs"),
        ("env", _env, 'print the exports of .local/env (secrets inside): eval "$(python -m localplane env)"'),
    ):
        commands.add_parser(name, help=text, description=text).set_defaults(run=run)
    return parser


def _add_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "find or build the parts, start the servers, write .local/env; safe to repeat"
    up = commands.add_parser(
        "up", help=text, description=text + ". What is named below is remembered until it is named "
        "differently, as `embedded`, or until `clean`; it is checked, and never stopped or deleted. "
        "@FILE instead of a URL reads it from a file, which keeps passwords out of the process list.",
    )  # fmt: skip
    up.add_argument("--kubeconfig", metavar="FILE", help="use this cluster instead of starting one")
    up.add_argument(
        "--database-url",
        metavar="URL",
        help="use this PostgreSQL; the user in it has to be able to create roles",
    )
    up.add_argument(
        "--app-database-url", metavar="URL", help="the service's role there; made by us when it is not named"
    )
    up.add_argument("--redis-url", metavar="URL", help="use this Redis instead of starting one")
    up.set_defaults(run=_up)


def _up(given: argparse.Namespace, layout: Layout) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    names = ("kubeconfig", "database_url", "app_database_url", "redis_url")
    named = {name: _value(getattr(given, name)) for name in names}
    Plane(layout.root, console).up(named)
    console.line(f"The platform is ready after {console.elapsed:.1f} s. Next: . .local/env && kubectl get namespaces")
    return 0


def _value(text: str | None) -> str | None:
    """What was given; ``@FILE`` stands for the file's content, so that a password need not be an argument."""
    if not text or not text.startswith("@"):
        return text or None
    try:
        return Path(text[1:]).expanduser().read_text().strip()
    except OSError as problem:
        raise Misnamed(f"{text} cannot be read: {problem.strerror}. Name a file that holds the URL.") from problem


def _serve(_: argparse.Namespace, layout: Layout) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    Plane(layout.root, Console()).serve()
    return 0


def _next(_: argparse.Namespace, layout: Layout) -> int:
    if not layout.env.exists():
        raise PlaneError(f"{layout.env} does not exist yet. `make up` writes it.")
    print(NEXT_STEPS)
    return 0


def _down(_: argparse.Namespace, layout: Layout) -> int:
    console = Console()
    stopped = Plane(layout.root, console).down()
    console.line(
        f"{len(stopped)} servers stopped after {console.elapsed:.1f} s." if stopped else "Nothing was running."
    )
    return 0


def _clean(_: argparse.Namespace, layout: Layout) -> int:
    Plane(layout.root).clean()
    print("Data, keys and ports are forgotten; the built tools and .local/venv are still there.")
    return 0


def _doctor(_: argparse.Namespace, layout: Layout) -> int:
    return 0 if Doctor(layout).report(Console()) else 1


def _status(_: argparse.Namespace, layout: Layout) -> int:
    return 0 if Doctor(layout).status(Console()) else 1


def _env(_: argparse.Namespace, layout: Layout) -> int:
    if not layout.env.exists():
        raise PlaneError(f"{layout.env} does not exist yet. `make up` writes it.")
    print(layout.env.read_text(), end="")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Take SIGTERM as Ctrl-C: the same clean way out."""
    raise KeyboardInterrupt


def _fail(text: str, code: int) -> int:
    print(paint(text, RED, sys.stderr), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
