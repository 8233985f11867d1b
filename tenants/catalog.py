"""Reading the catalog: one YAML file an organization, every error at once with its file and line.

PyYAML's node graph carries the line of every key and value; the values are built from that graph here, so that
duplicate keys, aliases (bombs) and tags are seen and refused instead of resolved, and numbers mean what they look like.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.composer import Composer
from yaml.resolver import Resolver

from tenants import names
from tenants.errors import CatalogError, InvalidName, Problem
from tenants.model import CrossFieldError, Organization

LARGEST_FILE = 64 * 1024  # bytes; the largest honest file is about 20 KiB (200 members)
DEEPEST = 8
_SCALARS = {"str", "int", "float", "bool", "null"}
# YAML 1.1 reads 010 as eight, 1_0 as ten, 1:30 as ninety.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?")
_Path = tuple[str, ...]


@dataclass
class _Reading:
    """What is known of one file while it is read: its values, the problems so far, the line of every dotted path.

    `unread` are paths whose value could not be read: that is their one problem, whatever stands there instead.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lines: dict[_Path, int] = field(default_factory=dict)
    unread: set[_Path] = field(default_factory=set)

    def problem(self, line: int, path: _Path, text: str) -> None:
        self.problems.append(Problem(self.file, line, ".".join(path), text))

    def unreadable(self, line: int, path: _Path, text: str) -> None:
        self.problem(line, path, text)
        self.unread.add(path)

    def line(self, path: _Path) -> int:
        """The line of `path`, or of its nearest parent that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def slug(self) -> str | None:
        """The organization's slug as far as it can be read."""
        slug, name = self.data.get("slug"), self.data.get("name")
        try:
            if "slug" in self.data:
                return names.check_slug(slug) if isinstance(slug, str) else None
            return names.slugify(name) if isinstance(name, str) else None
        except InvalidName:
            return None


def load_catalog(folder: Path) -> tuple[Organization, ...]:
    """Read every `*.yaml` in `folder`, sorted by slug; raise CatalogError with all problems of all files."""
    if not folder.is_dir():
        raise CatalogError([Problem(str(folder), 1, "", "is not a folder; the catalog is a folder of YAML files")])
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    if not paths:
        text = "holds no organization, which would delete everyone; remove them one by one, or all with `make destroy`"
        raise CatalogError([Problem(str(folder), 1, "", text)])
    readings = [_Reading(path.name) for path in paths]
    found = [_read(path, reading) for path, reading in zip(paths, readings, strict=True)]
    _check_together(readings)
    problems = [problem for reading in readings for problem in reading.problems]
    if problems:
        raise CatalogError(problems)
    return tuple(sorted((organization for organization in found if organization), key=lambda o: o.slug))


