"""The run in a few lines of Markdown, for a pull request, a CI page or a terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from airgap.model.finding import FAIL, UNKNOWN
from airgap.report.catalogue import PropertyRow, properties
from airgap.report.page import STATEMENT, WARNINGS
from airgap.report.record import RunRecord
from airgap.report.register import register, standing
from airgap.report.tally import Tally, by_check
from airgap.views.table import STATUS

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
LIMIT = 1024 * 1024
"""What GitHub takes of one step's summary, in bytes; a longer one is refused whole."""

CUT = "\n\n…cut here: a step summary holds 1,024 KiB. The rest is in summary.md and index.html of the run.\n"


def summary(run: RunRecord) -> str:
    """Return the run as Markdown: world, verdict, steps, what needs attention, properties."""
    return "\n".join(_lines(run)) + "\n"


def add_to_step_summary(text: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Append a summary to the file that GITHUB_STEP_SUMMARY names, cut to what it still takes; None where unset."""
    place = environ.get(STEP_SUMMARY)
    if not place:
        return None
    path = Path(place)
    held = path.stat().st_size if path.exists() else 0
    with path.open("ab") as file:
        file.write(cut(text, LIMIT - 1 - held))
    return path


def cut(text: str, limit: int) -> bytes:
    """Return a text as at most ``limit`` bytes of UTF-8; what is left out is said at its end."""
    raw, note = text.encode("utf-8"), CUT.encode("utf-8")
    if len(raw) <= limit:
        return raw
    whole_lines = raw[: max(0, limit - len(note))].rpartition(b"\n")[0]
    return whole_lines + note if limit >= len(note) else b""


def _lines(run: RunRecord) -> Iterator[str]:
    data, tally = run.data, Tally.of(run.findings)
    verdict = STATUS[data["verdict"]] if data["verdict"] else None
    yield f"# {_text(data['env'])}: {f'{verdict.sign} {verdict.word}' if verdict else 'nothing was judged'}"
    if warning := WARNINGS.get(data["world"], ("", ""))[0]:
        yield f"\n> **{warning}.**"
    yield (
        f"\nMode {data['mode']}, account {data['account']}, {data['region']}, run `{data['run_id']}`, "
        f"exit code {data['exit_code']}."
    )
    if tally.population:
        counts = ", ".join(f"{count} {STATUS[name].word}" for name, count in tally.parts)
        yield f"\nJudged {tally.judged} of {tally.population}: {counts}."
    yield "\n## Steps\n"
    yield from _table(("step", "what became of it", "verdict", "changes planned"), [
        (one["name"], one["status"] if one["status"] == "completed" else f"{one['status']}: {_why(one)}",
         one["verdict"] or "–", str(one["changes"])) for one in data["steps"]
    ])  # fmt: skip
    yield from _attention(run)
    yield from _exceptions(run)
    yield from _properties(run)
    yield f"\n{STATEMENT}"


def _why(step: Mapping[str, str]) -> str:
    return (step.get("message") or step["error"]).split("\n")[0]


def _attention(run: RunRecord) -> Iterator[str]:
    for check in by_check(run.findings):
        found = check.having(FAIL, UNKNOWN)
        if found:
            mark = STATUS[check.tally.verdict]
            yield f"\n## {mark.sign} {mark.word}: {_text(check.title)}\n"
            yield f"{check.severity}, {', '.join(check.properties) or check.check}. {_text(check.remedy)}\n"
            yield from _table(("resource", "result", "what is so"), [
                (one.resource, f"{STATUS[one.status].sign} {one.status}", one.message) for one in found
            ])  # fmt: skip


def _exceptions(run: RunRecord) -> Iterator[str]:
    rows = register(run.intent, run.data["started"], run.findings)
    yield f"\n## Exceptions\n\n{_text(standing(rows))}"
    if rows:
        yield ""
        yield from _table(("property", "resource", "why", "meanwhile", "owner, approver", "in force", "ticket"), [
            (one["property"], one["resource"], one["reason"], one["compensating_control"],
             f"{one['owner']}, {one['approver']}",
             f"{one['mark'].sign} {one['mark'].word}, {one['created']} to {one['expires']}", one["ticket"])
            for one in rows
        ])  # fmt: skip
    facts = [fact for one in rows for fact in one["facts"]]
    if facts:
        yield "\nWhat is so all the same:\n"
        yield from _table(("resource", "result", "what is so"), [
            (one.resource, f"{STATUS[one.status].sign} {one.status}", one.message) for one in dict.fromkeys(facts)
        ])  # fmt: skip


def _properties(run: RunRecord) -> Iterator[str]:
    rows = properties(run.findings)
    if rows:
        yield "\n## Properties\n"
        yield from _table(("property", "what it says", "verdict", "judged"), [
            (row.id, row.statement, _said(row), f"{row.tally.judged} of {row.tally.population}") for row in rows
        ])  # fmt: skip


def _said(row: PropertyRow) -> str:
    """A property's verdict in words, with what it leaves out."""
    mark = STATUS[row.tally.verdict]
    return f"{mark.sign} {mark.word}{f', {row.in_part}' if row.in_part else ''}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_text(one) for one in row)} |"


def _text(text: str) -> str:
    """Return a text in which nothing is Markdown or HTML: names and messages come from the account."""
    flat = re.sub(r"\s+", " ", text)
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~&@])", lambda match: f"&#{ord(match[1])};", flat)
