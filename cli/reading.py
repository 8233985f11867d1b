"""From answers to models, and from names to paths."""

from typing import TypeVar
from urllib.parse import quote

import httpx2
from pydantic import ValidationError

from cli.answers import Answer
from cli.errors import BadAnswer, Misused

A = TypeVar("A", bound=Answer)


def read(model: type[A], response: httpx2.Response) -> A:
    """An answer as a model; raise BadAnswer."""
    return parse(model, response.content)


def parse(model: type[A], content: str | bytes) -> A:
    """A body's or an event's JSON as a model; raise BadAnswer, which names what is missing and no value."""
    try:
        return model.model_validate_json(content)
    except ValidationError as invalid:
        places = ", ".join(".".join(map(str, error["loc"])) or error["msg"] for error in invalid.errors()[:3])
        text = f"The answer is not what this command line knows as {model.__name__}: {places}."
        raise BadAnswer(
            text, "Is API_URL the address of this API, and is this checkout as new as the service?"
        ) from None


def segment(name: str) -> str:
    """One segment of a path and no more, so that a name can never address something else."""
    if name in ("", ".", ".."):
        raise Misused(f"{name!r} is no name.", "`python -m cli list` shows slugs.")
    return quote(name, safe="")
