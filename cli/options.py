"""Options that several commands share."""

from typing import Annotated

import typer

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


def given(**options: object) -> dict[str, object]:
    """The options that were given, as a body."""
    return {name: value for name, value in options.items() if value is not None}
