"""What a second scanner said beside our findings, derived again from what it wrote: resource by resource.

The members are its own file (OCSF), the table of what its checks mean here, and the dispositions of who explains which
disagreement; the comparison is what these and the findings come to.
"""

from __future__ import annotations

import csv
import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from airgap.evidence.bundle.assessed import Assessed
from airgap.model.canonical import encode
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED, Finding
from airgap.model.peer import DISAGREES, EXPLAINED, NONE, SCHEMA, STANDINGS, standing

NAME = "Prowler"
FOLDER = "peer/"
OUTPUT, TABLE = f"{FOLDER}prowler.ocsf.json", f"{FOLDER}crosswalk.tsv"
EXPLAINED_BY, COMPARISON = f"{FOLDER}dispositions.tsv", f"{FOLDER}comparison.json"
MEMBERS = (OUTPUT, TABLE, EXPLAINED_BY, COMPARISON)


class Crossing(NamedTuple):
    """One check of the peer: the check of ours, the property, how they stand to each other, and why.

    ``by`` is ``resource`` where both judge the same resources, ``whole`` where ours judges once.
    """

    peer: str
    check: str
    property: str
    relation: str
    by: str
    rationale: str


class Disposition(NamedTuple):
    """Why a disagreement stands: on which resources (a pattern), of which verdicts, written by whom, on which day."""

    peer: str
    resource: str
    ours: str
    theirs: str
    by: str
    on: str
    why: str

    def covers(self, one: Compared) -> bool:
        """Tell whether it is about this disagreement."""
        same = (self.peer, self.ours, self.theirs) == (one.peer, one.ours, one.theirs)
        return same and fnmatch.fnmatchcase(one.resource, self.resource)


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


def crossings(text: str) -> list[Crossing]:
    """Return the rows of a table of checks; raises ``ValueError`` where it is none."""
    return [Crossing(*row) for row in _cells(text, Crossing._fields)]


def dispositions(text: str) -> list[Disposition]:
    """Return a file's dispositions; raises ``ValueError`` where it is none, or one is not whole."""
    found = [Disposition(*row) for row in _cells(text, Disposition._fields)] if text else []
    for one in found:
        if not all(one):
            raise ValueError(f"a disposition of {one.peer} is not whole")
    return found


def _cells(text: str, columns: tuple[str, ...]) -> Iterator[list[str]]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    if tuple(next(rows, ())) != columns:
        raise ValueError("its first row does not name the columns")
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{row[0]} has {len(row)} cells")
        yield row


def verdicts(events: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Return the verdicts of an OCSF file of Prowler (class 2004, Detection Finding); raises where one has none."""
    found = []
    for event in events:
        for resource in event["resources"]:
            told = str(event.get("status_detail") or event.get("message") or "")
            found.append(Verdict(event["metadata"]["event_code"], resource["uid"], event["status_code"], told))
    return found


def comparison(one: Assessed, output: bytes, table: str, explained: str) -> dict[str, Any]:
    """Return what the peer's own file, the table, the dispositions and a run's findings come to, as JSON data."""
    events = json.loads(output)
    arns: dict[str, list[str]] = {}
    for asset in one.assets:
        arns.setdefault(asset.key, []).extend([asset.arn] if asset.arn else [])
    told = compare(one.findings, arns, verdicts(events), crossings(table), dispositions(explained))
    return {
        "schema": SCHEMA,
        **{name: one.run[name] for name in ("run_id", "world", "account", "region", "ended")},
        "peer": {"name": NAME, "version": "".join(sorted({one["metadata"]["product"]["version"] for one in events}))},
        "counts": told.counts(),
        "unexplained": len(told.unexplained),
        "rows": [each._asdict() for each in told.rows],
        "idle": [each._asdict() for each in told.idle],
    }


def text(data: Mapping[str, Any]) -> str:
    """Return the comparison as its member."""
    return encode(data) + "\n"


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
            why = next((each for each in explained if each.covers(one)), None)
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
        yield from (_pair(crossing, each.resource, "", each.status) for each in theirs)
        return
    if crossing.by == "whole":
        worst = next((one for one in (FAIL, WAIVED, UNKNOWN, PASS) if one in {each.status for each in ours}), "")
        yield from (_pair(crossing, each.resource, worst, each.status) for each in theirs)
        if not theirs and worst:
            yield _pair(crossing, "*", worst, "")
        return
    for one in ours:
        known = {one.resource, *arns.get(one.resource, ())}
        told = [each for each in theirs if each.resource in known or _last(each.resource) in known]
        yield from (_pair(crossing, one.resource, one.status, each.status) for each in told)
        if not told and one.status not in (UNKNOWN, NOT_APPLICABLE):
            yield _pair(crossing, one.resource, one.status, "")


def _last(arn: str) -> str:
    """Return the id at the end of an ARN, as of an instance or of a log group."""
    tail = arn.split(":", 5)[-1]
    tail = tail[:-2] if tail.endswith(":*") else tail
    return tail[len("log-group:") :] if tail.startswith("log-group:") else tail.rpartition("/")[2]


def _pair(crossing: Crossing, resource: str, ours: str, theirs: str) -> Compared:
    stands = standing(crossing.relation, ours, theirs)
    return Compared(crossing.peer, crossing.check, crossing.relation, resource, ours, theirs, stands,
                    crossing.rationale)  # fmt: skip
