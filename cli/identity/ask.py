"""Secrets that somebody hands in: by a terminal without echo, a file or standard input; never as an argument."""

import re
import sys
import warnings
from email import message_from_string
from email.policy import default
from getpass import GetPassWarning, getpass
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import Interrupted, Misused
from cli.screen import Screen

SHORTEST_HIDDEN = 8  # characters; to blot out less would make holes into every text
LARGEST = 64 * 1024  # characters of a token, or of the message that holds it
_MAILED = re.compile(r"[A-Za-z0-9_-]{32,}")
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="The mailed token, or the mail; - reads it.", show_default=False),
]


def password(question: str, *, stdin: bool) -> str:
    """A password that is there already."""
    given = _line() if stdin else _typed(question)
    if not given:
        raise Misused("The password is empty. Nothing was done.")
    return _hidden(given)


def new_password(*, stdin: bool) -> str:
    """A new one; typed, it is asked for twice."""
    if stdin:
        return password("", stdin=True)
    first = password("New password: ", stdin=False)
    if _typed("The same again: ") != first:
        raise Misused("The two differ. Nothing was done.")
    return first


def token(file: Path | None, *, stdin_is_taken: bool = False) -> str:
    """A mailed token: from the file, or standard input; typed if that is a terminal. Raise Misused."""
    from_stdin = file is None or str(file) == "-"
    if from_stdin and stdin_is_taken:
        raise Misused("Standard input holds the password already.", "--token-file FILE names the token's file.")
    if file is None and sys.stdin.isatty():
        given = _typed("The token of the mail: ")
    else:
        given = sys.stdin.read(LARGEST) if from_stdin else _text(file)
    return _hidden(_token_in(given))


def _token_in(text: str) -> str:
    """The text, if it is one word; of a whole message the one line that is a token."""
    if len(text.split()) == 1:
        return text.strip()
    message = message_from_string(text, policy=default)
    body = message.get_content() if message["Subject"] and not message.is_multipart() else text
    found = [line.strip() for line in body.splitlines() if _MAILED.fullmatch(line.strip())]
    if len(found) != 1:
        raise Misused(
            "There is not one token in that. Nothing was done.", "It stands in the mail, on a line of its own."
        )
    return found[0]


def _text(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8")[:LARGEST] if file else ""
    except (OSError, UnicodeDecodeError) as failed:
        raise Misused(f"--token-file {file} cannot be read.") from failed


def _line() -> str:
    """The next line of standard input, without its end."""
    return sys.stdin.readline().rstrip("\r\n")


def _typed(question: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)  # it would be shown as it is typed
        try:
            return getpass(question)
        except (GetPassWarning, EOFError):
            raise Misused(
                "There is no terminal to ask on. Nothing was done.",
                "In a script: --password-stdin, and --token-file for a token.",
            ) from None
        except KeyboardInterrupt:
            raise Interrupted("Interrupted. Nothing was done.") from None


def _hidden(secret: str) -> str:
    if len(secret) >= SHORTEST_HIDDEN:
        Screen.current().hide(secret)
    return secret
