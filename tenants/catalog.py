"""Reading the catalog: one YAML file an organization, every error at once with its file and line.

PyYAML's node graph carries the line of every key and value; the values are built from that graph here, so that
duplicate keys, aliases (bombs) and tags are seen and refused instead of resolved.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tenants.errors import CatalogError, Problem, TenantError
from tenants.model import CrossFieldError, Organization

LARGEST_FILE = 64 * 1024  # bytes; the largest honest file is about 20 KiB (200 members)
DEEPEST = 8
_SCALARS = {"str", "int", "float", "bool", "null"}
_Path = tuple[str, ...]


@dataclass
class _Reading:
    """What is known of one file while it is read: problems so far, and the line of every dotted path."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    lines: dict[_Path, int] = field(default_factory=dict)

    def problem(self, line: int, path: _Path, text: str) -> None:
        self.problems.append(Problem(self.file, line, ".".join(path), text))

    def line(self, path: _Path) -> int:
        """The line of `path`, or of its nearest parent that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load_catalog(folder: Path) -> tuple[Organization, ...]:
    """Read every `*.yaml` in `folder`, sorted by slug; raise CatalogError with all problems of all files."""
    if not folder.is_dir():
        raise CatalogError([Problem(str(folder), 1, "", "is not a folder; the catalog is a folder of YAML files")])
    readings, found = [], []
    for path in sorted(folder.glob("*.y*ml")):
        reading = _Reading(path.name)
        readings.append(reading)
        organization = _read(path, reading)
        if organization is not None:
            found.append((organization, reading))
    _check_together(found)
    problems = [problem for reading in readings for problem in reading.problems]
    if problems:
        raise CatalogError(problems)
    return tuple(sorted((organization for organization, _ in found), key=lambda o: o.slug))


def _read(path: Path, reading: _Reading) -> Organization | None:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        reading.problem(1, (), f"has {size} bytes; a catalog file has at most {LARGEST_FILE}")
        return None
    try:
        data = _parse(path.read_text(encoding="utf-8"), reading)
    except UnicodeDecodeError as error:
        reading.problem(1, (), f"is not UTF-8 (byte {error.start}); save it as UTF-8")
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        reading.problem(mark.line + 1 if mark else 1, (), f"is not YAML: {error.problem}")
        return None
    except yaml.YAMLError as error:
        reading.problem(1, (), f"is not YAML: {error}")
        return None
    return None if reading.problems else _validate(data, reading)


def _parse(text: str, reading: _Reading) -> Any:
    """Build plain values from the text, noting lines and problems; aliases are refused before anything expands."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if anchor := getattr(event, "anchor", None):
            reading.problem(line, (), f"uses the anchor or alias {anchor!r}; write the value out")
        elif tag := getattr(event, "tag", None):
            reading.problem(line, (), f"uses the tag {tag!r}; plain YAML only")
        if depth > DEEPEST:
            reading.problem(line, (), f"is nested deeper than {DEEPEST} levels; no key of an organization is")
            return None
    if reading.problems:
        return None
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        reading.problem(1, (), "holds no organization; start with `name: …`")
        return None
    return _mapping(node, (), reading)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _mapping(node: yaml.MappingNode, path: _Path, reading: _Reading) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
            reading.problem(line, path, f"the key {getattr(key_node, 'value', '?')!r} is not text; quote it")
            continue
        here = (*path, key_node.value)
        if key_node.value in built:
            reading.problem(line, here, f"is given twice (first in line {reading.lines[here]}); keep one")
            continue
        reading.lines[here] = line
        built[key_node.value] = _value(value_node, here, reading)
    return built


def _value(node: yaml.Node, path: _Path, reading: _Reading) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, reading)
    if isinstance(node, yaml.SequenceNode):
        return [_item(item, (*path, str(i)), reading) for i, item in enumerate(node.value)]
    kind = node.tag.rsplit(":", 1)[-1]
    if kind not in _SCALARS:
        reading.problem(node.start_mark.line + 1, path, f"{node.value!r} reads as a {kind}; quote it to mean text")
        return None
    return yaml.SafeLoader("").construct_object(node)


def _item(node: yaml.Node, path: _Path, reading: _Reading) -> Any:
    reading.lines[path] = node.start_mark.line + 1
    return _value(node, path, reading)


def _validate(data: Any, reading: _Reading) -> Organization | None:
    try:
        return Organization.model_validate(data)
    except ValidationError as invalid:
        errors = invalid.errors()
        for error in errors:
            if error["type"] == "too_short" and any(
                other["loc"][:-1][: len(error["loc"])] == error["loc"] for other in errors
            ):
                continue  # pydantic counts only the valid items; the invalid ones are reported themselves
            for path, text in _explain(error):
                reading.problem(reading.line(path), path, text)
    except TenantError as invalid:
        reading.problem(reading.line(("name",)), ("name",), str(invalid))
    return None


def _explain(error: Any) -> Iterator[tuple[_Path, str]]:
    """Turn one pydantic error into (path, text) pairs, in the catalog's words where pydantic's teach too little."""
    path = tuple(str(part) for part in error["loc"] if not str(part).startswith("function-"))
    if error["type"] == "extra_forbidden":
        parent = ".".join(path[:-1])
        yield path, f"is an unknown key; allowed here: {', '.join(_allowed(parent))}"
    elif error["type"] == "missing":
        yield path, "is missing; it is required"
    elif error["type"] == "value_error":
        cause = error["ctx"]["error"]
        yield from cause.problems if isinstance(cause, CrossFieldError) else [(path, str(cause))]
    else:
        value = "" if isinstance(error["input"], dict | list) else f"{error['input']!r}: "
        yield path, f"{value}{error['msg']}"


def _allowed(parent: str) -> list[str]:
    """The keys that the model knows below `parent` (list indices left out)."""
    schema = Organization.model_json_schema()
    place: dict[str, Any] = schema
    for part in parent.split(".") if parent else []:
        place = place.get("items", {}) if part.isdigit() else place.get("properties", {}).get(part, {})
        reference = place.get("$ref") or (place.get("allOf") or [{}])[0].get("$ref")
        if reference:
            place = schema["$defs"][reference.rsplit("/", 1)[-1]]
    return sorted(place.get("properties", {}))


def _check_together(found: list[tuple[Organization, _Reading]]) -> None:
    """What only the whole catalog shows: one slug for two files, allowances that name nobody."""
    first: dict[str, str] = {}
    for organization, reading in found:
        slug = organization.slug
        if slug in first:
            line = reading.line(("slug",) if ("slug",) in reading.lines else ("name",))
            reading.problem(line, ("slug",), f"{slug!r} is also the slug of {first[slug]}; give one of them another")
        first.setdefault(slug, reading.file)
    for organization, reading in found:
        for key in ("allow_from", "allow_to"):
            for i, other in enumerate(getattr(organization.network, key)):
                if other not in first and other != organization.slug:
                    path = ("network", key, str(i))
                    reading.problem(reading.line(path), path, f"{other!r} is no organization of this catalog")
