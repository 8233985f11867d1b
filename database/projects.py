"""An organization's projects: names are taken once among the living."""

from dataclasses import dataclass

from database.tenant_rows import Kept, Rows, Statements


@dataclass(frozen=True)
class Project(Kept):
    """One project. While it is deleted, its notes and documents are hidden too."""

    name: str
    description: str


PROJECTS = Rows(  # key: id
    Project,
    Statements(
        "projects.add", "projects.read", "projects.change", "projects.remove", "projects.restore",
        "projects.living", "projects.deleted",
    ),
)  # fmt: skip
