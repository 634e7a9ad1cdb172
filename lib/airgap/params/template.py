"""The commented params file that ``airgap params new`` writes: every key, its help, its default."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from airgap.errors import ParamsError
from airgap.model import components
from airgap.model.intent import Intent
from airgap.params.forms import FORMS
from airgap.params.loading import UNCHANGED
from airgap.params.problems import quoted
from airgap.params.shapes import hints, is_section, required

REFERENCE: Mapping[str, Any] = {
    "world": "aws",
    "account": "123456789012",
    "region": "us-east-1",
    "network": {
        "vpc_cidr": "10.0.0.0/16",
        "private_subnets": [
            {"cidr": "10.0.10.0/24", "zone": "us-east-1a"},
            {"cidr": "10.0.11.0/24", "zone": "us-east-1b"},
        ],
    },
    "cluster": {
        "name": "fintech-prod",
        "version": "1.36",
        "node_groups": [{"name": "general", "instance_types": ["m6i.xlarge", "m6i.2xlarge"]}],
    },
    "data": {"postgres_name": "fintech-postgres", "table": "fintech-sessions"},
    "secrets": {"database": "fintech/prod/db"},
    "edge": {"domain": "fintech.example.com"},
    "ai": {"models": ["amazon.nova-pro-v1:0"], "embedding_model": "amazon.titan-embed-text-v2:0"},
}
"""Values of the reference environment for the keys that have no default; they are there to be edited."""

_HEAD = """\
# yaml-language-server: $schema=schema.json
#
# Parameters of environment {name}. Edit the values below; those of the reference environment are filled in.
# A line that begins with # and a key shows the default: remove the # to change it.
# A secret value has no place here, only the name of its secret. Check with: airgap params check --env {name}
"""
_MISREAD = r"[0-9.]+"


def new(name: str) -> str:
    """Return the text of a params file for an environment, with every key; raises ``ParamsError`` on a wrong name."""
    form = FORMS["Intent.environment"]
    if not form.accepts(name):
        what = f"{quoted(name)} is not {form.noun} for an environment; allowed: {form.allowed}"
        raise ParamsError(what, UNCHANGED, "choose another name")
    values = {**REFERENCE, "environment": name, "components": list(components.REFERENCE)}
    return _HEAD.format(name=name) + "\n".join(_section(Intent, values, "")) + "\n"


def _section(kind: Any, values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the lines of a section: for each key its help, then the value, or the default behind a #."""
    for item in dataclasses.fields(kind):
        hint = hints(kind)[item.name]
        if not indent:
            yield ""
        yield from _comment(item.metadata["help"], hint, indent, shown=required(item))
        if is_section(hint):
            yield f"{indent}{item.name}:"
            yield from _section(hint, values.get(item.name, {}), indent + "  ")
        elif required(item):
            yield from _value(item.name, hint, values[item.name], indent)
        else:
            default = item.default if item.default is not dataclasses.MISSING else {}
            yield f"{indent}#{item.name}: {_flow(default)}"


def _comment(said: str, hint: Any, indent: str, shown: bool) -> Iterator[str]:
    """Yield the help of a key, and of the keys of a list's items, save of items that are shown with their own."""
    if get_origin(hint) is Literal:
        said += f" ({', '.join(str(choice) for choice in get_args(hint))})"
    margin = f"{indent}# "
    yield from textwrap.wrap(said, 112, initial_indent=margin, subsequent_indent=margin)
    inner: Any = get_args(hint)[0] if get_origin(hint) is tuple else None
    if is_section(inner) and not (shown and _has_defaults(inner)):
        for item in dataclasses.fields(inner):
            yield f"{margin}- {item.name}: {item.metadata['help']}"


def _value(name: str, hint: Any, value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{indent}{name}: {_flow(value)}"
        return
    yield f"{indent}{name}:"
    for item in value:
        if _has_defaults(get_args(hint)[0]):
            yield from _item(get_args(hint)[0], item, indent + "  ")
        else:
            yield f"{indent}  - {_flow(item)}"


def _item(kind: Any, values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the lines of a section in a list: a dash before its first key, the comments above it beside the dash."""
    lines = list(_section(kind, values, indent + "  "))
    first = next(index for index, line in enumerate(lines) if not line.lstrip().startswith("#"))
    yield from (line[2:] for line in lines[:first])
    yield f"{indent}- {lines[first].lstrip()}"
    yield from lines[first + 1 :]


def _has_defaults(kind: Any) -> bool:
    return is_section(kind) and not all(required(item) for item in dataclasses.fields(kind))


def _flow(value: Any) -> str:
    """Return a value as YAML on one line; text that YAML would read as a number is quoted."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f'"{value}"' if isinstance(value, str) and re.fullmatch(_MISREAD, value) else str(value)
