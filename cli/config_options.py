"""Arguments and options of `config` and `flags`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import Misused

EXAMPLES = """\
Examples
  python -m cli config list zephyr-foods
  python -m cli config set zephyr-foods ai/threshold 0.7 --reason "ticket 4711"
  python -m cli config history zephyr-foods ai/threshold
  python -m cli config rollback zephyr-foods ai/threshold --to 1 --reason "worse answers"
  python -m cli config apply zephyr-foods change.json --reason "launch"
  python -m cli config schedule zephyr-foods features/dark_mode=true --at 2026-12-01T08:00:00Z --reason "launch"
  python -m cli config kill zephyr-foods features/dark_mode --reason "it hurts"
  python -m cli config set platform ai/threshold 0.6 --reason "everybody's default"

`platform` instead of a slug means the defaults of all organizations.
"""
Slug = Annotated[str, typer.Argument(help="The organization's short name; `platform`: everybody's defaults.")]
Name = Annotated[str, typer.Argument(metavar="SERVICE/KEY", help="The setting, such as ai/threshold.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The file; - reads standard input.")]


def as_value(text: str) -> Any:
    """JSON as such, anything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def as_change(text: str) -> dict[str, Any]:
    """`service/key=value` as a change; `service/key=` unsets it. Raise Misused."""
    name, equals, value = text.partition("=")
    service, slash, key = name.partition("/")
    if not (equals and slash and key):
        raise Misused(f"{text!r} is not of the form SERVICE/KEY=VALUE, such as ai/threshold=0.7.")
    return {"service": service, "key": key, **({"value": as_value(value)} if value else {"unset": True})}


def read_text(path: Path) -> str:
    """A file, or standard input; raise Misused."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failed:
        raise Misused(f"{path} cannot be read: {failed}.") from failed
