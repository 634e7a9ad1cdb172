"""Custom resources: definitions become kinds that are served, and their objects are held against their schemas."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.schemas import Validator

Object = dict[str, Any]
Problem = tuple[str, str]
_META = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


def kind_of(definition: Object) -> Kind:
    """Return the kind that a definition adds."""
    spec = definition["spec"]
    names = spec["names"]
    served = [version for version in spec["versions"] if version.get("served")]
    subresources = {name for version in served for name in version.get("subresources") or {}}
    scale: Object = next(
        (version["subresources"]["scale"] for version in served if "scale" in (version.get("subresources") or {})), {}
    )
    return Kind(
        group=spec["group"],
        versions=tuple(version["name"] for version in sorted(served, key=lambda version: _rank(version["name"]))),
        name=names["kind"],
        plural=names["plural"],
        short=tuple(names.get("shortNames") or ()),
        namespaced=spec["scope"] == "Namespaced",
        subresources=tuple(sorted(subresources)),
        categories=tuple(names.get("categories") or ()),
        singular=names.get("singular", names["kind"].lower()),
        list_name=names.get("listKind", f"{names['kind']}List"),
        custom=True,
        schemas={version["name"]: _schema(version) for version in served},
        scale_paths=scale,
        columns=tuple(served[0].get("additionalPrinterColumns") or ()) if served else (),
    )


def _rank(version: str) -> tuple[int, int, int]:
    """Order v2, v1, v1beta2, v1beta1, v1alpha1."""
    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return (3, 0, 0)
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (stage, -int(match[1]), -int(match[3] or 0))


def _schema(version: Object) -> Object:
    schema = copy.deepcopy((version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object"})
    if "properties" in schema or not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema["properties"] = {**schema.get("properties", {}), **_META}
    return schema


def strict(schema: Any) -> Any:
    """Return an OpenAPI v3 schema as a JSON Schema in which fields that are not named are refused."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: value for name, value in schema.items() if name in _KEPT}
    for name in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(name), dict):
            result[name] = strict(schema[name])
    for name in ("allOf", "anyOf", "oneOf"):
        if schema.get(name):
            result[name] = [_loose(one) for one in schema[name]]
    if "properties" in schema:
        result["properties"] = {name: strict(one) for name, one in schema["properties"].items()}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
        result.pop("anyOf", None)
    if schema.get("x-kubernetes-embedded-resource") or schema.get("x-kubernetes-preserve-unknown-fields"):
        return result
    closed = schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema
    if closed:
        result["additionalProperties"] = False
    if schema.get("nullable") and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result


_KEPT = {
    *("type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "required"),
    *("additionalProperties", "uniqueItems", "multipleOf", "minProperties", "maxProperties", "items", "properties"),
}


def _loose(schema: Any) -> Any:
    """Return a schema of a junctor: it adds conditions and closes nothing."""
    if isinstance(schema, list):
        return [_loose(one) for one in schema]
    if isinstance(schema, dict):
        return {name: _loose(value) for name, value in schema.items() if not name.startswith("x-")}
    return schema


class Validators:
    """Validators of custom kinds, built once for each version of a definition."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[Kind, Any]] = {}

    def errors(self, kind: Kind, version: str, item: Object) -> Iterator[Any]:
        """Yield what is wrong with a custom object, as jsonschema's ``ValidationError``."""
        key = (id(kind), version)
        if key not in self._kept:
            self._kept[key] = (kind, Validator(strict(kind.schemas.get(version, {}))))
        yield from self._kept[key][1].iter_errors(item)


def problems(definition: Object) -> list[Problem]:
    """Return what is wrong with a definition itself."""
    spec = definition.get("spec", {})
    names, found = spec.get("names", {}), []
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if definition["metadata"]["name"] != wanted:
        found.append(
            (
                "metadata.name",
                f'Invalid value: "{definition["metadata"]["name"]}": must be spec.names.plural+"."+spec.group',
            )
        )
    if sum(bool(version.get("storage")) for version in spec.get("versions") or ()) != 1:
        found.append(("spec.versions", "Invalid value: must have exactly one version marked as storage version"))
    for place, version in enumerate(spec.get("versions") or ()):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            found.append((f"spec.versions[{place}].schema.openAPIV3Schema", "Required value: schemas are required"))
    return found
