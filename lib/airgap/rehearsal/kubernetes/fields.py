"""Sets of fields, as ``managedFields`` has them: paths through an object by its schema.

A path is a tuple of steps as FieldsV1 writes them: ``f:name`` into an object, ``k:{"name":"web"}`` to the item of a
list with keys, ``v:"x"`` to a value of a set. Lists without keys, and maps that are atomic, are owned as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from airgap.rehearsal.kubernetes.schemas import Schema, Schemas

Path = tuple[str, ...]
Leaves = dict[Path, Any]

# Stands for a list item itself, apart from its members.
ITEM = object()
# Keys of list items that a writer may leave out, because they have a default.
_KEY_DEFAULTS = {"protocol": "TCP"}
# What every object has, and nobody owns.
_UNOWNED = {
    ("f:apiVersion",),
    ("f:kind",),
    *(
        ("f:metadata", f"f:{name}")
        for name in ("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "resourceVersion")
    ),
}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _keyed(schema: Schema) -> list[str] | None:
    return schema.get("x-kubernetes-list-map-keys") if schema.get("x-kubernetes-list-type") == "map" else None


def _step(item: Any, keys: list[str]) -> str:
    pairs = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in keys}
    return "k:" + _compact({key: value for key, value in pairs.items() if value is not None})


def leaves(schemas: Schemas, item: dict[str, Any], schema: Schema) -> Leaves:
    """Return the owned paths of an object with their values."""
    found: Leaves = {}
    _walk(schemas, item, schema, (), found)
    return {
        path: value
        for path, value in found.items()
        if path[:2] != ("f:metadata", "f:managedFields") and path not in _UNOWNED
    }


def _walk(schemas: Schemas, value: Any, schema: Schema, path: Path, found: Leaves) -> None:
    if isinstance(value, dict) and value and schema.get("x-kubernetes-map-type") != "atomic":
        for name, member in value.items():
            _walk(schemas, member, schemas.member(schema, name), (*path, f"f:{name}"), found)
    elif isinstance(value, list) and _keyed(schema):
        keys, items = _keyed(schema) or [], schemas.items(schema)
        for one in value:
            place = (*path, _step(one, keys))
            found[place] = ITEM
            _walk(schemas, one, items, place, found)
    elif isinstance(value, list) and schema.get("x-kubernetes-list-type") == "set":
        found.update({(*path, "v:" + _compact(one)): one for one in value})
    else:
        found[path] = value


def united(schemas: Schemas, live: Any, applied: Any, schema: Schema) -> Any:
    """Return a live value with an applied one merged into it by the schema."""
    if isinstance(applied, dict) and isinstance(live, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        result = dict(live)
        for name, value in applied.items():
            result[name] = united(schemas, live.get(name), value, schemas.member(schema, name))
        return result
    if isinstance(applied, list) and isinstance(live, list):
        keys = _keyed(schema)
        if keys:
            held = {_step(one, keys): one for one in live}
            for one in applied:
                step = _step(one, keys)
                held[step] = united(schemas, held.get(step), one, schemas.items(schema))
            return list(held.values())
        if schema.get("x-kubernetes-list-type") == "set":
            return live + [one for one in applied if one not in live]
    return applied


def without(schemas: Schemas, value: Any, path: Path, schema: Schema) -> Any:
    """Return a value without what is at a path; objects and lists that this empties go too."""
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and step.startswith("f:") and step[2:] in value:
        name = step[2:]
        inner = without(schemas, value[name], rest, schemas.member(schema, name)) if rest else None
        result = {key: member for key, member in value.items() if key != name}
        return {key: inner if key == name else value[key] for key in value} if inner not in (None, {}, []) else result
    if isinstance(value, list):
        return _list_without(schemas, value, path, schema)
    return value


def _list_without(schemas: Schemas, value: list[Any], path: Path, schema: Schema) -> list[Any]:
    step, rest, keys = path[0], path[1:], _keyed(schema)
    result = []
    for one in value:
        if (_step(one, keys) if keys else "v:" + _compact(one)) != step:
            result.append(one)
        elif rest:
            result.append(without(schemas, one, rest, schemas.items(schema)))
    return result


def encoded(paths: Iterable[Path]) -> dict[str, Any]:
    """Return a set of paths as FieldsV1."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _tidy(root)


def _tidy(node: dict[str, Any]) -> dict[str, Any]:
    return {} if set(node) == {"."} else {step: _tidy(inner) for step, inner in node.items()}


def decoded(node: dict[str, Any], path: Path = ()) -> set[Path]:
    """Return the paths of a FieldsV1."""
    found: set[Path] = set()
    for step, inner in node.items():
        if step == ".":
            found.add(path)
        elif inner:
            found |= decoded(inner, (*path, step))
        else:
            found.add((*path, step))
    return found


def printed(path: Path) -> str:
    """Return a path as refusals name it: ``.spec.containers[name="web"].image``."""
    return "".join(_printed_step(step) for step in path)


def _printed_step(step: str) -> str:
    sort, text = step[:2], step[2:]
    if sort == "f:":
        return f".{text}"
    if sort == "v:":
        return f"[={text}]"
    return "[" + ",".join(f"{key}={_compact(value)}" for key, value in json.loads(text).items()) + "]"
