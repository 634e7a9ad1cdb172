"""The zero-egress proof as checks: every sealed subnet, and every way out by which its properties are named.

All rest on one proof over every recorded page (``egress/verdict.py``). A pass is *proven*, a failure *refuted* with
its witness, and what the pages do not decide is unknown, with the call that would decide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from airgap.checks.check import Check, Population, Undecided, check
from airgap.checks.scope import label
from airgap.egress.boundary import Boundary, intended
from airgap.egress.channels import WITHOUT_ROUTE, Decided
from airgap.egress.facts import Facts
from airgap.egress.network import Network
from airgap.egress.prover import REFUTED, UNKNOWN, Judged
from airgap.egress.recorded import documents
from airgap.egress.verdict import Proof, prove
from airgap.model.channels import CHANNELS
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent

PACKETS = ("P1", "P2", "P3", "P4", "P8", "P14", "P18", "P25", *WITHOUT_ROUTE)
"""The channels whose pages a subnet's verdict rests on."""
MOST = 3
"""Witnesses that a message names; the proof in the run's folder has them all."""


class Made(NamedTuple):
    """A proof, and the network that it was made over."""

    proof: Proof
    network: Network

    def name(self, subnet: str) -> str:
        """Return the logical key of a subnet that is ours, else its id."""
        return label(self.network.subnet(subnet) or {"SubnetId": subnet}, "SubnetId")


def made(intent: Intent, estate: Estate) -> Made:
    """Return the proof of an estate against the boundary that its intent declares; made once for each estate."""
    found: Made = estate.derive("proof", intent, lambda: _make(intent, estate))
    return found


def _make(intent: Intent, estate: Estate) -> Made:
    rows = (_row(one) for one in estate.observations)
    network = Network(Facts(documents(rows, estate.load)))
    return Made(prove(network, Boundary.from_data(intended(intent))), network)


def _row(one: Any) -> Mapping[str, Any]:
    return {name: getattr(one, name) for name in
            ("account", "region", "call", "params", "number", "last", "status", "code", "time", "page")}  # fmt: skip


def _cite(estate: Estate, channels: Iterable[str]) -> None:
    for call in dict.fromkeys(call for name in channels for call in CHANNELS[name].calls):
        estate.cite(call)


def _subnets(intent: Intent, estate: Estate) -> Population:
    """Return the sealed subnets that are recorded; one that is declared and was not found is in the population too."""
    seen = made(intent, estate)
    found = [(seen.name(one.subnet), one) for one in seen.proof.judged]
    lost = [one for one in seen.proof.missing if one.what.startswith("the sealed subnet")]
    return [*found, *((one.what, one) for one in lost)]


@check(
    "proof-subnets",
    "Proven: no packet of any interface that could stand in this sealed subnet gets past its router to the outside",
    severity="critical",
    properties=("NET-01", "NET-02", "NET-03"),
    reads=(ANY,),
    remedy="close the route or the thing that the witness names; airgap prove RUN shows every hop",
    over=_subnets,
)
def subnets(one: Any, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield the witnesses of a subnet that is refuted; raise what would decide one that is unknown."""
    _cite(estate, PACKETS)
    if not isinstance(one, Judged):
        raise Undecided(f"unknown: {one.what} (needs {one.needs})")
    proof = made(intent, estate).proof
    yield from list(_packets(one, proof))[:MOST]
    if one.verdict == REFUTED and not one.leaks:
        yield from list(dict.fromkeys(_beside(one, proof)))[:MOST]
    if one.verdict == UNKNOWN:
        raise Undecided(_unknown(one.missing or [each for each in proof.missing if each.what[:3].strip() in PACKETS]))


def _packets(one: Judged, proof: Proof) -> Iterator[str]:
    for each in proof.witnesses:
        if one.subnet in each.subnets:
            packet, leak = each.packet, each.leak
            port = "" if packet.port is None else f" port {packet.port}"
            yield (f"refuted: {packet.destination}, protocol {packet.protocol}{port}, by {leak.prefix} of {leak.table} "
                   f"to {leak.target}, {leak.acl} rule {leak.rule}; closes: {each.closes}")  # fmt: skip


def _beside(one: Judged, proof: Proof) -> Iterator[str]:
    for each in proof.channels:
        for way in each.ways if each.channel.id in WITHOUT_ROUTE else ():
            if way.decided and (one.subnet in way.subnets or (not way.subnets and way.vpc == one.vpc)):
                yield f"refuted: {each.channel.id} {way.resource}: {way.what}; closes: {way.closes}"


def _unknown(missing: Iterable[Any]) -> str:
    told = [f"{one.what} (needs {one.needs})" for one in missing]
    more = f"; and {len(told) - MOST} more" if len(told) > MOST else ""
    return f"unknown: {'; '.join(told[:MOST]) or 'the pages do not decide it'}{more}"


FAMILIES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("proof-gateways", "gets out through this gateway or connection", ("NET-01", "NET-02", "NET-11"),
     "P1 P2 P3 P4 P5 P6 P7 P8 P9 P10 P11 P12 P13 P14 P16 P20 P21 P22 P23 P24 P25 P26"),
    ("proof-doors", "of a stranger's is reached through this kind of door", ("NET-08", "NET-09"), "P15 P17 P18 P19 N1"),
    ("proof-names", "is told to strangers by asking for names in this way", ("NET-10",), "D1 D2 D3"),
    ("proof-control-plane", "gets out by way of the cluster's control plane", ("NET-11",), "K1 K2 K3"),
    ("proof-copies", "is copied, shared or relayed to strangers in this way", ("NET-11",),
     "N2 N3 N4 N5 N6 N7 N8 N9 N10 N11 N12 N13 N14"),
)  # fmt: skip
"""Checks over channels: id, what is proven of nothing, the properties that cite it, and its channels."""


def _channels(id_: str, what: str, properties: tuple[str, ...], members: str) -> Check:
    """Return the check over a family of channels, each of which is one of its population."""

    def population(intent: Intent, estate: Estate) -> Population:
        known = {one.channel.id: one for one in made(intent, estate).proof.channels}
        return [(f"{name} {known[name].channel.title}", known[name]) for name in members.split()]

    @check(
        id_,
        f"Proven: nothing {what}",
        severity="critical",
        properties=properties,
        reads=(ANY,),
        remedy="close what is named, or declare it in the params where it is meant to stand",
        over=population,
    )
    def channel(one: Decided, intent: Intent, estate: Estate) -> Iterator[str]:
        """Yield each way out of a channel; raise what would decide one that is unknown."""
        _cite(estate, (one.channel.id,))
        for way in [each for each in one.ways if each.decided][:MOST]:
            yield f"refuted: {way.resource}: {way.what}; closes: {way.closes or 'nothing that is known'}"
        if one.verdict == UNKNOWN:
            open_ = [f"{each.resource}: {each.what}" for each in one.ways][:MOST]
            raise Undecided("; ".join([_unknown(one.missing), *open_]) if one.missing else f"unknown: {open_[0]}")

    return channel


gateways, doors, names, control_plane, copies = (_channels(*one) for one in FAMILIES)
CHECKS = (subnets, gateways, doors, names, control_plane, copies)
