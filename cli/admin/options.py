"""Arguments and options that several commands of administration share."""

from typing import Annotated

import typer

Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.")]
SlugOrPlatform = Annotated[
    str, typer.Argument(metavar="SLUG", help="The organization's short name; `platform`: the platform's own.")
]
