"""What a run came to, for documents in other people's forms: findings with their times, pages, inventory, exceptions.

The documents are written when a run closes and derived again when its bundle is verified, from the same members.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

from airgap.checks import assets, suite
from airgap.checks.check import covers, expired, note
from airgap.checks.inventory import TAGGED
from airgap.checks.scope import every, tags
from airgap.controls import Mapped, by_property
from airgap.evidence.bundle import replay
from airgap.evidence.bundle.members import Broken
from airgap.evidence.bundle.recorded import Run
from airgap.model.estate import Estate
from airgap.model.finding import FAIL, SEVERITIES, UNKNOWN, WAIVED, Finding
from airgap.model.intent import Intent, MappingReview, Waiver
from airgap.model.observation import NotObserved, Observation

SEEN, UNSEEN, UNTAGGED, UNREAD = "yes", "no", "has no tags", "not read"
"""Whether the tagging API, an independent count, shows a declared resource."""
OPEN, APPROVED, REQUESTED = "open", "deviation-approved", "deviation-requested"
"""Statuses of a risk, in OSCAL's words."""
FEW = 5
"""Resources that a sentence names."""


class Asset(NamedTuple):
    """One resource of the inventory: what was declared, what the tagging API shows, or both."""

    key: str
    kind: str
    step: str
    arn: str
    declared: bool
    adopted: str
    seen: str
    owner: str
    location: str
    classification: str
    supported_until: str
    rto: str
    rpo: str


class Weakness(NamedTuple):
    """What somebody has to do something about: what failed, what is unknown, or an exception of the register."""

    key: str
    title: str
    status: str
    severity: str
    statement: str
    findings: tuple[Finding, ...]
    waiver: Any = None


class Assessed(NamedTuple):
    """A run that has ended: its data, what it found and when, the pages that it cites, its inventory, and of each
    property the mappings to requirements as their reviewers left them.
    """

    run: Mapping[str, Any]
    owner: str
    exceptions: tuple[Waiver, ...]
    mappings: Mapping[str, tuple[Mapped, ...]]
    findings: tuple[Finding, ...]
    times: Mapping[tuple[str, str], str]
    pages: Mapping[str, Observation]
    assets: tuple[Asset, ...]

    @property
    def planned(self) -> frozenset[str]:
        """The properties that the checks of the run's steps bear on, and those that its findings name."""
        checks = [check for each in self.run["steps"] for check in suite.of_step(str(each["name"]))]
        named = (*(each.properties for each in checks), *(each.properties for each in self.findings))
        return frozenset(name for each in named for name in each)

    def collected(self, one: Finding) -> str:
        """Return when the estate was taken that a finding rests on, RFC 3339."""
        return self.times.get((one.check, one.resource)) or str(self.run["ended"])


def assessed(run: Run) -> Assessed:
    """Return what a run came to, from the members that it left."""
    params = run.json("intent.json")
    findings = tuple(Finding.from_data(one) for one in run.json("findings.json")["findings"])
    cited = {page for one in findings for page in one.observations}
    return Assessed(
        run=run.data,
        owner=str(params.get("owner", "")),
        exceptions=tuple(Waiver(**one) for one in params.get("exceptions", ())),
        mappings=by_property(MappingReview(**one) for one in params.get("reviews", ())),
        findings=findings,
        times=dict(_times(run)),
        pages={one.page: one for one in run.seen.values() if one.page in cited},
        assets=tuple(sorted(_assets(run), key=lambda one: (one.key, one.arn))),
    )


_KEPT = ("judged.json", "declared.json", "findings.json")


def steps_in_order(run: Run) -> list[str]:
    """Return the folders of the steps that judged, in the order in which they ended."""
    told = sorted(run.data["steps"], key=lambda one: str(one.get("ended", "")))
    folders = [f"{one['number']:02d}_{one['name']}" for one in told if one["mode"] != "plan"]
    return [one for one in folders if all(f"steps/{one}/{name}" in run.members for name in _KEPT)]


def _times(run: Run) -> Iterator[tuple[tuple[str, str], str]]:
    for step in steps_in_order(run):
        taken = str(run.of_step(step, "judged.json")["taken_at"])
        yield from (((one["check"], one["resource"]), taken) for one in run.of_step(step, "findings.json")["findings"])


def _assets(run: Run) -> Iterator[Asset]:
    """Yield every declared resource, each once, and what the tagging API shows beside them."""
    declared: dict[str, Mapping[str, Any]] = {}
    readings: dict[str, Mapping[str, Any]] = {}
    for step in steps_in_order(run):
        if run.of_step(step, "judged.json")["mode"] == "destroy":
            continue
        data = run.of_step(step, "declared.json")
        declared.update((f"{one['kind']}:{one['name']}", one) for one in data["declared"])
        readings.update(data["readings"])
    if not declared:
        return
    intent = run.intent
    shown, ends = _shown(run, intent)
    for key in sorted({*declared, *(shown or {})}):
        one = declared.get(key, {})
        reading = readings.get(one.get("kind", ""), {})
        tagged = reading.get("owner") == "tags" and not one.get("adopted")
        for arn, held in (shown or {}).get(key) or [("", {})]:
            seen = SEEN if arn else UNREAD if shown is None else UNSEEN if tagged else UNTAGGED
            place = assets.region_of(arn, intent) if arn else _home(reading, intent)
            yield _asset(key, one, (arn, place, seen, ends.get(key, "")), held, intent)


