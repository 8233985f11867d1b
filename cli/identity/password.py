"""`password set`, `password change`, `password reset`."""

from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.identity import ask
from cli.session import Session

_SET = """\
Examples
  python -m cli password set --token-file token.txt        # asks for the new password, twice
  python -m cli password set                               # asks for the token of the mail too
  python -m cli password set --token-file token.txt --password-stdin < password-file
"""
_CHANGE = """\
Examples
  python -m cli password change
  printf '%s\\n' "$OLD" "$NEW" | python -m cli password change --password-stdin
"""
Email = Annotated[str, typer.Argument(help="Whose password is forgotten.")]
Both = Annotated[
    bool, typer.Option("--password-stdin", help="Read both from standard input, a line each: the one of now first.")
]

app = typer.Typer(no_args_is_help=True, help="Set, change or reset your password.")


@app.command("set", epilog=_SET)
def set_(
    token_file: ask.TokenFile = None, password_stdin: ask.PasswordStdin = False, wait: options.Wait = False
) -> None:
    """Set the password by a mailed token: the first one, or another after `password reset`.

    All sessions of the account end. 12 characters or more; neither the address nor a common one.
    """
    with Session.open(wait=wait, by=By.SELF) as session:
        session.settings.check_private("your password")
        token = ask.token(token_file, stdin_is_taken=password_stdin)
        session.identity.set_password(token, ask.new_password(stdin=password_stdin))
        session.screen.note("The password is set. `python -m cli login EMAIL` logs you in.")


@app.command("change", epilog=_CHANGE)
def change(password_stdin: Both = False, wait: options.Wait = False) -> None:
    """Change your password. Your other sessions end, this one stays."""
    with Session.open(wait=wait, by=By.SELF) as session:
        session.keeper.token()  # who is not logged in is told before they type
        current = ask.password("Password of now: ", stdin=password_stdin)
        session.identity.change_password(current, ask.new_password(stdin=password_stdin))
        session.screen.note("The password is changed; your other sessions have ended.")


@app.command("reset")
def reset(email: Email, wait: options.Wait = False) -> None:
    """Have a token mailed that sets the password anew, if there is an account with that address."""
    with Session.open(wait=wait, by=By.SELF) as session:
        session.settings.check_private("your address")
        session.identity.reset_password(email)
        session.screen.note(f"If {email} has an account, a mail is on its way. Then: python -m cli password set")
