"""The two networks of a delivery, drawn: the one with internet, the one without, and the few ways between them."""

from __future__ import annotations

from typing import NamedTuple

from airgap.model import delivery
from airgap.model.intent import Intent
from airgap.model.mirror import registry
from airgap.views.drawing import BLUE, GREEN, RED, Canvas, length
from airgap.views.look import Look
from airgap.views.style import INK, QUIET
from airgap.views.table import Picture

LEFT, RIGHT, TOP = 24, 640, 78
"""Left edges of the two networks, and the top of their boxes, in the drawing's units."""
WIDE, TALL, STEP = 340, 52, 76
"""A box's size, and the distance from one to the next below it."""


class Box(NamedTuple):
    """One thing of a network: its title, and what it is."""

    title: str
    said: str


class Way(NamedTuple):
    """One way between the networks, at the height of a box: what passes, and by what."""

    row: int
    what: str
    by: str


def networks(look: Look) -> Picture:
    """Return the drawing of the chosen variant's two networks with its plain words."""
    outside, inside, ways = _outside(look.intent), _inside(look.intent), _ways(look.intent)
    said = _words(look.intent, outside, inside, ways)
    return Picture(_Drawing(look.intent, outside, inside, ways).svg(said), said)


def _outside(intent: Intent) -> list[Box]:
    control = {
        delivery.SSM_RUNNER: Box("Somebody who may deploy", "a person, or a CI job: starts a document by digest"),
        delivery.CODEPIPELINE: Box("Somebody who may approve", "puts a release into the bucket, and says so"),
        delivery.GHES: Box("Nobody", "the server that gives out work is inside"),
    }[intent.pipeline.variant]
    return [
        Box("Source", "push to a repository"),
        Box("CI builds", "image, SBOM, signature"),
        Box("airgap mirror lock", "every digest, reviewed and kept in git"),
        control,
    ]


def _inside(intent: Intent) -> list[Box]:
    prefix = intent.name
    runs = {
        delivery.SSM_RUNNER: Box(prefix("runner"), f"document {prefix('deploy')} as {intent.identity.deploy_role}"),
        delivery.CODEPIPELINE: Box(
            "CodeBuild in the VPC", f"build {prefix('deploy')} as {intent.identity.deploy_role}"
        ),
        delivery.GHES: Box(prefix("runner"), f"asks the server inside; {intent.identity.deploy_role}"),
    }[intent.pipeline.variant]
    return [
        Box("Interface endpoints", "the only doors: ecr, eks, sts, ssm and more"),
        Box("Private ECR", registry(intent)),
        Box(f"EKS {intent.cluster.name}", "pulls by digest; pods behind the ALB"),
        runs,
    ]


def _ways(intent: Intent) -> list[Way]:
    ways = [Way(1, "images by digest", "endpoints, or a file by media")]
    started = {
        delivery.SSM_RUNNER: Way(3, "start, and its text back", "AWS's API: Session Manager"),
        delivery.CODEPIPELINE: Way(3, "release and approval", "AWS's API: S3, CodePipeline"),
    }.get(intent.pipeline.variant)
    return [*ways, *([started] if started else [])]


def _words(intent: Intent, outside: list[Box], inside: list[Box], ways: list[Way]) -> str:
    lines = [f"Where there is internet: {one.title}: {one.said}." for one in outside]
    lines += [f"In the VPC of {intent.environment}, without a way out: {one.title}: {one.said}." for one in inside]
    lines += [f"Between them: {one.what}, by {one.by}." for one in ways]
    return "\n".join([*lines, "From the VPC to the internet: no route, no address, no name, no packet."])


class _Drawing:
    """The strokes of one drawing."""

    def __init__(self, intent: Intent, outside: list[Box], inside: list[Box], ways: list[Way]) -> None:
        self.intent, self.outside, self.inside, self.ways = intent, outside, inside, ways
        self.canvas = Canvas()
        self.tall = TOP + STEP * max(len(outside), len(inside)) + 12

    def svg(self, said: str) -> str:
        """Draw both networks, then what passes between them, and return the SVG."""
        self.canvas.text(LEFT, 28, f"Two networks of {self.intent.environment}", size=17, bold=True)
        self._network(LEFT - 8, "Network with internet", BLUE, self.outside, closed=False)
        self._network(RIGHT - 8, f"VPC {self.intent.network.vpc_cidr}, sealed", INK, self.inside, closed=True)
        for way in self.ways:
            self._way(way)
        for x, first, last in ((LEFT, 0, 1), (LEFT, 1, 2), (RIGHT, 1, 2), (RIGHT, 3, 2)):
            self._link(x + WIDE / 2, first, last)
        self._no_way(self.tall - 26)
        return self.canvas.svg(RIGHT + WIDE + 24, self.tall + 12, f"Two networks of {self.intent.environment}", said)

    def _network(self, x: float, title: str, colour: str, boxes: list[Box], *, closed: bool) -> None:
        self.canvas.rect(x, 44, WIDE + 16, self.tall - 44, stroke=colour, width=3 if closed else 1.4, dashed=not closed)
        if closed:
            self.canvas.lock(x + WIDE - 6, 52)
        self.canvas.text(x + 12, 65, title, size=13, bold=True, fill=colour)
        for number, one in enumerate(boxes):
            y = TOP + number * STEP
            self.canvas.rect(x + 8, y, WIDE, TALL, stroke=colour)
            self.canvas.text(x + 18, y + 21, one.title, size=13, bold=True, width=WIDE - 20)
            self.canvas.text(x + 18, y + 39, one.said, size=10.5, fill=QUIET, width=WIDE - 20)

    def _way(self, way: Way) -> None:
        y, start, end = TOP + way.row * STEP + TALL / 2, LEFT + WIDE + 8.0, RIGHT - 8.0
        self.canvas.line(start, y, end, y, stroke=GREEN, width=2)
        self._head(end, y)
        middle = (start + end) / 2
        self.canvas.text(middle, y - 9, way.what, size=12, bold=True, anchor="middle", fill=GREEN)
        self.canvas.text(middle, y + 17, way.by, size=10.5, anchor="middle", fill=QUIET)

    def _head(self, x: float, y: float) -> None:
        for side in (-5, 5):
            self.canvas.line(x - 8, y + side, x, y, stroke=GREEN, width=2)

    def _link(self, x: float, first: int, last: int) -> None:
        """An arrow from a box to its neighbour of the same network."""
        down = last > first
        start, end = TOP + first * STEP + (TALL if down else 0), TOP + last * STEP + (0 if down else TALL)
        self.canvas.line(x, start, x, end, stroke=QUIET, width=1.4)
        for side in (-4, 4):
            self.canvas.line(x + side, end + (-6 if down else 6), x, end, stroke=QUIET, width=1.4)

    def _no_way(self, y: float) -> None:
        start, end, text = LEFT + WIDE + 8.0, RIGHT - 8.0, "no route from here to the internet"
        self.canvas.line(start + 30, y, end, y, stroke=RED, width=1.4)
        self.canvas.cross(start + 22, y)
        self.canvas.text((start + end) / 2, y + 16, text, size=10.5, anchor="middle", fill=RED, width=length(text, 11))