def _read(path: Path, reading: _Reading) -> Organization | None:
    try:
        text = _text(path, reading)
        node = _compose(text, reading) if text is not None else None
    except OSError as error:
        reading.problem(1, (), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        reading.problem(1, (), f"is not UTF-8 (byte {error.start}); save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        reading.problem(mark.line + 1 if mark else 1, (), f"is not YAML: {error.problem}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if text else 1
        reading.problem(line, (), f"is not YAML: the character {chr(error.character)!r} is not allowed")
    else:
        if node is not None:
            reading.data = _mapping(node, (), reading)
            return _validate(reading)
    return None


def _text(path: Path, reading: _Reading) -> str | None:
    if not path.is_file():
        reading.problem(
            1, (), "is no file; the catalog has one YAML file an organization, and no folders or dead links"
        )
        return None
    size = path.stat().st_size
    if size > LARGEST_FILE:
        reading.problem(1, (), f"has {size} bytes; a catalog file has at most {LARGEST_FILE}")
        return None
    return path.read_text(encoding="utf-8")


def _compose(text: str, reading: _Reading) -> yaml.MappingNode | None:
    """The file's node graph; aliases, tags and depth are refused before anything expands."""
    depth, events = 0, []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        events.append(event)
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
    node = _Composer(events).get_single_node()
    if not isinstance(node, yaml.MappingNode):
        reading.problem(1, (), "holds no organization; start with `name: …`")
        return None
    return node


class _Composer(Composer, Resolver):
    """PyYAML's own composer over events that were parsed before: scanning is what takes time."""

    def __init__(self, events: list[yaml.Event]) -> None:
        Composer.__init__(self)
        Resolver.__init__(self)
        self._events = events[::-1]

    def check_event(self, *choices: type[yaml.Event]) -> bool:
        return bool(self._events) and (not choices or isinstance(self._events[-1], choices))

    def peek_event(self) -> yaml.Event:
        return self._events[-1]

    def get_event(self) -> yaml.Event:
        return self._events.pop()


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _mapping(node: yaml.MappingNode, path: _Path, reading: _Reading) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            reading.problem(line, path, "a key that is a list or a mapping is not text; write one word")
            continue
        if key_node.tag != "tag:yaml.org,2002:str":
            reading.problem(line, path, f"the key {key_node.value!r} is not text; quote it")
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
    kind, line = node.tag.rsplit(":", 1)[-1], node.start_mark.line + 1
    if kind not in _SCALARS:
        reading.unreadable(line, path, f"{node.value!r} reads as a {kind}; quote it to mean text")
        return None
    if kind in ("int", "float") and not _NUMBER.fullmatch(node.value):
        shown = repr(node.value) if len(node.value) < 80 else f"a number of {len(node.value)} characters"
        reading.unreadable(
            line, path, f"{shown} is no plain decimal number of at most 40 digits; write one, or quote it to mean text"
        )
        return None
    return yaml.SafeLoader("").construct_object(node)


def _item(node: yaml.Node, path: _Path, reading: _Reading) -> Any:
    reading.lines[path] = node.start_mark.line + 1
    return _value(node, path, reading)


def _validate(reading: _Reading) -> Organization | None:
    try:
        return Organization.model_validate(reading.data)
    except ValidationError as invalid:
        errors = invalid.errors()
        for error in errors:
            if error["type"] == "too_short" and any(
                other["loc"][:-1][: len(error["loc"])] == error["loc"] for other in errors
            ):
                continue  # pydantic counts only the valid items; the invalid ones are reported themselves
            for path, text in _explain(error):
                if not any(path[:end] in reading.unread for end in range(1, len(path) + 1)):
                    reading.problem(reading.line(path), path, text)
    return None


def _explain(error: Any) -> Iterator[tuple[_Path, str]]:
    """Turn one pydantic error into (path, text) pairs, in the catalog's words where pydantic's teach too little."""
    path = tuple(map(str, error["loc"]))
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


def _check_together(readings: list[_Reading]) -> None:
    """What only the whole catalog shows: one slug for two files, allowances that name nobody.

    A file with mistakes counts too, by its own name where its slug cannot be read, and its allowances are looked at.
    """
    first: dict[str, str] = {}
    for reading in readings:
        slug = reading.slug()
        if slug is None:
            continue
        if slug in first:
            line = reading.line(("slug",) if ("slug",) in reading.lines else ("name",))
            reading.problem(line, ("slug",), f"{slug!r} is also the slug of {first[slug]}; give one of them another")
        first.setdefault(slug, reading.file)
    present = {*first, *(Path(reading.file).stem for reading in readings if reading.slug() is None)}
    for reading in readings:
        for path, other in _allowances(reading.data):
            if other not in present:
                reading.problem(reading.line(path), path, f"{other!r} is no organization of this catalog")


def _allowances(data: dict[str, Any]) -> Iterator[tuple[_Path, str]]:
    """The slugs that a file's allowances name; what is no slug is refused by the model."""
    network = data.get("network")
    for key in ("allow_from", "allow_to"):
        others = network.get(key) if isinstance(network, dict) else None
        for i, other in enumerate(others if isinstance(others, list) else []):
            if isinstance(other, str) and _is_slug(other):
                yield ("network", key, str(i)), other


def _is_slug(text: str) -> bool:
    try:
        return bool(names.check_slug(text))
    except InvalidName:
        return False
