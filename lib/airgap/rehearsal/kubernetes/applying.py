"""Who owns which field: ``managedFields`` of every write, and server-side apply with its conflicts.

After KEP-555: an apply owns what it names, takes away what it named before and names no more, and is refused where it
would change a field of another manager unless it is forced; every other write owns what it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from airgap.rehearsal.kubernetes import fields
from airgap.rehearsal.kubernetes.fields import Path
from airgap.rehearsal.kubernetes.refusals import applied_elsewhere
from airgap.rehearsal.kubernetes.schemas import Schema, Schemas
from airgap.rehearsal.kubernetes.store import Object, stamp


@dataclass(frozen=True)
class Writer:
    """Who writes: the field manager, Apply or Update, the version and the subresource that are written."""

    manager: str
    operation: str
    version: str
    subresource: str = ""

    def printed(self, time: str) -> str:
        """Return the writer as a conflict names it."""
        if self.operation == "Apply":
            return f'"{self.manager}"'
        part = f' with subresource "{self.subresource}"' if self.subresource else ""
        return f'"{self.manager}"{part} using {self.version} at {time}'


@dataclass(frozen=True)
class Entry:
    """What one writer owns, since when."""

    writer: Writer
    paths: frozenset[Path]
    time: str

    def owning(self, paths: Iterable[Path]) -> Entry:
        """Return the entry with other paths; its time is now where they differ."""
        paths = frozenset(paths)
        return self if paths == self.paths else replace(self, paths=paths, time=stamp())


def entries(item: Object | None) -> dict[Writer, Entry]:
    """Return the entries of an object's ``managedFields``."""
    found = {}
    for one in (item or {}).get("metadata", {}).get("managedFields") or []:
        writer = Writer(one["manager"], one["operation"], one["apiVersion"], one.get("subresource", ""))
        found[writer] = Entry(writer, frozenset(fields.decoded(one.get("fieldsV1") or {})), one.get("time", stamp()))
    return found


def _owned(item: Object, held: dict[Writer, Entry]) -> Object:
    """Return an object with these entries as its ``managedFields``."""
    listed = [_listed(entry) for entry in held.values() if entry.paths]
    metadata = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    return {**item, "metadata": {**metadata, **({"managedFields": listed} if listed else {})}}


def _listed(entry: Entry) -> dict[str, Any]:
    writer = entry.writer
    found: dict[str, Any] = {"manager": writer.manager, "operation": writer.operation, "apiVersion": writer.version}
    found |= {"time": entry.time, "fieldsType": "FieldsV1", "fieldsV1": fields.encoded(entry.paths)}
    return found | ({"subresource": writer.subresource} if writer.subresource else {})


def updated(schemas: Schemas, live: Object | None, item: Object, writer: Writer, schema: Schema) -> Object:
    """Return an object as a writer that does not apply leaves it: what it changed is its own."""
    given = item["metadata"].get("managedFields")
    held = entries(item if given else live)
    if given == [{}]:
        held = {}
    before = fields.leaves(schemas, live, schema) if live else {}
    after = fields.leaves(schemas, item, schema)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = before.keys() - after.keys()
    if not changed and not gone:
        return _owned(item, held)
    mine = held.pop(writer, Entry(writer, frozenset(), stamp()))
    others = {one: entry.owning(entry.paths - changed - gone) for one, entry in held.items()}
    return _owned(item, {**others, writer: mine.owning((mine.paths | changed) - gone)})


def applied(
    schemas: Schemas, live: Object | None, config: Object, writer: Writer, schema: Schema, force: bool
) -> Object:
    """Return a live object with a configuration applied; a Refusal where another manager's field would change."""
    metadata = {name: value for name, value in config["metadata"].items() if name != "managedFields"}
    config = {**config, "metadata": metadata}
    held = entries(live)
    wanted = fields.leaves(schemas, config, schema)
    before = fields.leaves(schemas, live, schema) if live else {}
    changed = {path for path, value in wanted.items() if path not in before or before[path] != value}
    others = {one: entry for one, entry in held.items() if not _same(one, writer)}
    conflicts = [(entry, path) for entry in others.values() for path in sorted(changed & entry.paths)]
    if conflicts and not force:
        raise applied_elsewhere([(entry.writer.printed(entry.time), fields.printed(path)) for entry, path in conflicts])
    for entry, _ in conflicts:
        others[entry.writer] = entry.owning(entry.paths - changed)
    mine = next((entry for one, entry in held.items() if _same(one, writer)), Entry(writer, frozenset(), stamp()))
    result = fields.united(schemas, live, config, schema) if live else config
    result = _pruned(schemas, result, mine.paths, [wanted.keys(), *(entry.paths for entry in others.values())], schema)
    return _owned(result, {**others, writer: replace(mine.owning(wanted), writer=writer)})


def _same(one: Writer, other: Writer) -> bool:
    return replace(one, version="") == replace(other, version="")


def _pruned(
    schemas: Schemas, item: Object, owned: Iterable[Path], keeping: Iterable[Iterable[Path]], schema: Schema
) -> Object:
    """Take away what a manager owned and nobody owns now; an item of a list goes as a whole."""
    kept = {path[:depth] for paths in keeping for path in paths for depth in range(1, len(path) + 1)}
    result: Object = item
    for path in sorted(set(owned) - kept, key=len):
        result = fields.without(schemas, result, path, schema)
    return result
