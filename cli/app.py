"""The commands put together, and the one place where an error becomes text and an exit code."""

import os
from typing import Any

import typer
from typer.core import TyperGroup

from cli import change, config, flags, operating, organizations, preview, program, quota, signup
from cli.admin import audit, clients, invitations, keys, members, revoke, staff
from cli.data import documents, notes, projects
from cli.errors import CliError, Interrupted
from cli.identity import kubectl, login, password
from cli.screen import Screen
from cli.settings import secrets_in

ABOUT = """\
Work with an agent-ready-k8s installation by its HTTP API: as its operator, or as a member of an organization.

First: `. .local/env` sets API_URL and OPERATOR_TOKEN, which is read from nowhere else. `login` logs a person in.

Who acts: commands about you, members, invitations, clients, the audit log and data act by your session. The others act
by OPERATOR_TOKEN if it is set, else by your session. AGENT_READY_AS=session or AGENT_READY_AS=operator says otherwise.
"""
EPILOG = """\
Examples
  python -m cli login ada@zephyr.example
  python -m cli projects create "Harvest 2027"
  python -m cli members set zephyr-foods bob@zephyr.example viewer --reason "Bob joins"
  python -m cli signup "Zephyr Foods" --owner ada@zephyr.example
  python -m cli list --json | jq -r '.items[].slug'
  python -m cli preview zephyr-foods --cpu 16
  python -m cli quota set zephyr-foods --cpu 16 --reason "ticket 4711"
  python -m cli config set zephyr-foods ai/threshold 0.7 --reason "ticket 4711"
  python -m cli status

Exit codes
  0    done; an operation that was watched is COMMITTED
  1    an operation FAILED; or drift, a broken policy, a service not ready
  2    wrong use: an option, the environment, a question not agreed to, nobody logged in
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
    _add_yours(built)
    _add_organizations(built)
    _add_platforms(built)
    _add_data(built)
    return built


def _add_yours(built: typer.Typer) -> None:
    panel = "You"
    login.add_to(built, panel)
    built.add_typer(password.app, name="password", rich_help_panel=panel)
    kubectl.add_to(built, panel)
    built.command("revoke", epilog=revoke.EXAMPLES, rich_help_panel=panel)(revoke.revoke)


def _add_organizations(built: typer.Typer) -> None:
    panel = "Organizations"
    built.command("signup", epilog=signup.EXAMPLES, rich_help_panel=panel)(signup.sign_up)
    organizations.add_to(built, panel)
    built.command("preview", epilog=preview.EXAMPLES, rich_help_panel=panel)(preview.preview)
    built.command("change", epilog=change.EXAMPLES, rich_help_panel=panel)(change.change)
    invitations.add_to(built, panel)
    named = {
        "quota": quota, "config": config, "flags": flags, "members": members, "clients": clients, "audit": audit,
    }  # fmt: skip
    for name, module in named.items():
        built.add_typer(module.app, name=name, rich_help_panel=panel)


def _add_platforms(built: typer.Typer) -> None:
    panel = "The platform"
    operating.add_to(built, panel)
    built.add_typer(staff.app, name="staff", rich_help_panel=panel)
    built.add_typer(keys.app, name="keys", rich_help_panel=panel)


def _add_data(built: typer.Typer) -> None:
    for name, module in {"projects": projects, "notes": notes, "documents": documents}.items():
        built.add_typer(module.app, name=name, rich_help_panel="Data")


def main() -> None:
    """Run the command line by the name that it was called by."""
    command = typer.main.get_command(app)
    _rename(command)
    command(prog_name=program.name())


def _rename(command: Any) -> None:
    """Have examples and explanations say that name, all the way down."""
    command.help, command.epilog = program.renamed(command.help or ""), program.renamed(command.epilog or "")
    for one in getattr(command, "commands", {}).values():
        _rename(one)


app = _build()
