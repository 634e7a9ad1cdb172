"""The topology as one drawing: zones, tiers, doors, exits and guards, with findings on the element concerned."""

from __future__ import annotations

from collections.abc import Iterable

from airgap.model.finding import FAIL, UNKNOWN
from airgap.views import surroundings
from airgap.views.drawing import AMBER, BLUE, GREEN, RED, Canvas, length
from airgap.views.look import Look
from airgap.views.places import Place
from airgap.views.scene import Scene, scene, words
from airgap.views.style import GROUND, INK, QUIET, RULE, TONES
from airgap.views.surroundings import Door, Exit, Front
from airgap.views.table import Picture

READS = (
    *surroundings.READS,
    "ec2:DescribeNetworkAcls",
    "ec2:DescribePrefixLists",
    "ec2:DescribeManagedPrefixLists",
    "ec2:GetManagedPrefixListEntries",
)
"""What is drawn, and what the proof of the sealed subnets' routes and filters rests on beside it."""

GUTTER, GAP, PAD = 198, 16, 14
ROW = 19
"""Height of one endpoint's row."""
HEIGHTS = {"public": 109, "ingress": 84, "private": 94}
FRONT = 27
"""Height of one load balancer's row in a subnet."""
FILLS = {"public": ("#eef4fd", BLUE), "ingress": ("#f5f1fa", "#5b3f8c"), "private": ("#f4f6f8", INK)}
TONE_SIGNS = {"good": "✓", "bad": "✗", "unknown": "?", "quiet": "…"}
SIGNS = {FAIL: ("✗", RED), UNKNOWN: ("?", AMBER)}


def topology(look: Look) -> Picture:
    """Return the drawing of the environment's network with its plain words."""
    shown = scene(look)
    said = words(shown)
    return Picture(Drawing(shown).svg(said), said)


