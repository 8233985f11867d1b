"""What is kept of tenants' data, and what is not."""

import pytest
from pydantic import ValidationError

from service.tenant_data.bodies import DocumentChange, NewDocument, NewNote, NewProject, ProjectChange


@pytest.mark.parametrize("name", ["Apollo", " x ", "é", "x" * 200, "a'; drop table", "<b>", "日本"])
def test_names_are_lines_of_text(name: str) -> None:
    assert NewProject(name=name).name == name


@pytest.mark.parametrize("name", ["", " ", "\t", "\u2003", "a\nb", "a\0", "a\x7f", "x" * 201, None, 7, b"x"])
def test_what_is_no_line_of_text_is_no_name(name: object) -> None:
    with pytest.raises(ValidationError):
        NewProject(name=name)  # type: ignore[arg-type]


def test_bounds_are_bytes_in_utf_8() -> None:
    assert NewNote(title="t", body="é" * 32768).body
    assert NewDocument(name="n", content="é" * 131072).content
    with pytest.raises(ValidationError, match="has 65538 bytes in UTF-8; at most 65536 are kept"):
        NewNote(title="t", body="é" * 32769)
    with pytest.raises(ValidationError, match="at most 262144"):
        NewDocument(name="n", content="é" * 131073)


@pytest.mark.parametrize("media_type", ["text/plain", "application/ld+json", "text/x.y-z", "a/b"])
def test_media_types_are_two_names(media_type: str) -> None:
    assert NewDocument(name="n", content="", media_type=media_type).media_type == media_type


@pytest.mark.parametrize(
    "media_type", ["text", "text/", "/plain", "Text/Plain", "text/plain; charset=x", "a/b\n", "a b/c"]
)
def test_what_is_no_media_type_is_refused(media_type: str) -> None:
    with pytest.raises(ValidationError):
        NewDocument(name="n", content="", media_type=media_type)


def test_a_change_changes_something() -> None:
    assert ProjectChange(description="").values() == {"name": None, "description": ""}, "empty is a value"
    with pytest.raises(ValidationError, match="give at least one of content, media_type, name"):
        DocumentChange()
