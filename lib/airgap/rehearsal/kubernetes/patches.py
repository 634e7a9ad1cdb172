"""JSON patch (RFC 6902), JSON merge patch (RFC 7386) and strategic merge patch."""

from __future__ import annotations

import copy
from typing import Any

from airgap.rehearsal.kubernetes.refusals import Refusal, bad_request
from airgap.rehearsal.kubernetes.schemas import Schema, Schemas


def merged(target: Any, patch: Any) -> Any:
    """Return a target after a merge patch: null takes a member away, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def edited(target: Any, operations: Any) -> Any:
    """Return a target after a JSON patch; a Refusal where an operation does not fit it."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    result = copy.deepcopy(target)
    for one in operations:
        try:
            result = _edit(result, one)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            message = (
                f"the server rejected our request due to an error in our request: {one.get('op')} {one.get('path')}"
            )
            raise Refusal(422, "Invalid", message) from error
    return result


def _edit(root: Any, one: dict[str, Any]) -> Any:
    name, steps = one["op"], _steps(one["path"])
    if name == "test":
        if _read(root, steps) != one["value"]:
            raise ValueError("the test failed")
        return root
    if name == "remove":
        _take(root, steps)
        return root
    if name == "replace":
        if not steps:
            return one["value"]
        _take(root, steps)
        return _place(root, steps, one["value"])
    if name == "add":
        return _place(root, steps, one["value"])
    if name == "move":
        return _place(root, steps, _take(root, _steps(one["from"])))
    if name == "copy":
        return _place(root, steps, copy.deepcopy(_read(root, _steps(one["from"]))))
    raise ValueError(name)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _read(node: Any, steps: list[str]) -> Any:
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node


def _take(root: Any, steps: list[str]) -> Any:
    holder = _read(root, steps[:-1])
    return holder.pop(int(steps[-1])) if isinstance(holder, list) else holder.pop(steps[-1])


def _place(root: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    holder, last = _read(root, steps[:-1]), steps[-1]
    if isinstance(holder, list):
        holder.insert(len(holder) if last == "-" else int(last), value)
    else:
        holder[last] = value
    return root


class Strategic:
    """Strategic merge patches by the patch strategies and merge keys of a Kubernetes version."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas

    def merged(self, target: Any, patch: Any, schema: Schema) -> Any:
        """Return an object after a patch, with its ``$patch`` and other directives carried out."""
        directive = patch.get("$patch")
        if directive == "replace":
            return {key: value for key, value in patch.items() if key != "$patch"}
        if directive == "delete":
            return {}
        result = dict(target) if isinstance(target, dict) else {}
        if "$retainKeys" in patch:
            result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
        for name, value in patch.items():
            if name.startswith("$deleteFromPrimitiveList/"):
                self._delete(result, name.split("/", 1)[1], value)
        for name, value in patch.items():
            if name.startswith("$"):
                continue
            if value is None:
                result.pop(name, None)
            else:
                result[name] = self._member(result.get(name), value, self.schemas.member(schema, name))
        for name, order in patch.items():
            if name.startswith("$setElementOrder/"):
                self._sort(result, name.split("/", 1)[1], order, schema)
        return result

    def _member(self, held: Any, value: Any, schema: Schema) -> Any:
        if isinstance(value, dict):
            return self.merged(held, value, schema)
        if isinstance(value, list) and "merge" in schema.get("x-kubernetes-patch-strategy", ""):
            return self._list(held or [], value, schema)
        return value

    def _list(self, held: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
        key = schema.get("x-kubernetes-patch-merge-key")
        if key is None:
            return held + [value for value in patch if value not in held]
        if any(one.get("$patch") == "replace" for one in patch):
            return [one for one in patch if "$patch" not in one]
        result = list(held)
        for one in patch:
            if key not in one:
                raise bad_request(f"map: {one} does not contain declared merge key: {key}")
            places = [place for place, item in enumerate(result) if item.get(key) == one[key]]
            if one.get("$patch") == "delete":
                result = [item for item in result if item.get(key) != one[key]]
            elif places:
                result[places[0]] = self.merged(result[places[0]], one, self.schemas.items(schema))
            else:
                result.append(self.merged({}, one, self.schemas.items(schema)))
        return result

    @staticmethod
    def _delete(result: dict[str, Any], name: str, values: list[Any]) -> None:
        if name in result:
            result[name] = [value for value in result[name] if value not in values]

    def _sort(self, result: dict[str, Any], name: str, order: list[Any], schema: Schema) -> None:
        if not isinstance(result.get(name), list):
            return
        key = self.schemas.member(schema, name).get("x-kubernetes-patch-merge-key")
        wanted = [one[key] if key and isinstance(one, dict) else one for one in order]

        def place(pair: tuple[int, Any]) -> tuple[int, int]:
            value = pair[1].get(key) if key else pair[1]
            return (wanted.index(value) if value in wanted else len(wanted), pair[0])

        result[name] = [item for _, item in sorted(enumerate(result[name]), key=place)]
