"""The JSON Schema of a params file, for editors: ``params/schema.json`` is its text.

It says what one value may be (types, forms, choices, help); rules between values are ``airgap params check``'s alone.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args, get_origin

from airgap.model.components import COMPONENTS
from airgap.model.intent import Intent
from airgap.params.forms import FORMS, Form
from airgap.params.shapes import hints, is_section, optional_sections, required

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The JSON Schema dialect of ``schema()``."""

_SCALARS = {str: "string", int: "integer", bool: "boolean"}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a params file; no unknown key is allowed anywhere in it."""
    sections: dict[str, Any] = {}
    top = _section(Intent, sections)
    top["properties"]["components"]["items"]["enum"] = [component.name for component in COMPONENTS]
    return {"$schema": DIALECT, "title": "airgap params", **top, "$defs": dict(sorted(sections.items()))}


def _section(kind: Any, sections: dict[str, Any]) -> dict[str, Any]:
    items = dataclasses.fields(kind)
    return {
        "description": kind.__doc__,
        "type": "object",
        "properties": {item.name: _field(kind, item, sections) for item in items},
        "required": [item.name for item in items if required(item)],
        "additionalProperties": False,
    }


def _field(kind: Any, item: dataclasses.Field[Any], sections: dict[str, Any]) -> dict[str, Any]:
    shape = _shape(hints(kind)[item.name], FORMS.get(f"{kind.__name__}.{item.name}"), sections)
    if item.default is None:
        shape["type"] = [shape["type"], "null"]
    if kind is Intent and item.name in optional_sections():
        shape = {"anyOf": [shape, {"type": "null"}]}
    said = {"description": item.metadata["help"], **shape}
    if item.default is not dataclasses.MISSING:
        said["default"] = list(item.default) if isinstance(item.default, tuple) else item.default
    return said


def _shape(hint: Any, form: Form | None, sections: dict[str, Any]) -> dict[str, Any]:
    if is_section(hint):
        if hint.__name__ not in sections:
            sections[hint.__name__] = _section(hint, sections)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _shape(get_args(hint)[0], form, sections)}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _shape(get_args(hint)[1], form, sections)}
    return {"type": _SCALARS[hint], **_limits(form)}


def _limits(form: Form | None) -> dict[str, Any]:
    """Return a form as JSON Schema keywords; its test beyond the pattern has none."""
    if form is None:
        return {}
    limits = {
        "pattern": f"^({form.pattern})$" if form.pattern else None,
        "minimum": form.least,
        "maximum": form.most,
        "enum": list(form.choices) or None,
    }
    return {keyword: limit for keyword, limit in limits.items() if limit is not None}
