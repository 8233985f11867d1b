"""Documents of an organization, some of them of one of its projects: names are taken once among the living."""

from dataclasses import dataclass
from uuid import UUID

from database.tenant_rows import Kept, Rows, Statements


@dataclass(frozen=True)
class Document(Kept):
    """One document. `size` is bytes in UTF-8; pages leave `content` out, which is None there."""

    project_id: UUID | None
    name: str
    media_type: str
    size: int
    content: str | None


DOCUMENTS = Rows(  # key: id
    Document,
    Statements(
        "documents.add", "documents.read", "documents.change", "documents.remove", "documents.restore",
        "documents.living", "documents.deleted",
    ),
)  # fmt: skip
