"""Options that several commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import Misused

Slug = Annotated[str, typer.Argument(help="The organization's short name, as `list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="The API's answer as JSON, for scripts.")]
Wait = Annotated[bool, typer.Option("--wait", help="When the API is busy (429), ask again by itself.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="The key of an earlier call, to repeat exactly that one.", show_default=False),
]
Plan = Annotated[str | None, typer.Option("--plan", help="Commercial plan.", show_default=False)]
Cpu = Annotated[str | None, typer.Option("--cpu", help="Cores: 4, or 500m.", show_default=False)]
Memory = Annotated[str | None, typer.Option("--memory", help="Memory: 16Gi.", show_default=False)]
Storage = Annotated[str | None, typer.Option("--storage", help="Sum of all volume claims: 50Gi.", show_default=False)]


def agree(question: str) -> None:
    """Ask on the terminal; raise Misused unless the answer is yes."""
    try:
        if typer.confirm(question, err=True):
            return
    except typer.Abort:
        raise Misused("Nobody answered. Nothing was done.", "In a script: --yes.") from None
    raise Misused("Nothing was done.")


def given(**options: object) -> dict[str, object]:
    """The options that were given, as a body."""
    return {name: value for name, value in options.items() if value is not None}


def read_json(option: str, path: Path, example: str) -> dict[str, Any]:
    """The JSON object in the file that `option` names, `-` for standard input; raise Misused, with an example."""
    try:
        loaded = json.loads(sys.stdin.read() if str(path) == "-" else path.read_text())
    except OSError as failed:
        raise Misused(f"{option} {path}: {failed.strerror}.") from failed
    except ValueError as invalid:
        raise Misused(f"{option} {path} is no JSON: {invalid}.") from invalid
    if not isinstance(loaded, dict):
        raise Misused(f"{option} {path} holds no JSON object, such as {example}.")
    return loaded
