"""The commands put together, and the one place where an error becomes text and an exit code."""

import os
from typing import Any

import typer
from typer.core import TyperGroup

from cli import change, config, flags, operating, organizations, preview, quota, signup
from cli.errors import CliError, Interrupted
from cli.identity import kubectl, login, password
from cli.screen import Screen
from cli.settings import secrets_in

ABOUT = """\
Operate an agent-ready-k8s installation by its HTTP API.

First: `. .local/env` sets API_URL and OPERATOR_TOKEN. The token is read from the environment only.
"""
EPILOG = """\
Examples
  python -m cli signup "Zephyr Foods" --owner ada@zephyr.example
  python -m cli list --json | jq -r '.items[].slug'
  python -m cli preview zephyr-foods --cpu 16
  python -m cli quota set zephyr-foods --cpu 16 --reason "ticket 4711"
  python -m cli change zephyr-foods --add-member bob@zephyr.example=viewer --reason "Bob joins"
  python -m cli config set zephyr-foods ai/threshold 0.7 --reason "ticket 4711"
  python -m cli status

Exit codes
  0    done; an operation that was watched is COMMITTED
  1    an operation FAILED; or drift, a broken policy, a service not ready
  2    wrong use: an option, the environment, a question not agreed to
  3    the API refused the call; repeated, it is refused again
  4    the API is not there, busy or broken; the same call may work later
  130  Ctrl-C; what the API has begun goes on, and how to watch it is said

Results go to standard output; progress, notes and errors to standard error.
"""


class Commands(TyperGroup):
    """Ends with the exit code of what went wrong, and with a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        screen = Screen.begin(secrets_in(os.environ))
        try:
            return super().invoke(ctx)
        except CliError as error:
            problem = error
        except KeyboardInterrupt:
            problem = Interrupted("Interrupted; nothing was begun that goes on.")
        screen.error(problem)
        raise typer.Exit(problem.exit_code)


def _build() -> typer.Typer:
    built = typer.Typer(
        cls=Commands, help=ABOUT, epilog=EPILOG, no_args_is_help=True, add_completion=False,
        rich_markup_mode="rich", pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    built.command("signup", epilog=signup.EXAMPLES)(signup.sign_up)
    organizations.add_to(built)
    built.command("preview", epilog=preview.EXAMPLES)(preview.preview)
    built.command("change", epilog=change.EXAMPLES)(change.change)
    built.add_typer(quota.app, name="quota")
    built.add_typer(config.app, name="config")
    built.add_typer(flags.app, name="flags")
    operating.add_to(built)
    login.add_to(built)
    built.add_typer(password.app, name="password")
    kubectl.add_to(built)
    return built


app = _build()
