"""Re-performance: every finding of a run derived again from its recorded pages, by the code that judged them first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from airgap.checks import suite
from airgap.checks.check import judge
from airgap.checks.destroyed import nothing_left
from airgap.evidence.bundle.members import DIFFERENT, INCOMPLETE, INTEGRITY, Broken, Fault
from airgap.evidence.bundle.recorded import Run, written
from airgap.model import finding as findings_of
from airgap.model.canonical import digest, digest_of, encode
from airgap.model.estate import ANY, Estate, Records
from airgap.model.finding import Finding
from airgap.model.intent import Intent
from airgap.model.observation import Observation
from airgap.model.plan import Desired
from airgap.model.reading import Reading
from airgap.model.survey import survey

JUDGED, DECLARED = "airgap/judged/v1", "airgap/declared/v1"


class Judgement(NamedTuple):
    """One step's judgement, derived again: its findings, and the estate that they rest on."""

    step: str
    mode: str
    findings: list[Finding]
    estate: Estate


def judged(run: Run) -> list[str]:
    """Return the steps that left a judgement."""
    return [step for step in run.steps if f"steps/{step}/judged.json" in run.members]


def again(run: Run, step: str, intent: Intent) -> Judgement:
    """Return a step's judgement, made again."""
    kept, estate = run.of_step(step, "judged.json"), estate_of(run, step, intent)
    findings = _left(kept, intent, estate) if kept["mode"] == "destroy" else _judge(kept, intent, estate)
    return Judgement(step, kept["mode"], findings_of.order(findings), estate)


def estate_of(run: Run, step: str, intent: Intent) -> Estate:
    """Return the estate that a step judged, over the recorded pages."""
    kept, declared = run.of_step(step, "judged.json"), run.of_step(step, "declared.json")
    return Estate(
        _observations(run, step, kept),
        run.load,
        account=intent.account,
        region=intent.region,
        taken_at=kept["taken_at"],
        records=_records(run, kept, declared),
    )


def _observations(run: Run, step: str, kept: Mapping[str, Any]) -> list[Observation]:
    lost = [one for one in kept["observations"] if one not in run.seen]
    if lost:
        raise Broken(f"steps/{step}/judged.json", f"rests on {len(lost)} observations of no journal", INCOMPLETE)
    return [run.seen[one] for one in kept["observations"]]


def _records(run: Run, kept: Mapping[str, Any], declared: Mapping[str, Any]) -> Records:
    writes, unanswered = set(kept["writes"]), set(kept["unanswered"])
    answers = {entry["data"]["write"]: entry for _, entry in run.entries("answer")}
    made = [(name, entry) for name, entry in run.entries("write") if entry["digest"] in writes]
    if len(made) != len(writes):
        raise Broken(f"steps/{kept['step']}", "its judgement knows writes of no journal", INCOMPLETE)
    applied = declared["declared"] if kept["applied"] == "as declared" else kept["applied"]
    return Records(
        caller=kept["caller"],
        writes=tuple(
            written(name, entry, None if entry["digest"] in unanswered else answers.get(entry["digest"]))
            for name, entry in made
        ),
        earlier=tuple(declared["earlier"]),
        approvals=tuple(kept["approvals"]),
        declared=tuple(declared["declared"]),
        readings=declared["readings"],
        applied=tuple(applied),
        steps=tuple(kept["steps"]),
        homes=declared["homes"],
    )


def _judge(kept: Mapping[str, Any], intent: Intent, estate: Estate) -> list[Finding]:
    wanted = set(kept["checks"])
    return judge([one for one in suite.ALL if one.id in wanted], intent, estate)


def _left(kept: Mapping[str, Any], intent: Intent, estate: Estate) -> list[Finding]:
    """Derive what a destroy left: what is declared and may go, and what is ours and undeclared."""
    records = estate.records
    readings = {name: Reading.from_data(records.readings[name]) for name in kept["kinds"]}
    found = survey(intent.environment, readings, [Desired.from_data(one) for one in records.declared], estate)
    deletable, steps = set(kept["deletable"]), set(kept["steps"])
    strays = [one for one in found.orphans if one.kind in deletable and records.homes[one.kind] in steps]
    return nothing_left(kept["step"], kept["removable"], [one.key for one in strays], found)


def differences(run: Run, one: Judgement) -> Iterator[Fault]:
    """Yield where a judgement is not what the run says of it: its findings, its journal, and how much it judged."""
    place = f"steps/{one.step}"
    told = [entry["data"] for name, entry in run.entries("verdict") if name == one.step]
    last = told[-1] if told else {}
    own = digest_of([each.as_data() for each in one.findings])
    for name, holds in (("findings", last.get("findings") == own), ("judged", _holds(run, one.step, "judged", last)),
                        ("declared", _holds(run, one.step, "declared", last))):  # fmt: skip
        code = DIFFERENT if name == "findings" else INTEGRITY
        if not holds:
            yield Fault(code, f"{place}/journal.ndjson", f"its verdict rests on other {name} than the bundle's")
    written = document(run, one.findings)
    if run.members.get(f"{place}/findings.json") != written:
        yield Fault(DIFFERENT, f"{place}/findings.json", _first(run.of_step(one.step, "findings.json"), one.findings))
    yield from _unread(run, one)


def _holds(run: Run, step: str, name: str, told: Mapping[str, Any]) -> bool:
    """Tell whether a verdict names the digest of a file's data; a run writes it as the very JSON that it digests."""
    raw = run.members[f"steps/{step}/{name}.json"]
    return told.get(name) == digest(raw[:-1]) or told.get(name) == digest_of(run.of_step(step, f"{name}.json"))


def document(run: Run, findings: list[Finding]) -> bytes:
    """Return the bytes of ``findings.json`` for these findings of this run."""
    data = run.data
    whole = findings_of.document(findings, run_id=data["run_id"], env=data["env"], world=data["world"])
    return (encode(whole) + "\n").encode("utf-8")


def _first(kept: Mapping[str, Any], findings: list[Finding]) -> str:
    """Return in words the first finding that is not derived as it is kept."""
    was = {(each["check"], each["resource"]): each for each in kept.get("findings", [])}
    now = {(each.check, each.resource): each.as_data() for each in findings}
    for key in sorted({*was, *now}):
        if was.get(key) != now.get(key):
            said, found = (one.get(key, {}).get("status", "not there") for one in (was, now))
            return f"{key[0]} on {key[1]} is {said} in it and {found} when derived again"
    return "its findings are as derived, and the rest of it is not"


def _unread(run: Run, one: Judgement) -> Iterator[Fault]:
    """Yield what makes a judgement incomplete: a check of the step that was left out, a declared call never made."""
    place = f"steps/{one.step}/judged.json"
    if one.mode == "destroy":
        return
    kept = set(run.of_step(one.step, "judged.json")["checks"])
    wanted = {each.id: each for each in suite.of_step(one.step.partition("_")[2])}
    yield from (Fault(INCOMPLETE, place, f"check {name} did not judge") for name in sorted(set(wanted) - kept))
    silent = {each.check for each in one.findings}
    yield from (Fault(INCOMPLETE, place, f"check {name} left no finding") for name in sorted(kept - silent))
    calls = {call for name in kept & set(wanted) for call in wanted[name].reads if call != ANY}
    never = sorted(call for call in calls if not one.estate.observed(call))
    yield from (Fault(INCOMPLETE, place, f"{call} is declared by a check and was never asked") for call in never)