class Drawing:
    """One drawing: its measures, and the strokes of its parts."""

    def __init__(self, shown: Scene) -> None:
        self.shown, self.canvas = shown, Canvas()
        self.spots: dict[str, tuple[float, float]] = {}
        self.column = max(224.0, min(340.0, 760 / max(1, len(shown.zones))))
        self.width = 32 + GUTTER + max(len(shown.zones) * (self.column + GAP), self._span()) + PAD
        self.top = 132.0 if shown.exits else 76.0
        # Two subnets of one tier in one zone stand below each other.
        self.deep = {tier: max(self._members(tier, zone) for zone in shown.zones) for tier in shown.tiers}

    def _members(self, tier: str, zone: str) -> int:
        return sum(1 for one in self.shown.places if one.tier == tier and one.zone == zone)

    def _height(self, tier: str) -> float:
        doors = ROW * len(self.shown.interfaces) + 16 if tier == "private" and self.shown.interfaces else 0
        return HEIGHTS[tier] + self._fronts(tier) + doors

    def _fronts(self, tier: str) -> int:
        """The height of the load balancers that stand in a tier: as many rows as the fullest of its subnets has."""
        members = [one.name for one in self.shown.places if one.tier == tier]
        return FRONT * max((sum(name in one.places for one in self.shown.fronts) for name in members), default=0)

    def svg(self, said: str) -> str:
        """Draw everything from the outside in and return the SVG."""
        rows_top = self.top + 100
        tall = sum(self._height(tier) + (self.deep[tier] - 1) * (HEIGHTS[tier] + 10) + 14 for tier in self.shown.tiers)
        bottom = rows_top + tall + 26
        self._heading()
        self.canvas.rect(16, self.top, self.width - 32, bottom - self.top, stroke=INK, width=2, radius=12)
        whole = {"vpc:main", self.shown.vpc["VpcId"] if self.shown.vpc else "vpc:main"}
        self._ring(whole, 16, self.top, self.width - 32, bottom - self.top)
        self._exits()
        self._guards()
        self._zones(rows_top, bottom)
        y = rows_top
        for tier in self.shown.tiers:
            self._tier(tier, y)
            y += self._height(tier) + (self.deep[tier] - 1) * (HEIGHTS[tier] + 10) + 14
        self._gateways(bottom)
        self._ways_out()
        self._legend(bottom + 44)
        name = f"Topology of {self.shown.look.intent.environment}"
        return self.canvas.svg(self.width, bottom + 62 + 16 * len(self.shown.unread), name, said)

    def _heading(self) -> None:
        intent, ours = self.shown.look.intent, self.shown.vpc
        self.canvas.text(16, 26, f"{intent.environment} · {intent.region}", size=17, bold=True)
        name = ours["VpcId"] if ours else self.shown.later
        self.canvas.text(16, 46, f"VPC {name} · {intent.network.vpc_cidr} · {intent.world}", size=12, fill=QUIET)

    def _span(self) -> float:
        return 16 + sum(_wide(one) + 24 for one in self.shown.exits)

    def _exits(self) -> None:
        x = 16.0 + GUTTER + 16
        for one in self.shown.exits:
            colour = BLUE if one.declared else RED
            wide = _wide(one)
            middle, top = x + wide / 2, self.top
            where = "internet" if "internet" in one.title or "egress" in one.title else "outside"
            self.canvas.text(middle, top - 44, where, size=12, anchor="middle", fill=colour, bold=True)
            self.canvas.line(middle, top - 38, middle, top - 18, stroke=colour, width=2)
            self.canvas.rect(x, top - 18, wide, 36, stroke=colour, width=1.8, dashed=not one.id)
            self.canvas.text(middle, top - 2, one.title, size=12, anchor="middle", bold=True, fill=colour)
            self.canvas.text(middle, top + 12, one.id or self.shown.later, size=10, anchor="middle", fill=QUIET)
            self._ring(one.names, x, top - 18, wide, 36, beyond=not one.declared)
            self.spots[one.id] = middle, top + 18
            x += wide + 24

    def _ways_out(self) -> None:
        """Draw in red how packets of a refuted subnet leave: through what is drawn of their path, else upwards."""
        for number, one in enumerate(self.shown.paths):
            start = self.spots.get(one.subnet)
            if start is None:
                continue
            drawn = [self.spots[name] for name in one.passes if name in self.spots and name != one.subnet]
            x, y = start[0] - 14 * number, start[1]
            self.canvas.dot(x, y, fill=RED)
            for left, top in drawn or [(x, self.top - 30)]:
                self.canvas.line(x, y, left, top, stroke=RED, width=3)
                x, y = left, top
            self.canvas.dot(x, y, radius=6, fill=RED)

    def _guards(self) -> None:
        x = 32.0
        for one in self.shown.guards:
            behind = {each.resource for each in self.shown.look.findings if each.resource.startswith(one.kinds)}
            tone = {FAIL: "bad", UNKNOWN: "unknown"}.get(self.shown.status(behind), one.tone)
            x += self.canvas.chip(x, self.top + 30, one.title, f"{TONE_SIGNS[tone]} {one.value}", TONES[tone][0]) + 10

    def _x(self, zone: str) -> float:
        return 16 + GUTTER + self.shown.zones.index(zone) * (self.column + GAP)

    def _zones(self, top: float, bottom: float) -> None:
        for zone in self.shown.zones:
            x = self._x(zone)
            self.canvas.rect(
                x, top - 26, self.column, bottom - top, fill="none", stroke="#9aa4b2", dashed=True, radius=8
            )
            self.canvas.rect(x + 10, top - 34, length(zone, 12) + 14, 17, stroke=GROUND)
            self.canvas.text(x + 16, top - 22, zone, size=12, fill=QUIET, bold=True)

    def _tier(self, tier: str, top: float) -> None:
        title = {"public": "public tier", "ingress": "ingress tier", "private": "sealed tier"}[tier]
        self.canvas.text(32, top + 22, title, size=13, bold=True, fill=FILLS[tier][1])
        note = {"private": "no route out", "public": self.shown.look.intent.network.public_tier, "ingress": "internal"}
        self.canvas.text(32, top + 39, note[tier], size=11, fill=QUIET)
        tall = self._height(tier)
        for zone in self.shown.zones:
            members = [one for one in self.shown.places if one.tier == tier and one.zone == zone]
            for number, place in enumerate(members):
                low = top if number == 0 else top + tall + 10 + (number - 1) * (HEIGHTS[tier] + 10)
                self._subnet(place, self._x(zone) + 10, low, self.column - 20, tall if number == 0 else HEIGHTS[tier])
        if tier == "private":
            self._doors(top + HEIGHTS["private"] + self._fronts(tier) + 4)

    def _subnet(self, place: Place, x: float, y: float, wide: float, tall: float) -> None:
        fill, stroke = FILLS[place.tier]
        sealed = place.tier == "private"
        leads, fine, names = surroundings.ways(self.shown.look, place, self.shown.doors)
        colour = {True: INK, False: RED, None: AMBER}[fine]
        self.canvas.rect(x, y, wide, tall, fill=fill, stroke=stroke, width=3 if sealed else 1.3, dashed=not place.live)
        self.canvas.text(x + 12, y + 21, place.name, size=13, bold=True, width=wide - 50)
        if sealed:
            self.canvas.lock(x + wide - 25, y + 9, stroke=colour, closed=bool(fine))
        self.canvas.text(x + 12, y + 38, place.cidr, size=11, fill=QUIET, width=wide - 24)
        self.canvas.text(x + 12, y + 54, place.id or self.shown.later, size=11, fill=QUIET, width=wide - 24)
        self.canvas.text(x + 12, y + 71, f"→ {', '.join(leads)}", size=11, fill=colour, width=wide - 24)
        low = y + 79
        for front in (one for one in self.shown.fronts if place.name in one.places):
            self._front(front, x + 12, low, min(wide - 24, 236))
            low += FRONT
        if place.name in self.shown.nat:
            self._nat(place.name, x + 12, low, min(wide - 24, 236))
        self.spots[place.id] = x + wide - 46, y + 16
        called = {place.id, f"subnet:{place.name}", f"network-acl:{place.tier}", *names} - {""}
        self._ring(called, x, y, wide, tall, beyond=not place.declared or fine is False)

    def _front(self, one: Front, x: float, y: float, wide: float) -> None:
        colour = BLUE if one.declared else RED
        self.canvas.rect(x, y, wide, 21, stroke=colour, width=1.6, dashed=not one.there, radius=5)
        said = f"load balancer {one.name if one.there else self.shown.later}"
        self.canvas.text(x + 8, y + 14.5, said, size=10.5, bold=True, fill=colour, width=wide - 12)
        self._ring(one.names, x, y, wide, 21, beyond=not one.declared)

    def _nat(self, place: str, x: float, y: float, wide: float) -> None:
        name = self.shown.nat[place]
        self.canvas.rect(x, y, wide, 21, stroke=BLUE, dashed=not name, radius=5)
        self.canvas.text(x + 8, y + 14.5, f"NAT {name or self.shown.later}", size=10.5, fill=BLUE, width=wide - 12)
        self._ring({name, f"nat-gateway:{place}"}, x, y, wide, 21)
        self.spots[name] = x + wide - 20, y + 10

    def _doors(self, top: float) -> None:
        if self.shown.interfaces:
            self.canvas.text(GUTTER + 4, top - 6, "interface endpoints", size=11, anchor="end", fill=QUIET, bold=True)
        right = self._x(self.shown.zones[-1]) + self.column - 10
        for number, door in enumerate(self.shown.interfaces):
            y = top + number * ROW + 9
            status = self.shown.status(door.names) or ("" if door.wanted else FAIL)
            sign, colour = SIGNS.get(status, ("", INK))
            self.canvas.text(
                GUTTER + 4,
                y + 4,
                f"{sign} {door.service}".strip(),
                size=11,
                anchor="end",
                fill=colour,
                width=GUTTER - 24,
            )
            self.canvas.line(GUTTER + 12, y, right - 14, y, stroke=colour if status else RULE)
            for zone in self.shown.zones:
                self._stand(door, zone, self._x(zone) + self.column / 2, y)

    def _stand(self, door: Door, zone: str, x: float, y: float) -> None:
        if zone in door.zones:
            self.canvas.dot(x, y)
        elif door.there and door.wanted:
            self.canvas.dot(x, y, radius=7, fill=GROUND)
            self.canvas.cross(x, y)
        elif door.wanted:
            self.canvas.dot(x, y, fill=GROUND, stroke=AMBER if door.unread else QUIET)

    def _gateways(self, bottom: float) -> None:
        x = 16.0 + GUTTER + 16
        for door in (one for one in self.shown.doors if one.kind == "gateway"):
            said = f"{door.tables} route tables" if door.there else "not read" if door.unread else self.shown.later
            text = f"{door.service} gateway endpoint · {said}"
            wide = length(text, 11) + 22
            colour = GREEN if door.there and door.wanted else QUIET if door.wanted else RED
            self.canvas.rect(x, bottom - 13, wide, 26, stroke=colour, width=1.6, dashed=not door.there)
            self.canvas.text(x + wide / 2, bottom + 4, text, size=11, anchor="middle", fill=colour, bold=True)
            self._ring(door.names, x, bottom - 13, wide, 26, beyond=not door.wanted)
            x += wide + 18

    def _ring(
        self, names: Iterable[str], x: float, y: float, wide: float, tall: float, *, beyond: bool = False
    ) -> None:
        status = self.shown.status(names) or (FAIL if beyond else "")
        if status:
            sign, colour = SIGNS[status]
            self.canvas.rect(x - 4, y - 4, wide + 8, tall + 8, fill="none", stroke=colour, width=2.5, radius=9)
            self.canvas.badge(x + wide + 2, y - 2, sign, colour)

    def _legend(self, y: float) -> None:
        x = 20.0
        self.canvas.lock(x, y - 11)
        x = self._key(x + 18, y, "sealed: no route out of the VPC")
        self.canvas.dot(x, y - 4)
        x = self._key(x + 10, y, "endpoint interface")
        self.canvas.dot(x, y - 4, fill=GROUND, stroke=QUIET)
        x = self._key(x + 10, y, "not there yet")
        self.canvas.badge(x, y - 4, "✗", RED)
        x = self._key(x + 14, y, "finding")
        if self.shown.paths:
            self.canvas.line(x, y - 4, x + 18, y - 4, stroke=RED, width=3)
            x = self._key(x + 24, y, "a way out")
        self.canvas.badge(x, y - 4, "?", AMBER)
        self._key(x + 14, y, "not known")
        for number, reason in enumerate(self.shown.unread, 1):
            self.canvas.text(
                20, y + 4 + 16 * number, f"? not read: {reason}", size=11, fill=AMBER, width=self.width - 40
            )

    def _key(self, x: float, y: float, words: str) -> float:
        self.canvas.text(x, y, words, size=11, fill=QUIET)
        return x + length(words, 11) + 22


def _wide(one: Exit) -> float:
    """The width of an exit's box."""
    return max(length(one.title, 12), length(one.id, 10)) + 28
