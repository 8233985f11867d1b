"""The editors' JSON Schema: made from the model, committed, and in agreement with the committed catalog."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenants import schema
from tenants.plans import PLANS

FILES = sorted((Path(__file__).parents[3] / "tenants" / "orgs").glob("*.yaml"))
DOCUMENT: dict[str, Any] = json.loads(schema.text())
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def mistakes(value: Any, rule: dict[str, Any], path: str = "") -> Iterator[str]:
    """What an editor would underline: the part of JSON Schema that ours uses."""
    if "$ref" in rule:
        rule = DOCUMENT["$defs"][rule["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in rule and all(list(mistakes(value, choice)) for choice in rule["anyOf"]):
        yield f"{path}: {value!r} is none of the choices"
    if "enum" in rule and value not in rule["enum"]:
        yield f"{path}: {value!r} is not in the list"
    if "type" in rule and not isinstance(value, TYPES[rule["type"]]):
        yield f"{path}: {value!r} is no {rule['type']}"
    if isinstance(value, dict):
        yield from _keys(value, rule, path)
    for i, item in enumerate(value if isinstance(value, list) else []):
        yield from mistakes(item, rule.get("items", {}), f"{path}.{i}")


def _keys(value: dict[str, Any], rule: dict[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{key} is missing" for key in rule.get("required", []) if key not in value)
    known, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    for key, item in value.items():
        if key not in known and others is False:
            yield f"{path}.{key} is unknown"
        yield from mistakes(item, known.get(key, others if isinstance(others, dict) else {}), f"{path}.{key}")


def test_the_committed_schema_is_the_models() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), (
        "run `python -m tenants.schema` and commit the file"
    )


def test_every_catalog_file_names_the_schema_for_the_editor() -> None:
    for path in FILES:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../organization.schema.json", (
            f"{path.name} is edited without help"
        )


def test_the_schema_offers_plans_and_roles_and_requires_what_the_loader_requires() -> None:
    assert DOCUMENT["properties"]["plan"]["enum"] == list(PLANS), "editors complete the plan"
    assert DOCUMENT["$defs"]["Member"]["properties"]["role"]["enum"] == ["owner", "admin", "member", "viewer"], (
        "and roles"
    )
    assert DOCUMENT["required"] == ["name", "members"], "the slug comes from the name"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "red"}, "unknown"),
        ({"plan": "gold"}, "list"),
        ({"quota": {"gpu": 1}}, "unknown"),
        ({"members": "x"}, "array"),
    ],
)
def test_the_schema_underlines_what_the_loader_refuses(change: dict[str, Any], says: str) -> None:
    valid = {"name": "Acme", "members": [{"email": "ada@acme.example", "role": "owner"}]}
    assert list(mistakes(valid, DOCUMENT)) == [], "else the test shows nothing"
    assert says in " ".join(mistakes({**valid, **change}, DOCUMENT)), "the editor should say so before the loader does"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_committed_file_is_underlined(path: Path) -> None:
    assert list(mistakes(yaml.safe_load(path.read_text(encoding="utf-8")), DOCUMENT)) == [], (
        "loader and editor must agree"
    )


def test_a_slug_may_be_left_out_and_has_no_default_that_an_editor_would_offer() -> None:
    assert "default" not in DOCUMENT["properties"]["slug"], "it is made from the name"
