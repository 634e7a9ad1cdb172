"""``python3 verify.pyz``: is the bundle whole, and does what was recorded lead to the verdict that it states?

Every member is checked against the manifest before any other is parsed. Then the journals' chains, the pages under
their digests, the certificate by its own checker, and every finding derived again from the pages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from airgap.checks.proof import made
from airgap.egress.checker import Checker
from airgap.evidence.bundle import derived, manifest, replay, trail_writes
from airgap.evidence.bundle.members import (
    DIFFERENT,
    INCOMPLETE,
    INTACT,
    INTEGRITY,
    USAGE,
    Broken,
    Fault,
    opened,
)
from airgap.evidence.bundle.recorded import INDEX, Run
from airgap.model import finding as findings_of
from airgap.model.canonical import digest_of, encode, plain
from airgap.model.finding import Finding
from airgap.model.intent import Intent
from airgap.model.plan import Plan

SHOWN = 20
"""Faults that are shown of each step of a verification."""
HELP = """usage: python3 verify.pyz [BUNDLE]

BUNDLE is a bundle (.zip) or the folder that it was unzipped into; without it, the folder of this file.
Exit codes: 0 intact and every finding derived again, 10 altered, 11 incomplete, 12 another verdict, 64 usage.
"""


class Row(NamedTuple):
    """One line of the table: what was looked at, what it came to, and what is wrong with it."""

    what: str
    result: str
    faults: list[Fault]


class Report(NamedTuple):
    """A verification: its lines, the verdict that the bundle states, and each step's findings as derived again."""

    rows: list[Row]
    verdict: str
    findings: Mapping[str, list[Finding]] = MappingProxyType({})

    @property
    def code(self) -> int:
        """The exit code: altered before incomplete before different."""
        codes = {fault.code for row in self.rows for fault in row.faults}
        return next((one for one in (USAGE, INTEGRITY, INCOMPLETE, DIFFERENT) if one in codes), INTACT)

    def text(self) -> str:
        """Return the table and its conclusion as text."""
        lines = [f"{'OK  ' if not row.faults else 'FAIL'}  {row.what:<12} {row.result}" for row in self.rows]
        for row in self.rows:
            lines += [f"      {fault.where}: {fault.what}" for fault in row.faults[:SHOWN]]
            lines += [f"      and {len(row.faults) - SHOWN} more"] if len(row.faults) > SHOWN else []
        stated = self.verdict or "none (nothing was judged)"
        return "\n".join([*lines, "", _CONCLUSIONS[self.code].format(stated), ""])


_CONCLUSIONS = {
    INTACT: "intact; every finding was derived again from the recorded pages. Its verdict: {}",
    INTEGRITY: "ALTERED: this is not what the run wrote. No verdict rests on it.",
    INCOMPLETE: "INCOMPLETE: what the verdict rests on is not all here.",
    DIFFERENT: "DIFFERENT: what was recorded does not lead to what is stated.",
    USAGE: "nothing was verified",
}


def verify(members: Mapping[str, bytes]) -> Report:
    """Verify a bundle's members; what is altered is not looked into any further."""
    rows: list[Row] = []
    again: dict[str, list[Finding]] = {}
    verdict = ""
    try:
        faults, pages = manifest.checked(members)
        rows.append(Row("manifest", f"{len(members)} members, each with its size and digest", faults))
        if not faults:
            run = Run(members, pages)
            verdict = str(run.data.get("verdict", ""))
            for row in _rows(run, again):
                rows.append(row)
    except Broken as broken:
        rows.append(Row("reading", "stopped", [broken.fault]))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, ArithmeticError) as error:
        fault = Fault(INTEGRITY, "", f"something in it has not the form that a run writes ({error!r})"[:400])
        rows.append(Row("reading", "stopped", [fault]))
    return Report(rows, verdict, again)


def _rows(run: Run, again: dict[str, list[Finding]]) -> Iterator[Row]:
    """Yield the lines of a verification; ``again`` is filled with each step's findings."""
    yield Row("journals", f"{_lines(run)} lines in {len(run.journals)} chains", list(_chains(run)))
    yield Row("pages", f"{len(run.seen)} observations, each page under its digest", list(_pages(run)))
    intent = run.intent
    for step in replay.judged(run):
        one = replay.again(run, step, intent)
        again[step] = one.findings
        yield Row(step, f"{len(one.findings)} findings derived again", list(replay.differences(run, one)))
        yield from _proof(run, intent, one)
    found = _merged(run, again)
    yield Row("verdict", f"{findings_of.verdict(found) if found else 'none'}", list(_verdict(run, found)))
    yield Row("exports", *derived.faults(run))
    if trail_writes.held(run):
        yield Row("cloudtrail", *trail_writes.reconciled(run))


def _lines(run: Run) -> int:
    return sum(one.total for one in run.journals.values())


def _chains(run: Run) -> Iterator[Fault]:
    """Yield what is wrong with the journals: a broken line, a step without one, heads that run.json does not know."""
    yield from (Fault(INTEGRITY, where, what) for where, _, what in (one.partition(": ") for one in run.problems))
    heads = [[name, one.head] for name, one in run.journals.items() if one.total]
    if digest_of(heads) != run.data.get("head"):
        yield Fault(INTEGRITY, "run.json", "its head is not that of the journals: one was cut, swapped or left out")
    for name, entry in run.entries("open"):
        for member in ("run_id", "env", "world", "account", "region"):
            if member in entry["data"] and entry["data"][member] != run.data.get(member):
                yield Fault(INTEGRITY, run.place(name), f"is of {member} {entry['data'][member]}, not of this run's")
    for name in run.steps:
        if run.place(name) not in run.members:
            yield Fault(INCOMPLETE, run.place(name), "is missing")
    yield from _plans(run)
    if digest_of(run.json("intent.json")) != run.data.get("params_sha256"):
        yield Fault(INTEGRITY, "intent.json", "are not the params of this run")
    opened_under = {entry["data"].get("params_sha256") for _, entry in run.entries("open")} - {None}
    if opened_under and run.data.get("params_sha256") not in opened_under:
        yield Fault(INTEGRITY, "intent.json", "no step was opened under these params")


