"""Notes, each below a project."""

from dataclasses import dataclass
from uuid import UUID

from database.tenant_rows import Kept, Rows, Statements


@dataclass(frozen=True)
class Note(Kept):
    """One note."""

    project_id: UUID
    title: str
    body: str


NOTES = Rows(  # key: project_id, id
    Note,
    Statements(
        "notes.add", "notes.read", "notes.change", "notes.remove", "notes.restore",
        "notes.living", "notes.deleted",
    ),
)  # fmt: skip
