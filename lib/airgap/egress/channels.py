"""Channels: each way out by which data can leave, decided by its own rule, or unknown with what would decide it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from airgap.egress import copy_ways, door_ways, name_ways, packet_ways
from airgap.egress.facts import Document, Facts
from airgap.egress.prover import PROVEN, REFUTED, UNKNOWN, Missing
from airgap.egress.standing import standing
from airgap.egress.ways import View, Way, at_path, texts
from airgap.model.channels import CHANNELS, Channel
from airgap.model.follow_ups import FOLLOW_UPS, FollowUp
from airgap.model.observation import GLOBAL

RULES: Mapping[str, Callable[[View], Iterator[Way]]] = {
    **packet_ways.RULES,
    **name_ways.RULES,
    **door_ways.RULES,
    **copy_ways.RULES,
}
"""Channel -> its rule; channels without one are decided by routes or by what stands."""
ROUTED: Mapping[str, tuple[str, ...]] = {
    "P1": ("igw-",),
    "P2": ("eigw-",),
    "P3": ("nat-",),
    "P4": ("tgw-",),
    "P5": ("vgw-",),
    "P8": ("pcx-",),
    "P9": ("cagw-",),
    "P10": ("lgw-",),
    "P11": ("core-network",),
    "P12": ("odb-network",),
    "P14": ("eni-", "i-"),
    "P16": ("vpce-",),
    "P19": ("VpcLattice",),
}
"""Channel -> how the targets of routes begin that lead into it."""
WITHOUT_ROUTE = ("P6", "P15", "P17", "P19", "P20", "P21", "P23", "P24", "P26")
"""Channels of packets that leave a subnet by its local route, or without one."""
BY_ABSENCE = frozenset({"D1"})
"""Channels whose ways are open because something is not there: what was not recorded opens none."""
NOT_STATE = frozenset({"cloudtrail:LookupEvents"})
"""Calls that compare two moments; one snapshot has one."""


@dataclass
class Decided:
    """A channel's verdict, the ways out that are open, and what is missing to decide it."""

    channel: Channel
    verdict: str
    ways: list[Way] = field(default_factory=list)
    apart: list[Way] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return the channel as JSON data; ``resource`` is the first that is open."""
        return {
            "channel": self.channel.id,
            "title": self.channel.title,
            "verdict": self.verdict,
            "resource": self.ways[0].resource if self.ways else None,
            "ways": [_way(one) for one in self.ways],
            "missing": [one.needs for one in self.missing],
        }


def _way(one: Way) -> dict[str, Any]:
    return {"resource": one.resource, "what": one.what, "closes": one.closes, "vpc": one.vpc or None,
            "decided": one.decided}  # fmt: skip


def unanswered(facts: Facts, call: str, scope: Iterable[tuple[str, str]]) -> Optional[str]:
    """Return why a call has no whole answer at some account and Region in question, None where it has."""
    given = facts.asked(call)
    broken = next((one for one in given if one.refused), None)
    if broken is not None:
        return broken.refused
    if not given:
        return "it was not asked"
    answered = {(one.account, one.region) for one in given}
    for account, region in sorted(scope):
        if not answered & {(account, region), (account, GLOBAL)}:
            return "it was not asked" + (f" in {region} of {account}" if region else "")
    return _left_out(facts, call)


def _left_out(facts: Facts, call: str) -> Optional[str]:
    """Return for which item of another answer a call was not made, None where it was for each.

    An answer without parameters speaks of what it names; an empty one says that there is nothing at all.
    """
    follows, given = FOLLOW_UPS.get(call), facts.asked(call)
    if follows is None or any(not one.params and not one.body for one in given):
        return None
    made = {made for one in given if one.params for made in _made(one, follows)}
    named = {(one.account, text) for one in given if not one.params for text in texts(one.body)}
    for before in facts.asked(follows.before):
        for item in filter(follows.needed, at_path(before.body, follows.items)):
            values = [str(item if "@" in member else next(at_path(item, member), None)) for _, member in follows.bind]
            if (before.account, *values) not in made and (before.account, values[-1]) not in named:
                return f"it was not asked for {' of '.join(reversed(values))}"
    return None


def _made(one: Document, follows: FollowUp) -> Iterator[tuple[str, ...]]:
    """Yield for which items a call was made; a parameter that takes a list names several at once."""
    values = [one.params.get(name) for name, _ in follows.bind]
    lists = [value if isinstance(value, (list, tuple)) else [value] for value in values]
    for found in itertools.product(*lists):
        yield one.account, *map(str, found)


NETWORKS = ("Vpcs", "Subnets", "RouteTables")


def scope(view: View) -> set[tuple[str, str]]:
    """Return the accounts and Regions in question: where networks were asked for, and what the boundary declares.

    Calls that are made in the partition's home Region alone do not make it one of them.
    """
    facts = view.network.facts
    known = {place for place in facts.places if any(facts.has(one, place) for one in NETWORKS)}
    known |= {(one.account, one.region) for one in facts.asked("ec2:DescribeVpcs")}
    found = known or {place for place in facts.places if place[1] != GLOBAL}
    if not any(region for _, region in found):
        return found
    return found | {(account, region) for account in view.boundary.accounts for region in view.boundary.regions}


def decide(view: View, judged: Callable[[Way], bool]) -> list[Decided]:
    """Return every channel's verdict; ways that do not concern what is judged are kept apart."""
    places, facts = scope(view), view.network.facts
    missing = {call: unanswered(facts, call, places) for one in CHANNELS.values() for call in one.calls}
    return [_decided(one, view, missing, judged) for one in CHANNELS.values()]


def _decided(
    channel: Channel, view: View, missing: Mapping[str, Optional[str]], judged: Callable[[Way], bool]
) -> Decided:
    found = [*standing(channel.id, view), *copy_ways.told(channel.id, view), *copy_ways.opened(channel.id, view)]
    if channel.id in RULES:
        found += RULES[channel.id](view)
    ways = [one for one in found if judged(one)]
    lacking = [
        Missing(f"{channel.id} {channel.title}: {missing[call]}", call)
        for call in channel.calls
        if missing[call] is not None and call not in NOT_STATE
    ]
    if lacking and channel.id in BY_ABSENCE:
        ways = []
    open_ = any(one.decided for one in ways)
    verdict = REFUTED if open_ else UNKNOWN if ways or lacking else PROVEN
    return Decided(channel, verdict, ways, [one for one in found if not judged(one)], lacking)
