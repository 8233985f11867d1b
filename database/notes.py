"""Notes, each below a project."""

from dataclasses import dataclass
from uuid import UUID

from database.tenant_rows import Kept, Rows


@dataclass(frozen=True)
class Note(Kept):
    """One note."""

    project_id: UUID
    title: str
    body: str


NOTES = Rows("notes", Note)  # key: project_id, id
