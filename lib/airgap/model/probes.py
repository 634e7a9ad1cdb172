"""Live probes: what came of each, what it says, and which judgement it is for.

A probe that must be refused has a positive control from the same place: another that must be answered and that goes
by the same instrument. Without it nothing is shown, since a broken instrument is refused everything.
What is probed from where is in ``probe_list``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

CALL = "probe:Network"
"""The observation of a transcript of probes; its method is TEST."""
SCHEMA = "airgap/probes/v1"
REFUSED, ANSWERED = "refused", "answered"
KINDS = {"unreachable": "the network says so", "dropped": "nothing came back", "refused": "turned away by policy"}
"""How a probe fails: the words of the instrument, and what they mean."""
SKIPPED = "skipped"
"""The outcome of a probe that was not made, since what it needs is not there; its detail says what."""
FRESH = 86_400
"""Seconds for which a transcript speaks of what it tried."""
NETWORK, METADATA, BUCKET = "network", "metadata", "bucket"
DATABASE, CACHE, ENTRY, REGISTRY = "database", "cache", "entry", "registry"
RIGHTS, VECTORS, ROTATION, RESTORE, WORKLOAD = "rights", "vectors", "rotation", "restore", "workload"
"""What a probe is about; one that does not say is about the network."""
COMPONENT = "lab://"
"""What hosts begin with that are components of the lab: they stand in no network of the record."""
_BARE = ("tcp", "icmp")
"""Kinds that only ask whether somebody is there: of these a reset is an answer."""


def about(answer: Mapping[str, Any]) -> str:
    """Return what a probe is about."""
    return str(answer.get("about") or NETWORK)


def of_host(transcript: Mapping[str, Any], host: Mapping[str, Any], member: str) -> Any:
    """Return what a host's own record says of time, place or VPCs, else what the whole transcript says."""
    return host.get(member, transcript.get(member))


def told(answer: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return (status, sentence) of one probe beside the others of its place: ``pass``, ``fail`` or ``unknown``.

    A reset is an answer: somebody outside was reached. A resolver that says no has refused.
    """
    name, outcome, detail = str(answer["name"]), str(answer["outcome"]), str(answer.get("detail", ""))
    said = f"{name} was {outcome}" + (f" ({detail})" if detail else "")
    if outcome == SKIPPED:
        return "unknown", said
    if answer["wants"] == ANSWERED:
        return ("pass", said) if outcome == ANSWERED else ("fail", f"{said}; it must be answered")
    reset = outcome == "refused" and answer["kind"] in _BARE
    if outcome == ANSWERED or reset:
        return "fail", f"{said}; it must be refused"
    control = others.get(str(answer.get("control")))
    if outcome not in KINDS:
        return "unknown", f"{said}: it could not be tried"
    if control is None or control["outcome"] != ANSWERED:
        how = "is missing" if control is None else f"was {control['outcome']}"
        return "unknown", f"{said}, which shows nothing: its positive control {answer.get('control') or ''} {how}"
    return "pass", f"{said}: {KINDS[outcome]}; its control {control['name']} was answered"


def shows(place: str, world: str) -> Optional[str]:
    """Return why a transcript of a place says nothing of a world, None where it does."""
    if world == "aws" and place != "aws":
        return f"the probes were made in a {place}, which shows nothing of an account"
    return None
