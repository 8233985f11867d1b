"""What callers send: names, texts and their bounds, which the database keeps too (migration 0012)."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from service.bodies import STORABLE, Strict

LONGEST_NOTE = 64 * 1024  # bytes
LONGEST_DOCUMENT = 256 * 1024


def _at_most(most: int) -> AfterValidator:
    def check(text: str) -> str:
        size = len(text.encode())
        if size > most:
            raise ValueError(f"has {size} bytes in UTF-8; at most {most} are kept")
        return text

    return AfterValidator(check)


Name = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
          description="One line that is not blank"),
]  # fmt: skip
Description = Annotated[str, Field(max_length=4000, pattern=STORABLE)]
Body = Annotated[
    str, Field(max_length=LONGEST_NOTE, pattern=STORABLE, description="At most 64 KiB"), _at_most(LONGEST_NOTE)
]
Content = Annotated[
    str,
    Field(max_length=LONGEST_DOCUMENT, pattern=STORABLE, description="Text, at most 256 KiB"),
    _at_most(LONGEST_DOCUMENT),
]
MediaType = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$")]


class _Change(Strict):
    @model_validator(mode="after")
    def _changes_something(self) -> "_Change":
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"changes nothing; give at least one of {', '.join(sorted(type(self).model_fields))}")
        return self

    def values(self) -> dict[str, Any]:
        """What is to be, by column; None stays as it is."""
        return self.model_dump()


class NewProject(Strict):
    """A project that is to be."""

    name: Name
    description: Description = ""


class ProjectChange(_Change):
    """What is to be from now on; what is left out stays."""

    name: Name | None = None
    description: Description | None = None


class NewNote(Strict):
    """A note that is to be."""

    title: Name
    body: Body = ""


class NoteChange(_Change):
    """What is to be from now on; what is left out stays."""

    title: Name | None = None
    body: Body | None = None


class NewDocument(Strict):
    """A document that is to be."""

    name: Name
    content: Content
    media_type: MediaType = "text/plain"
    project_id: UUID | None = Field(None, strict=False, description="The project that it belongs to, if to any")


class DocumentChange(_Change):
    """What is to be from now on; what is left out stays."""

    name: Name | None = None
    content: Content | None = None
    media_type: MediaType | None = None