def _plans(run: Run) -> Iterator[Fault]:
    """Yield plans that are not those of which their journals name the digest, last."""
    named = {name: entry["data"].get("digest") for name, entry in run.entries("plan")}
    for name, digest in named.items():
        place = f"steps/{name}/plan.json"
        if place in run.members and Plan.from_data(run.json(place)).digest != digest:
            yield Fault(INTEGRITY, place, "is not the plan that its journal names")


def _pages(run: Run) -> Iterator[Fault]:
    """Yield pages that are missing or have another digest, and rows of the index that no journal knows."""
    for page in sorted({one.page for one in run.seen.values() if one.page}):
        try:
            if page not in run.pages:
                run.load(page)
        except Broken as broken:
            yield broken.fault
    listed = dict.fromkeys(((one.subject, one.number, one.time, one.page) for one in run.seen.values()), False)
    strange = []
    for row in run.index() if run.seen or INDEX in run.members else ():
        subject = row["account"], row["region"], row["call"], encode(row["params"])
        own = (subject, row["number"], row["time"], row["page"])
        if own in listed:
            listed[own] = True
        else:
            strange.append(own)
    for one in sorted(strange)[:1]:
        yield Fault(INTEGRITY, INDEX, f"lists {one[0][2]} at {one[2]}, which no journal knows")
    for one in sorted(one for one in listed if not listed[one])[:1]:
        yield Fault(INCOMPLETE, INDEX, f"does not list {one[0][2]} at {one[2]}, which a journal knows")


def _proof(run: Run, intent: Intent, attest: replay.Judgement) -> Iterator[Row]:
    """Derive the proof again from what the attestation read, and have its certificate checked."""
    if f"steps/{attest.step}/observations.json" not in run.members or "proof.json" not in run.members:
        return
    proof, _ = made(intent, attest.estate)
    same = run.members["proof.json"] == (encode(plain(proof.as_data())) + "\n").encode("utf-8")
    yield Row("proof", f"{proof.verdict}, derived again", [] if same else [
        Fault(DIFFERENT, "proof.json", f"the pages lead to another proof: {proof.verdict}")])  # fmt: skip
    checker = Checker(run.json("certificate.json"), _certified(run, attest.step))
    problems = checker.run()
    result = f"{checker.leaves} leaves checked against the pages"
    yield Row("certificate", result, [Fault(DIFFERENT, "certificate.json", one) for one in problems])


def _certified(run: Run, step: str) -> dict[str, bytes]:
    """Return the files that the certificate speaks of: what the attestation read, its index and the intent."""
    index = f"steps/{step}/observations.json"
    pages = {f"observations/{row['page']}.json" for row in run.json(index) if row["page"]}
    kept = {name: run.members[name] for name in sorted(pages) if name in run.members}
    return {**kept, INDEX: run.members[index], "intent.json": run.members["intent.json"]}


def _merged(run: Run, derived: Mapping[str, list[Finding]]) -> list[Finding]:
    """Return the run's findings, over its steps in the order in which they ended."""
    told = sorted(run.data["steps"], key=lambda one: str(one["ended"]))
    folders = [f"{one['number']:02d}_{one['name']}" for one in told if one["mode"] != "plan"]
    return findings_of.merged(derived.get(folder, []) for folder in folders)


def _verdict(run: Run, found: list[Finding]) -> Iterator[Fault]:
    verdict = findings_of.verdict(found) if found else ""
    if run.data.get("verdict") != verdict:
        yield Fault(DIFFERENT, "run.json", f"says {run.data.get('verdict')!r}, and the pages say {verdict!r}")
    if run.members.get("findings.json") != replay.document(run, found):
        yield Fault(DIFFERENT, "findings.json", "is not what the steps' findings come to")


def unopened(broken: Broken) -> Report:
    """Return the report of a bundle that could not be opened."""
    return Report([Row("archive", "not opened", [broken.fault])], "")


def main(arguments: Sequence[str]) -> int:
    """Verify the bundle that is named, or the folder that this program lies in, and return the exit code."""
    if any(one in ("-h", "--help") for one in arguments):
        sys.stdout.write(HELP)
        return INTACT
    if len(arguments) > 1:
        sys.stderr.write(HELP)
        return USAGE
    place = arguments[0] if arguments else os.path.dirname(os.path.abspath(sys.argv[0]))
    try:
        report = verify(opened(place))
    except Broken as broken:
        report = unopened(broken)
    except OSError as error:
        report = Report([Row("archive", "not read", [Fault(USAGE, place, str(error))])], "")
    sys.stdout.write(report.text())
    return report.code


def summary(report: Report) -> dict[str, Any]:
    """Return a verification as JSON data."""
    rows = [{"what": row.what, "result": row.result, "faults": [fault._asdict() for fault in row.faults]}
            for row in report.rows]  # fmt: skip
    return {"verdict": report.verdict, "exit_code": report.code, "rows": rows}
