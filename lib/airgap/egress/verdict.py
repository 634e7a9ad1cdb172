"""The proof as a whole: subnets at packet level, channels, what is missing, and apart from them all the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from airgap.egress.boundary import Boundary
from airgap.egress.channels import ROUTED, WITHOUT_ROUTE, Decided, decide
from airgap.egress.network import Network, subnet_ranges
from airgap.egress.prover import PROVEN, REFUTED, UNKNOWN, Judged, Missing, Prover
from airgap.egress.relay import Relay, relays
from airgap.egress.residual import residual
from airgap.egress.ways import View, Way
from airgap.egress.witness import Witness, witnesses
from airgap.errors import UsageError

SCHEMA = "airgap/proof/v1"
SUBNETS = "ec2:DescribeSubnets"
EXIT_CODES = {PROVEN: 0, REFUTED: 3, UNKNOWN: 4}


@dataclass(frozen=True)
class Proof:
    """What was judged and how: the judged subnets, the others, the channels, the witnesses, and what is missing."""

    verdict: str
    vpcs: dict[str, str]
    judged: list[Judged]
    others: list[Judged]
    channels: list[Decided]
    witnesses: list[Witness]
    relayed: list[Relay]
    missing: list[Missing]
    residual: list[str]
    named: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 proven, 3 refuted, 4 unknown."""
        return EXIT_CODES[self.verdict]

    def as_data(self) -> dict[str, Any]:
        """Return the proof as JSON data."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "vpcs": [{"vpc": vpc, "verdict": verdict, "subnets": self._subnets(vpc, self.judged)}
                     for vpc, verdict in self.vpcs.items()],
            "channels": [one.as_data() for one in self.channels],
            "witnesses": [one.as_data() for one in self.witnesses],
            "unknowns": [one._asdict() for one in self.missing],
            "relay": [{"subnet": one.subnet, "path": list(one.path)} for one in self.relayed],
            "residual": self.residual,
            "apart": {
                "subnets": [row for vpc in sorted({one.vpc for one in self.others})
                            for row in self._subnets(vpc, self.others)],
                "ways": [{"channel": one.channel.id, "resource": way.resource, "what": way.what}
                         for one in self.channels for way in one.apart],
            },
        }  # fmt: skip

    def _subnets(self, vpc: str, among: Sequence[Judged]) -> list[dict[str, Any]]:
        relayed = {one.subnet for one in self.relayed}
        return [
            {
                "subnet": one.subnet,
                "vpc": one.vpc,
                "verdict": one.verdict,
                "relay": REFUTED if one.subnet in relayed or one.leaks else one.verdict,
                "exits": sorted({leak.target for leak in one.leaks}),
                "closed_only_by": one.closed_by,
            }
            for one in among
            if one.vpc == vpc
        ]


def prove(network: Network, boundary: Boundary, vpcs: Sequence[str] = ()) -> Proof:
    """Judge an estate against a boundary; ``vpcs`` limits it to these VPCs, an unknown one raises ``UsageError``."""
    unknown = [one for one in vpcs if network.vpc(one) is None]
    if unknown:
        raise UsageError(f"{', '.join(unknown)} is not recorded", "anything", "name VPCs of the estate")
    every = list(Prover(network, boundary).subnets())
    named = tuple(vpcs) or boundary.vpcs(network)
    among = [one for one in network.facts.items("Subnets") if not named or one["VpcId"] in named]
    mine = boundary.judged(among)
    judged, others = [one for one in every if one.subnet in mine], [one for one in every if one.subnet not in mine]
    names = {one.vpc for one in judged}
    view = View(network, boundary, _own(network, boundary))
    channels = decide(view, lambda way: _concerns(way, mine, names))
    packets = _packet_verdicts(judged)
    for channel in channels:
        _routes(channel, judged)
        if channel.channel.id in WITHOUT_ROUTE:
            for one in judged:
                _beside_routes(one, channel)
    missing = _unique([*_absent(network, boundary, judged, vpcs), *_lacking(judged, channels)])
    seen = sorted(names | (set(vpcs) if vpcs else set() if boundary.sealed else _vpcs(network)))
    verdicts = {vpc: _worst([one.verdict for one in judged if one.vpc == vpc]) for vpc in seen}
    whole = _worst([*verdicts.values(), *(one.verdict for one in channels)])
    whole = UNKNOWN if whole == PROVEN and missing else whole
    return Proof(
        whole, verdicts, judged, others, channels, list(witnesses(network, judged)),
        [one for one in relays(network, packets + others) if one.subnet in mine], missing,
        list(residual(view)), named,
    )  # fmt: skip


def _packet_verdicts(judged: Iterable[Judged]) -> list[Judged]:
    return [Judged(one.subnet, one.vpc, one.verdict) for one in judged]


def _own(network: Network, boundary: Boundary) -> frozenset[str]:
    """Return whose accounts are ours: the boundary's, else those that were asked, else the VPCs' owners."""
    asked = {account for account, _ in network.facts.places if account}
    owners = {str(one["OwnerId"]) for one in network.facts.items("Vpcs") if one.get("OwnerId")}
    return frozenset(boundary.accounts or asked or owners)


def _vpcs(network: Network) -> set[str]:
    return {str(one["VpcId"]) for one in network.facts.items("Vpcs")}


def _concerns(way: Way, subnets: set[str], vpcs: set[str]) -> bool:
    if way.subnets:
        return any(one in subnets for one in way.subnets)
    return not way.vpc or way.vpc in vpcs


def _routes(channel: Decided, judged: Iterable[Judged]) -> None:
    """A channel that routes lead into is refuted by the leaks that take it."""
    starts = ROUTED.get(channel.channel.id, ())
    leaks = {leak.target for one in judged for leak in one.leaks}
    # The target of a route may be an ARN, in any partition: what counts is how its last part begins.
    found = [one for one in leaks if one.rpartition(":")[2].startswith(starts)] if starts else []
    for one in sorted(found):
        channel.ways.append(Way(one, "a route and a network ACL let packets out", f"delete the routes to {one}"))
        channel.verdict = REFUTED


def _beside_routes(one: Judged, channel: Decided) -> None:
    """A way without a route refutes the subnets where it stands; one of no known place leaves none proven."""
    mine = [way for way in channel.ways if _concerns(way, {one.subnet}, {one.vpc})]
    if any(way.decided and (way.vpc or way.subnets) for way in mine):
        one.verdict = REFUTED
    elif (mine or channel.missing) and one.verdict == PROVEN:
        one.verdict = UNKNOWN


def _absent(network: Network, boundary: Boundary, judged: Sequence[Judged], vpcs: Sequence[str]) -> list[Missing]:
    """Return what should have been judged and is not in the pages."""
    found = {str(each) for one in judged for each in subnet_ranges(network.subnet(one.subnet) or {})}
    gone = [] if vpcs else [one for one in boundary.sealed if one not in found]
    asked = network.facts.asked(SUBNETS)
    needs = SUBNETS if not asked or any(one.refused for one in asked) else "the subnet itself, which is not there"
    missing = [Missing(f"the sealed subnet {one}", needs) for one in gone]
    if not judged:
        missing.append(Missing("any subnet to judge", needs))
    return missing


def _lacking(judged: Iterable[Judged], channels: Iterable[Decided]) -> list[Missing]:
    undecided = [
        Missing(f"{one.channel.id}: whether {way.resource} is a way out ({way.what})", "a person's judgement")
        for one in channels
        for way in one.ways
        if not way.decided
    ]
    return [
        *(each for one in judged for each in one.missing),
        *(each for one in channels for each in one.missing),
        *undecided,
    ]


def _unique(found: Iterable[Missing]) -> list[Missing]:
    return list(dict.fromkeys(found))


def _worst(verdicts: Iterable[str]) -> str:
    """Return refuted before unknown before proven; of nothing, unknown."""
    found = set(verdicts)
    return REFUTED if REFUTED in found else PROVEN if found == {PROVEN} else UNKNOWN
