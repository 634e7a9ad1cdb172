"""Whether a second scanner's verdicts agree with ours, resource by resource, by what its checks mean here.

A verdict that one of the two did not give is silence, and silence agrees with nothing: it is counted by itself. Where
the peer asks for less, its failure contradicts our pass, and its pass says nothing about our failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from airgap.evidence.peer.crosswalk import INVERTED, NARROWER, NONE, SAME, Crossing, Disposition
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED, Finding

AGREES, DISAGREES, EXPLAINED, LESS, OPEN, SILENT, UNCOMPARED = (
    "agrees", "disagrees", "explained", "asks less", "open", "peer silent", "not compared")  # fmt: skip
STANDINGS = (AGREES, LESS, EXPLAINED, DISAGREES, OPEN, SILENT, UNCOMPARED)
_THEIRS = {"PASS": PASS, "FAIL": FAIL}
_EXPECTED = {
    (SAME, PASS, FAIL): DISAGREES,
    (SAME, FAIL, PASS): DISAGREES,
    (NARROWER, PASS, FAIL): DISAGREES,
    (NARROWER, FAIL, PASS): LESS,
    (INVERTED, PASS, PASS): DISAGREES,
    (INVERTED, FAIL, FAIL): DISAGREES,
}


class Verdict(NamedTuple):
    """One verdict of the peer: check, resource (ARN or id), status as it says it, and its words."""

    check: str
    resource: str
    status: str
    text: str


class Compared(NamedTuple):
    """One pair of verdicts on one resource, and how they stand; ``why`` is the rationale, or the disposition."""

    peer: str
    check: str
    relation: str
    resource: str
    ours: str
    theirs: str
    standing: str
    why: str


class Comparison(NamedTuple):
    """All pairs, and the dispositions that explain nothing (any more) of what the peer has judged."""

    rows: list[Compared]
    idle: list[Disposition]

    @property
    def unexplained(self) -> list[Compared]:
        """The disagreements that nobody has explained."""
        return [one for one in self.rows if one.standing == DISAGREES]

    def counts(self) -> dict[str, int]:
        """Return how many pairs stand in which way."""
        return {name: sum(one.standing == name for one in self.rows) for name in STANDINGS}


def verdicts(events: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Return the verdicts of an OCSF file of Prowler (class 2004, Detection Finding); raises where one has none."""
    found = []
    for event in events:
        for resource in event["resources"]:
            told = str(event.get("status_detail") or event.get("message") or "")
            found.append(Verdict(event["metadata"]["event_code"], resource["uid"], event["status_code"], told))
    return found


def compare(
    findings: Sequence[Finding], arns: Mapping[str, Sequence[str]], theirs: Sequence[Verdict],
    table: Sequence[Crossing], explained: Sequence[Disposition],
) -> Comparison:  # fmt: skip
    """Return how each verdict of ours stands to the peer's; ``arns`` says by which ARNs a resource of ours is known."""
    rows: list[Compared] = []
    used: set[Disposition] = set()
    for crossing in table:
        told = [one for one in theirs if one.check == crossing.peer]
        for one in _pairs(crossing, [each for each in findings if each.check == crossing.check], arns, told):
            why = next((each for each in explained if each.covers(one.peer, one.resource, one.ours, one.theirs)), None)
            if one.standing == DISAGREES and why:
                used.add(why)
                one = one._replace(standing=EXPLAINED, why=f"{why.by}, {why.on}: {why.why}")
            rows.append(one)
    ran = {one.check for one in theirs}
    return Comparison(rows, [one for one in explained if one.peer in ran and one not in used])


def _pairs(
    crossing: Crossing, ours: Sequence[Finding], arns: Mapping[str, Sequence[str]], theirs: Sequence[Verdict]
) -> Iterator[Compared]:
    if crossing.relation == NONE:
        yield from (_row(crossing, each.resource, "", each.status, UNCOMPARED) for each in theirs)
        return
    if crossing.by == "whole":
        worst = next((one for one in (FAIL, WAIVED, UNKNOWN, PASS) if one in {each.status for each in ours}), "")
        yield from (_judged(crossing, each.resource, worst, each.status) for each in theirs)
        if not theirs and worst:
            yield _row(crossing, "*", worst, "", SILENT)
        return
    for one in ours:
        known = {one.resource, *arns.get(one.resource, ())}
        told = [each for each in theirs if each.resource in known or _last(each.resource) in known]
        yield from (_judged(crossing, one.resource, one.status, each.status) for each in told)
        if not told and one.status not in (UNKNOWN, NOT_APPLICABLE):
            yield _row(crossing, one.resource, one.status, "", SILENT)


def _last(arn: str) -> str:
    """Return the id at the end of an ARN, as of an instance or of a log group."""
    tail = arn.split(":", 5)[-1].removesuffix(":*")
    return tail.removeprefix("log-group:") if tail.startswith("log-group:") else tail.rpartition("/")[2]


def _judged(crossing: Crossing, resource: str, status: str, said: str) -> Compared:
    own = FAIL if status == WAIVED else status
    other = _THEIRS.get(said, UNKNOWN)
    if own not in (PASS, FAIL) or other == UNKNOWN:
        return _row(crossing, resource, status, said, OPEN)
    return _row(crossing, resource, status, said, _EXPECTED.get((crossing.relation, own, other), AGREES))


def _row(crossing: Crossing, resource: str, ours: str, theirs: str, standing: str) -> Compared:
    return Compared(crossing.peer, crossing.check, crossing.relation, resource, ours, theirs, standing,
                    crossing.rationale)  # fmt: skip
