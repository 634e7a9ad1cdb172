"""What an API server refuses before it stores: unknown fields, wrong types, and rules that schemas do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from airgap.rehearsal.kubernetes import custom, rules
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.refusals import Refusal, bad_request, invalid
from airgap.rehearsal.kubernetes.schemas import Schemas

Object = dict[str, Any]
_UNKNOWN = re.compile(r"'([^']*)'")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABELLED = ("Namespace", "Service")
_EXTRA = "additionalProperties"
_FREE = {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}


class Validation:
    """The validation of one cluster's version and of the custom kinds that it serves."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.custom = custom.Validators()

    def typed(self, kind: Kind, version: str, item: Object, mode: str = "Strict") -> list[str]:
        """Refuse an object with fields that do not exist or are of another type; return warnings of the former.

        ``mode`` is ``fieldValidation``: Strict refuses unknown fields, Warn warns of them, Ignore is silent.
        """
        errors = list(self._errors(kind, version, item))
        unknown = sorted({field for error in errors if error.validator == _EXTRA for field in _unknown(error)})
        if unknown and mode == "Strict":
            raise _strict(kind, version, unknown)
        wrong = [error for error in errors if error.validator == "type"]
        if wrong and not kind.custom:
            raise _undecodable(kind, version, wrong[0])
        if wrong:
            raise invalid(kind, _name(item), [(_path(error), _problem(error)) for error in wrong])
        return [f'unknown field "{field}"' for field in unknown] if mode == "Warn" else []

    def check(self, kind: Kind, version: str, item: Object) -> None:
        """Refuse an object, typed and with its defaults, that its schema or a rule refuses."""
        errors = [error for error in self._errors(kind, version, item) if error.validator != _EXTRA]
        problems = [(_path(error), _problem(error)) for error in errors]
        problems += [*_name_problems(kind, item), *rules.problems(kind, item)]
        if problems:
            raise invalid(kind, _name(item), list(dict.fromkeys(problems)))

    def _errors(self, kind: Kind, version: str, item: Object) -> Iterable[Any]:
        if kind.custom:
            return self.custom.errors(kind, version, item)
        return self.schemas.problems(kind.group, version, kind.name, item)


def _name(item: Object) -> str:
    return str(item["metadata"].get("name") or "")


def _unknown(error: Any) -> list[str]:
    names = set(error.instance) - set(error.schema.get("properties", {}))
    prefix = _path(error)
    return [f"{prefix}.{name}" if prefix else name for name in names]


def _strict(kind: Kind, version: str, unknown: list[str]) -> Refusal:
    fields = ", ".join(f'unknown field "{field}"' for field in unknown)
    if kind.custom:
        return bad_request(f"strict decoding error: {fields}")
    return bad_request(
        f'{kind.name} in version "{version}" cannot be handled as a {kind.name}: strict decoding error: {fields}'
    )


def _undecodable(kind: Kind, version: str, error: Any) -> Refusal:
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    given = names.get(type(error.instance), "null")
    wanted = error.validator_value[0] if isinstance(error.validator_value, list) else error.validator_value
    field = f"{kind.name}." + re.sub(r"\[\d+\]", "", _path(error))
    why = f"json: cannot unmarshal {given} into Go struct field {field} of type {wanted}"
    return bad_request(f'{kind.name} in version "{version}" cannot be handled as a {kind.name}: {why}')


def _path(error: Any) -> str:
    text = ""
    for step in error.absolute_path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    missing = _UNKNOWN.match(error.message) if error.validator == "required" else None
    return (f"{text}.{missing[1]}" if missing else text).lstrip(".")


def _problem(error: Any) -> str:
    if error.validator == "required":
        return "Required value"
    if error.validator == "enum":
        allowed = ", ".join(f'"{value}"' for value in error.validator_value if value is not None)
        return f'Unsupported value: "{error.instance}": supported values: {allowed}'
    return f"Invalid value: {error.message}"


def _name_problems(kind: Kind, item: Object) -> list[tuple[str, str]]:
    name = item["metadata"].get("name") or ""
    if not name:
        return [("metadata.name", "Required value: name or generateName is required")]
    if kind.name in _FREE:
        return []
    label = kind.name in _LABELLED
    pattern, text, limit = (_DNS_LABEL, _LABEL_TEXT, 63) if label else (_DNS_SUBDOMAIN, _SUBDOMAIN_TEXT, 253)
    found = [] if pattern.fullmatch(name) else [("metadata.name", f'Invalid value: "{name}": {text}')]
    if len(name) > limit:
        found.append(("metadata.name", f'Invalid value: "{name}": must be no more than {limit} characters'))
    return found
