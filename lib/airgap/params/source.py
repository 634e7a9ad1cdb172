"""A params file as read: plain data, the line of every value, and what YAML would have misread without a word.

PyYAML reads YAML 1.1, in which ``no`` is false, ``012`` is ten, ``1.30`` is 1.3 and a key may stand twice. Here each
of these is a problem with its line, since a wrong value that looks right is the costliest kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap.params.problems import Problem, Where, quoted

LARGEST = 1 << 20
"""Bytes of the largest params file that is read."""

_TAG = "tag:yaml.org,2002:"
_INTEGER = r"-?(0|[1-9][0-9]*)"
_LEADING_ZERO = r"0[0-9]+"
_REPETITION = "write the value out where it is meant; a reviewer then sees each value at its place"


@dataclass(frozen=True)
class Place:
    """Where a value stands: its line from 1, its text as written, and whether it stands without quotes."""

    line: int
    text: str = ""
    bare: bool = False


@dataclass
class Source:
    """One params file: ``data`` is None when it could not be read as a mapping."""

    text: str = ""
    data: dict[str, Any] | None = None
    places: dict[Where, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, where: Where) -> Place:
        """Return the place of a value, or of the nearest that holds it."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, Place(1))


def read(path: Path) -> Source:
    """Return a params file as data, lines and problems; raises ``OSError`` when the file cannot be opened."""
    raw = path.read_bytes()
    if len(raw) > LARGEST:
        return Source(problems=[Problem((), f"the file has {len(raw)} bytes; allowed: up to {LARGEST}")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return Source(problems=[Problem((), "the file is not UTF-8 text", "save it as UTF-8", line)])
    return parse(text)


def parse(text: str) -> Source:
    """Return a params file's text as data, lines and problems."""
    import yaml

    source = Source(text)
    source.problems += _tabs(text)
    try:
        source.problems += _oddities(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _take_root(source, root)
    except yaml.YAMLError as error:
        if not source.problems:
            source.problems.append(_unreadable(error))
    except RecursionError:
        source.problems.append(Problem((), "the file is nested too deeply to be read"))
    return source


def _take_root(source: Source, root: Any) -> None:
    import yaml

    if root is None:
        source.problems.append(Problem((), "the file is empty", "airgap params new NAME writes a file to begin with"))
    elif not isinstance(root, yaml.MappingNode):
        source.problems.append(Problem((), "the file is not a mapping of keys to values at its top"))
    else:
        source.places[()] = Place(root.start_mark.line + 1)
        source.data = _take(source, root, ())


def _tabs(text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            yield Problem((), "a tab stands in the indentation", "indent with spaces", number)


def _oddities(text: str) -> Iterator[Problem]:
    """Yield anchors, aliases and tags, since a value written once and read elsewhere escapes review; and half pairs."""
    import yaml

    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            yield Problem((), f"alias *{event.anchor} is not allowed", _REPETITION, line)
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            yield Problem((), f"anchor &{event.anchor} is not allowed", _REPETITION, line)
        if isinstance(event, yaml.ScalarEvent) and re.search(r"[\ud800-\udfff]", event.value):
            yield Problem((), "half of a surrogate pair is not a character", "write the character itself", line)
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag:
            yield Problem((), f"tag {event.tag.replace(_TAG, '!!')} is not allowed", "write the plain value", line)


def _unreadable(error: Any) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "a character is not allowed in YAML"
    if "expected a single document" in str(error):
        said = "a second document begins; a params file is one"
    return Problem((), f"not YAML: {said}", line=mark.line + 1 if mark else 1)


def _take(source: Source, node: Any, where: Where) -> Any:
    """Return a node as plain data, noting the place of every value in it."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return _take_mapping(source, node, where)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            source.places[(*where, index)] = Place(item.start_mark.line + 1)
        return [_take(source, item, (*where, index)) for index, item in enumerate(node.value)]
    return _take_scalar(source, node, where)


def _take_mapping(source: Source, node: Any, where: Where) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = _key(source, key, where)
        if name is None:
            continue
        if name in data:
            first = source.places[(*where, name)].line
            source.problems.append(Problem((*where, name), f"the key stands twice, first in line {first}", line=line))
            continue
        source.places[(*where, name)] = Place(line)
        data[name] = _take(source, value, (*where, name))
    return data


def _key(source: Source, key: Any, where: Where) -> str | None:
    line = key.start_mark.line + 1
    kind = key.tag.removeprefix(_TAG)
    if kind == "str":
        return str(key.value)
    if kind == "merge":
        source.problems.append(Problem(where, "a merge key (<<) is not allowed", _REPETITION, line))
    elif isinstance(key.value, str):
        what = f"key {quoted(key.value)} is not text but {_KINDS.get(kind, kind)}"
        source.problems.append(Problem(where, what, f'quote it: "{key.value}"', line))
    else:
        source.problems.append(Problem(where, "a key is a list or a mapping; allowed: text", line=line))
    return None


_KINDS = {"bool": "a boolean", "int": "a number", "float": "a number", "null": "null", "timestamp": "a date"}


def _take_scalar(source: Source, node: Any, where: Where) -> Any:
    """Return a scalar; a date stays the text that was written."""
    line = source.places[where].line if where in source.places else node.start_mark.line + 1
    bare = node.style is None
    source.places[where] = Place(line, node.value, bare)
    kind = node.tag.removeprefix(_TAG)
    value = _plain(node, kind)
    misread = _misread(node.value, kind, value) if bare else None
    if misread:
        source.problems.append(Problem(where, *misread))
    return value


def _plain(node: Any, kind: str) -> Any:
    from yaml.constructor import SafeConstructor

    if kind not in ("bool", "int", "float", "null"):
        return node.value
    try:
        return SafeConstructor().construct_object(node)
    except ValueError:  # as 0x_, which the resolver takes for a number
        return node.value


def _misread(text: str, kind: str, value: Any) -> tuple[str, str] | None:
    """Return what a reader would not expect of an unquoted scalar, and the mend."""
    if kind == "bool" and text.lower() not in ("true", "false"):
        plain = str(value).lower()
        return f"{text} is read as the boolean {plain}", f"write {plain}, or quote it where text is meant: '{text}'"
    if kind == "int" and not re.fullmatch(_INTEGER, text):
        return f"{text} is read as the number {value}", f"write {value}, or quote it where text is meant: '{text}'"
    if kind == "str" and re.fullmatch(_LEADING_ZERO, text):
        return f"{text} has no quotes, and readers of YAML disagree on leading zeros", f"quote it: '{text}'"
    return None
