"""What the topology shows, gathered before it is drawn, and the same in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airgap.checks.proof import made
from airgap.model.finding import FAIL, UNKNOWN
from airgap.views import surroundings
from airgap.views.look import Look, attempt
from airgap.views.places import TIERS, Place, places, vpc
from airgap.views.surroundings import Door, Exit, Front, Guard
from airgap.views.table import LATER


class Path(NamedTuple):
    """A way out of a sealed subnet that the proof has found: the subnet, one packet's destination, what it passes."""

    subnet: str
    destination: str
    passes: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """Everything that the drawing shows, before it is drawn."""

    look: Look
    vpc: dict[str, Any] | None
    places: list[Place]
    exits: list[Exit]
    guards: list[Guard]
    doors: list[Door]
    nat: dict[str, str]
    unread: list[str]
    unseen: bool = False
    paths: list[Path] = field(default_factory=list)
    fronts: list[Front] = field(default_factory=list)

    @property
    def later(self) -> str:
        """What stands for an id that is not there: it comes with apply, unless it could not even be looked for."""
        return "not read" if self.unseen else LATER.word

    @property
    def zones(self) -> list[str]:
        """The zones, left to right."""
        return sorted({place.zone for place in self.places})

    @property
    def tiers(self) -> list[str]:
        """The tiers that have a subnet, top to bottom."""
        return [tier for tier in TIERS if any(place.tier == tier for place in self.places)]

    @property
    def interfaces(self) -> list[Door]:
        """The endpoints with an interface in each zone."""
        return [door for door in self.doors if door.kind == "interface"]

    def status(self, names: Iterable[str]) -> str:
        """Return fail or unknown where a finding says so of any of these names, else nothing."""
        wanted = set(names)
        told = {one.status for one in self.look.findings if one.resource in wanted}
        return FAIL if FAIL in told else UNKNOWN if UNKNOWN in told else ""


def scene(look: Look) -> Scene:
    """Gather what is drawn; pages that were not read leave their reason."""
    ours, no_vpc = attempt(lambda: vpc(look))
    listed, no_subnets = attempt(lambda: places(look), None)
    if listed is None:
        listed = places(look, found={})
    found, unread = surroundings.exits(look, ours)
    doors = surroundings.doors(look, ours, listed)
    nat = surroundings.nat_gateways(look, ours, listed)
    fronts, no_fronts = surroundings.fronts(look, ours, listed)
    unread = [no_vpc, no_subnets, *unread, no_fronts, *(door.unread for door in doors)]
    reasons = list(dict.fromkeys(one for one in unread if one))
    guards = surroundings.guards(look, ours)
    return Scene(look, ours, listed, found, guards, doors, nat, reasons, bool(no_vpc), paths(look), fronts)


def paths(look: Look) -> list[Path]:
    """Return the ways out of refuted subnets, one packet each, as the walker took them."""
    found = []
    for one in made(look.intent, look.estate).proof.witnesses:
        hops = [hop["at"] for hop in one.trace.hops]
        passes = tuple(dict.fromkeys([*hops, one.leak.target, *one.trace.boundary, one.trace.at]))
        found += [Path(subnet, str(one.packet.destination), passes) for subnet in one.subnets]
    return found


def words(shown: Scene) -> str:
    """Say in words what the drawing shows."""
    intent = shown.look.intent
    vpc_id = shown.vpc["VpcId"] if shown.vpc else shown.later
    lines = [f"VPC {vpc_id}, {intent.network.vpc_cidr}, in {intent.region}."]
    lines += [f"{guard.title}: {guard.value}." for guard in shown.guards]
    lines += [
        f"Exit: {one.title} {one.id or shown.later}{_unless(one.declared, ', not declared')}." for one in shown.exits
    ]
    lines += [_place(shown, place) for place in shown.places]
    lines += [
        f"Load balancer {one.name}, {one.scheme}{_unless(one.declared, ', not declared')}: "
        f"{', '.join(sorted(one.places)) if one.there else shown.later}."
        for one in shown.fronts
    ]
    lines += [f"Way out: {one.subnet} reaches {one.destination} by {', '.join(one.passes)}." for one in shown.paths]
    lines += [
        f"Endpoint {door.service}: {_stands(shown, door)}{_unless(door.wanted, ', surplus')}." for door in shown.doors
    ]
    bad = [one for one in shown.look.findings if one.status in (FAIL, UNKNOWN)]
    lines += [f"{one.status}: {one.resource}: {one.message}" for one in bad]
    return "\n".join([*lines, *(f"Not read: {reason}." for reason in shown.unread)])


def _place(shown: Scene, place: Place) -> str:
    tier = "sealed" if place.tier == "private" else place.tier
    leads, fine, _ = surroundings.ways(shown.look, place, shown.doors)
    routes = ", ".join(leads) + _unless(fine is not False, " (beyond its tier)")
    nat = f"; NAT gateway {shown.nat[place.name] or shown.later}" if place.name in shown.nat else ""
    found = place.id or shown.later
    return f"{place.zone}: {tier} subnet {place.name}, {place.cidr}, {found}; routes: {routes}{nat}."


def _stands(shown: Scene, door: Door) -> str:
    if not door.there:
        return "not read" if door.unread else shown.later
    return f"{door.tables} route tables" if door.kind == "gateway" else ", ".join(sorted(door.zones)) or "in no zone"


def _unless(fine: bool, said: str) -> str:
    return "" if fine else said
