"""The schemas of a Kubernetes version: the data of ``kubernetes-validate``, and validators that are built once.

The package's own function reads its files again at every call (22 ms); a kept validator takes about half of one.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from airgap.errors import AirgapError

Schema = dict[str, Any]
# jsonschema has no types.
Validator: Any = Draft202012Validator


@functools.cache
def available() -> tuple[str, ...]:
    """Return the versions, such as ``1.35``, whose schemas are there, oldest first."""
    folder = files("kubernetes_validate").joinpath("kubernetes-json-schema")
    found = {re.sub(r"^v(\d+\.\d+)\..*", r"\1", entry.name) for entry in folder.iterdir() if entry.name.startswith("v")}
    return tuple(sorted(found, key=lambda version: [int(part) for part in version.split(".")]))


@functools.cache
def definitions(version: str) -> dict[str, Schema]:
    """Return the strict definitions of a version by name; AirgapError where the version is not known."""
    if version not in available():
        raise AirgapError(
            f"the rehearsal has no Kubernetes {version}: it has {', '.join(available())}",
            action="choose one of them, or a newer kubernetes-validate",
        )
    place = f"kubernetes-json-schema/v{version}.0-local-strict/_definitions.json"
    found: dict[str, Schema] = json.loads(files("kubernetes_validate").joinpath(place).read_text())["$defs"]
    return found


@functools.cache
def _names(version: str) -> dict[tuple[str, str, str], str]:
    found = {}
    for name, schema in definitions(version).items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            found[kind["group"], kind["version"], kind["kind"]] = name
    return found


def name_of(version: str, group: str, api: str, kind: str) -> str | None:
    """Return the name of a kind's definition."""
    return _names(version).get((group, api, kind))


class Schemas:
    """The schemas of one Kubernetes version: a node of a schema is a plain JSON Schema object."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.definitions = definitions(version)

    def of(self, group: str, api: str, kind: str) -> Schema:
        """Return the schema of a built-in kind; an empty one, which knows nothing, where there is none."""
        return self.definitions.get(name_of(self.version, group, api, kind) or "", {})

    def at(self, schema: Schema) -> Schema:
        """Return a node with its reference resolved; what stands beside the reference stays."""
        return _resolved(self.version, schema) if "$ref" in schema else schema

    def member(self, schema: Schema, name: str) -> Schema:
        """Return the schema of a member of an object; an empty one where it is not known."""
        found = schema.get("properties", {}).get(name)
        if found is None:
            found = schema.get("additionalProperties")
        return self.at(found) if isinstance(found, dict) else {}

    def items(self, schema: Schema) -> Schema:
        """Return the schema of a list's items."""
        return self.at(schema.get("items", {}))

    def problems(self, group: str, api: str, kind: str, item: dict[str, Any]) -> Iterator[Any]:
        """Yield what is wrong with an object of a built-in kind, as jsonschema's ``ValidationError``."""
        name = name_of(self.version, group, api, kind)
        if name is not None:
            yield from _validator(self.version, name).iter_errors(item)


def _resolved(version: str, schema: Schema) -> Schema:
    target = definitions(version)[schema["$ref"].rsplit("/", 1)[1]]
    return target if len(schema) == 1 else {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


@functools.cache
def _validator(version: str, name: str) -> Any:
    return Validator({"$ref": f"#/$defs/{name}", "$defs": definitions(version)})
