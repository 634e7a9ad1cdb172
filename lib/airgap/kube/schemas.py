"""Manifests held to the schemas of the cluster's version, and custom resources to the definitions beside them.

It is done before anything is applied, so that a release that the API server would refuse halfway is refused whole. The
schemas are the strict ones of ``kubernetes-validate``, which know no field that the version does not have.
Source: Kubernetes, "Server Side Field Validation", "Extend the Kubernetes API with CustomResourceDefinitions".
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from airgap.errors import ParamsError
from airgap.kube.absent import absent
from airgap.model.kubernetes import api_of

Schema = dict[str, Any]
Kind = tuple[str, str, str]
"""Group, version and kind, as ``("apps", "v1", "Deployment")``."""
_OBJECT: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


def refusals(
    manifests: Iterable[Mapping[str, Any]], version: str, definitions: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what of these manifests the API server of a version would refuse, each with its object and place.

    ``definitions``: the CustomResourceDefinitions that stand in the cluster by then. A custom resource without one is
    left to the API server where the runbook knows its kind; any other unknown kind is refused.
    Raises ``ParamsError`` where no schema of the version is at hand.
    """
    custom = {kind: schema for one in definitions for kind, schema in _defined(one)}
    for one in manifests:
        kind, named = _kind(one), f"{one.get('kind')} {(one.get('metadata') or {}).get('name')}"
        schema = custom.get(kind) or _built_in(version).get(kind)
        if schema is not None:
            for error in _validator(version, kind, json.dumps(schema)).iter_errors(one):
                yield f"{named}: {'.'.join(map(str, error.absolute_path)) or 'the object'}: {error.message[:200]}"
        elif api_of(one) is None:
            yield f"{named}: the cluster's version has no kind {'/'.join(part for part in kind if part)}"


def _kind(manifest: Mapping[str, Any]) -> Kind:
    group, _, version = str(manifest.get("apiVersion")).rpartition("/")
    return group, version, str(manifest.get("kind"))


def _defined(manifest: Mapping[str, Any]) -> Iterator[tuple[Kind, Schema]]:
    """Yield the kinds that a definition makes, each with its schema; what every object has is not in it."""
    spec = manifest["spec"]
    for one in spec["versions"]:
        schema = (one.get("schema") or {}).get("openAPIV3Schema") or {}
        yield (
            (spec["group"], one["name"], spec["names"]["kind"]),
            strict({**schema, "x-kubernetes-embedded-resource": True}),
        )


def strict(schema: Schema) -> Schema:
    """Return a structural schema as the JSON Schema that strict validation holds objects to: no unknown field.

    Source: Kubernetes, "Specifying a structural schema" (``nullable`` and the ``x-kubernetes-`` extensions).
    """
    made = {key: value for key, value in schema.items() if key not in ("properties", "items", "additionalProperties")}
    if schema.get("x-kubernetes-int-or-string"):
        made = {**made, "type": ["integer", "string"]}
    if schema.get("nullable") and "type" in made:
        made["type"] = [*([made["type"]] if isinstance(made["type"], str) else made["type"]), "null"]
    if "items" in schema:
        made["items"] = strict(schema["items"])
    if isinstance(schema.get("additionalProperties"), Mapping):
        made["additionalProperties"] = strict(schema["additionalProperties"])
    if made.get("type") == "object" and not {"properties", "additionalProperties"} & set(schema):
        made["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        if schema.get("x-kubernetes-embedded-resource"):
            made["properties"] = _OBJECT
    if "properties" in schema:
        own = {name: strict(value) for name, value in schema["properties"].items()}
        # What every object has is Kubernetes's own to judge, whatever a definition says of it.
        made["properties"] = {**own, **(_OBJECT if schema.get("x-kubernetes-embedded-resource") else {})}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    return made


@functools.cache
def _definitions(version: str) -> dict[str, Schema]:
    with absent("rfc3987_syntax"):  # jsonschema compiles its grammar for seconds, to check IRIs; no manifest has one
        package = files("kubernetes_validate")
    place = package.joinpath(f"kubernetes-json-schema/v{version}.0-local-strict/_definitions.json")
    try:
        found: dict[str, Schema] = json.loads(place.read_text())["$defs"]
    except FileNotFoundError as error:
        what = f"no schemas of Kubernetes {version} are at hand, so no manifest can be held to them"
        raise ParamsError(
            what, "anything in the cluster", "update kubernetes-validate, or name another version"
        ) from error
    return found


@functools.cache
def _built_in(version: str) -> dict[Kind, Schema]:
    return {
        (kind["group"], kind["version"], kind["kind"]): {"$ref": f"#/$defs/{name}"}
        for name, schema in _definitions(version).items()
        for kind in schema.get("x-kubernetes-group-version-kind", ())
    }


@functools.cache
def _validator(version: str, kind: Kind, schema: str) -> Any:
    """Return what validates a kind; made once, since it costs more than what it does."""
    with absent("rfc3987_syntax"):
        import jsonschema  # type: ignore[import-untyped]

    return jsonschema.Draft202012Validator({**json.loads(schema), "$defs": _definitions(version)})
