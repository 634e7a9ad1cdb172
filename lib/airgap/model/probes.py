"""Live probes: what is tried from inside, what must come of each, and what its answer says.

A probe that must be refused has a positive control from the same place: another that must be answered and that goes
by the same instrument. Without it nothing is shown, since a broken instrument is refused everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from airgap.model.components import kind
from airgap.model.derived import endpoint_services
from airgap.model.intent import Intent

CALL = "probe:Network"
"""The observation of a transcript of probes; its method is TEST."""
SCHEMA = "airgap/probes/v1"
REFUSED, ANSWERED = "refused", "answered"
KINDS = {"unreachable": "the network says so", "dropped": "nothing came back", "refused": "turned away by policy"}
"""How a probe fails: the words of the instrument, and what they mean."""
FRESH = 86_400
"""Seconds for which a transcript speaks of the network."""
ABROAD = {4: "1.1.1.1", 6: "2606:4700:4700::1111"}
RESOLVER = "8.8.8.8"
STRANGER = "example.com"
"""Addresses and a name of the world outside that answer everybody: a refusal is the network's."""


def probes_of(intent: Intent) -> list[dict[str, Any]]:
    """Return every probe of an environment, controls first; ``wants`` says what must come of it."""
    names = _endpoint_names(intent)
    first = names[0] if names else ""
    found: list[dict[str, Any]] = [_probe(f"endpoint-{name}", "tcp", ANSWERED, to=name, port=443) for name in names]
    found.append(_probe("resolver-own-name", "dns", ANSWERED, ask=first))
    by_connection, by_name = f"endpoint-{first}", "resolver-own-name"
    found += [
        _probe("internet-tcp", "tcp", REFUSED, by_connection, to=ABROAD[4], port=443),
        _probe("internet-tcp-plain", "tcp", REFUSED, by_connection, to=ABROAD[4], port=80),
        _probe("internet-ssh", "tcp", REFUSED, by_connection, to=ABROAD[4], port=22),
        _probe("internet-tcp-ipv6", "tcp", REFUSED, "loopback-ipv6", to=ABROAD[6], port=443),
        _probe("internet-icmp", "icmp", REFUSED, "loopback-icmp", to=ABROAD[4]),
        _probe("foreign-resolver", "udp", REFUSED, by_name, to=RESOLVER, port=53, ask=STRANGER),
        _probe("resolver-foreign-name", "dns", REFUSED, by_name, ask=STRANGER),
        _probe("loopback-icmp", "icmp", ANSWERED, to="127.0.0.1"),
        _probe("loopback-ipv6", "icmp", ANSWERED, to="::1"),
    ]
    return sorted(found, key=lambda one: (one["wants"] != ANSWERED, one["name"]))


def _probe(name: str, kind: str, wants: str, control: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "wants": wants, "control": control, **more}


def _endpoint_names(intent: Intent) -> list[str]:
    """Return the names at which the interface endpoints of an environment answer inside it."""
    suffix = "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"
    own = {"ecr.api": "api.ecr", "ecr.dkr": f"{intent.account}.dkr.ecr", "oidc-eks": "oidc.eks"}
    services = sorted(one for one in endpoint_services(intent) if kind(one) == "interface")
    return [f"{own.get(one, one)}.{intent.region}.{suffix}" for one in services]


def told(answer: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return (status, sentence) of one probe beside the others of its place: ``pass``, ``fail`` or ``unknown``.

    A reset is an answer: somebody outside was reached. A resolver that says no has refused.
    """
    name, outcome, detail = str(answer["name"]), str(answer["outcome"]), str(answer.get("detail", ""))
    said = f"{name} was {outcome}" + (f" ({detail})" if detail else "")
    if answer["wants"] == ANSWERED:
        return ("pass", said) if outcome == ANSWERED else ("fail", f"{said}; it must be answered")
    reset = outcome == "refused" and answer["kind"] in ("tcp", "icmp")
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