def _home(reading: Mapping[str, Any], intent: Intent) -> str:
    """Where a resource of a kind stands: IAM is of the whole partition."""
    return intent.partition if str(reading.get("call", "")).startswith("iam:") else intent.region


def _asset(
    key: str, one: Mapping[str, Any], shown: tuple[str, str, str, str], held: Mapping[str, str], intent: Intent
) -> Asset:
    objective = assets.objective(key, intent)
    arn, place, seen, end = shown
    return Asset(
        key=key,
        kind=key.partition(":")[0],
        step=str(one.get("step", "")),
        arn=arn,
        declared=bool(one),
        adopted=str(one.get("adopted", "")),
        seen=seen,
        owner=held.get("airgap:owner", "") or intent.owner,
        location=place,
        classification=held.get("airgap:classification", "") or intent.classification,
        supported_until=end,
        rto=objective.rto if objective else "",
        rpo=objective.rpo if objective else "",
    )


Shown = Mapping[str, list[tuple[str, Mapping[str, str]]]]


def _shown(run: Run, intent: Intent) -> tuple[Optional[Shown], Mapping[str, str]]:
    """Return what the tagging API shows, by logical key, and ends of support; None where it was not read."""
    for step in reversed(steps_in_order(run)):
        try:
            estate = replay.estate_of(run, step, intent)
            found = list(every(estate, TAGGED, "ResourceTagMappingList"))
            return _by_key(found, intent), _ends(intent, estate)
        except (NotObserved, Broken):
            continue
    return None, {}


def _by_key(found: Iterable[Mapping[str, Any]], intent: Intent) -> Shown:
    by_key: dict[str, list[tuple[str, Mapping[str, str]]]] = {}
    for one in found:
        held = tags(one)
        if held.get("airgap:environment") == intent.environment:
            arn = str(one["ResourceARN"])
            by_key.setdefault(held.get("airgap:key", "") or arn, []).append((arn, held))
    return by_key


def _ends(intent: Intent, estate: Estate) -> Mapping[str, str]:
    try:
        return assets.ends(intent, estate)
    except NotObserved:
        return {}


def weaknesses(one: Assessed) -> list[Weakness]:
    """Return what is open or excused: exceptions as registered, then by check what failed and what is unknown.

    An exception that has expired excuses nothing: it is open, and what fails under it stands beside it.
    """
    today = str(one.run["ended"])[:10]
    excused = [_excused(waiver, one.findings, today) for waiver in one.exceptions]
    under = {(each.check, each.resource) for weak in excused for each in weak.findings}
    rest = [each for each in one.findings if (each.check, each.resource) not in under]
    return [*excused, *_by_check(rest, FAIL), *_by_check(rest, UNKNOWN), *_by_check(rest, WAIVED)]


def _excused(waiver: Waiver, findings: Iterable[Finding], today: str) -> Weakness:
    told, late = note(waiver), expired(waiver)
    found = tuple(
        one for one in findings
        if covers(waiver, one) and ((one.status == WAIVED and one.waiver == told)
                                    or (one.status == FAIL and one.message.endswith(late)))
    )  # fmt: skip
    waived = any(one.status == WAIVED for one in found)
    begun, over = waiver.created <= today, waiver.expires < today
    status = APPROVED if waived or (begun and not over) else OPEN if over else REQUESTED
    bears = named(found) if found else "nothing failed under it in this run"
    return Weakness(
        f"{waiver.ticket} {waiver.property} {waiver.resource}",
        f"Exception {waiver.ticket}: {waiver.property} on {waiver.resource}",
        status,
        _severest(found),
        f"{waiver.reason}. {bears}",
        found,
        waiver,
    )


def _by_check(findings: Iterable[Finding], status: str) -> list[Weakness]:
    groups: dict[str, list[Finding]] = {}
    for one in findings:
        if one.status == status:
            groups.setdefault(one.check, []).append(one)
    state = APPROVED if status == WAIVED else OPEN
    return [
        Weakness(f"{name} {status}", group[0].title, state, group[0].severity, named(group), tuple(group))
        for name, group in sorted(groups.items())
    ]


def _severest(findings: Iterable[Finding]) -> str:
    held = {one.severity for one in findings}
    return next((one for one in SEVERITIES if one in held), "")


def named(findings: Iterable[Finding]) -> str:
    """Return a sentence that names the first few resources with what is wrong, and counts the others."""
    texts = [f"{one.resource}: {one.message}" for one in findings]
    more = f"; and {len(texts) - FEW} more" if len(texts) > FEW else ""
    return "; ".join(texts[:FEW]) + more
