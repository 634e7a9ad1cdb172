"""A report for each framework: requirement, properties, checks, findings, observations and their pages, in one file.

Made from a run's folder alone. It says how far the evidence supports a requirement, never that one is met.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from airgap.controls import FRAMEWORKS, Framework, PropertyVerdict, Support, supports, verdicts
from airgap.controls import review as reviewing
from airgap.controls import support as supporting
from airgap.report.catalogue import anchor
from airgap.report.index import frame as run_frame
from airgap.report.index import left_out
from airgap.report.methods import Shown, sentence, shown
from airgap.report.page import Frame, fragment, render
from airgap.report.record import Exhibit, RunRecord
from airgap.report.register import register, reviews, standing
from airgap.report.scope import not_covered, scope
from airgap.report.tally import Judged, by_check
from airgap.report.words import DEFINITIONS, REVIEW_NOTE, SUPPORT_WORDS, support_sentence
from airgap.report.writing import markup
from airgap.views.table import Mark

FOLDER = "frameworks"
CONTENTS = (
    ("verdict", "What the evidence says"), ("requirements", "Requirements"), ("why", "Why, requirement by requirement"),
    ("exceptions", "Exceptions"), ("evidence", "Properties, checks and findings"), ("observations", "Observations"),
    ("words", "Words"),
)  # fmt: skip


@dataclass(frozen=True)
class Examined:
    """One property: the verdict on it, the checks that stand under it, and those that stand under another."""

    verdict: PropertyVerdict
    checks: list[Judged]
    elsewhere: list[Judged]
    shown: Shown

    @property
    def anchor(self) -> str:
        """The id of its section in the page."""
        return anchor(self.verdict.id)


@dataclass(frozen=True)
class Shelf:
    """What the reports of all frameworks share: the verdicts of a run, and its evidence as it is shown, made once."""

    run: RunRecord

    @cached_property
    def verdicts(self) -> tuple[PropertyVerdict, ...]:
        """The verdict on every property that the product knows."""
        return verdicts(self.run.findings)

    @cached_property
    def exhibits(self) -> list[Exhibit]:
        """What findings cite, each once, under the number that stands for it in these reports."""
        cited = {one for finding in self.run.findings for one in finding.observations}
        found = {one.cited_as: one.observation for step in self.run.steps.values() for one in step.exhibits}
        kept = sorted(
            (one for name, one in found.items() if name in cited),
            key=lambda one: (one.account, one.region, one.call, one.time, one.request_id, one.number),
        )
        return [Exhibit(number, one) for number, one in enumerate(kept, 1)]

    @cached_property
    def evidence(self) -> str:
        """Every property with its checks and findings, and the observations that they rest on, as HTML."""
        return fragment(
            "evidence.html.j2",
            examined=self._examined,
            exhibits=self.exhibits,
            number_of={one.cited_as: one.number for one in self.exhibits},
        )

    @cached_property
    def on_paper(self) -> str:
        """Every property with its verdict; what the verdicts rest on stands in the page of the same name."""
        return fragment("evidence_paper.html.j2", examined=self._examined)

    @cached_property
    def _examined(self) -> list[Examined]:
        return list(_examined(self.verdicts, by_check(self.run.findings), self.shown))

    @cached_property
    def shown(self) -> list[Shown]:
        """How each property was shown: by configuration or by a live test, and where."""
        return shown(self.run, self.verdicts)


def framework_pages(run: RunRecord) -> dict[str, str]:
    """Return the page of each framework by its file's name; none of a run that judged nothing, as a plan."""
    if not run.findings:
        return {}
    shelf = Shelf(run)
    return {f"{FOLDER}/{one.id}.html": framework_page(one, shelf) for one in FRAMEWORKS}


def framework_page(framework: Framework, shelf: Shelf, *, paper: bool = False) -> str:
    """Return the report of one framework as one HTML document; equal records give equal bytes. On paper, findings and
    observations are left out.
    """
    run = shelf.run
    rows = supports(framework, shelf.verdicts, reviews(run.intent))
    exceptions = register(run.intent, run.data["started"], run.findings)
    return render(
        "framework.html.j2",
        _frame(framework, run, paper),
        [one for one in CONTENTS if not paper or one[0] != "observations"],
        framework=framework,
        rows=rows,
        headline=_headline(rows),
        sentence=support_sentence(supporting.counted(rows)),
        counts=[(SUPPORT_WORDS[name], count) for name, count in supporting.counted(rows).items() if count],
        words_of=SUPPORT_WORDS,
        scope=scope(run),
        uncovered=not_covered(run, left_out(run)),
        methods=sentence(shelf.shown),
        problems=run.problems,
        reviewed=reviewing.standing(mapped for row in rows for mapped, _ in row.mappings),
        review=REVIEW_NOTE,
        exceptions=exceptions,
        excepted=standing(exceptions),
        evidence=markup(shelf.on_paper if paper else shelf.evidence),
        words=DEFINITIONS,
    )


def _frame(framework: Framework, run: RunRecord, paper: bool) -> Frame:
    return dataclasses.replace(
        run_frame(run, paper),
        kicker=f"Evidence by requirement, environment {run.data['env']}, mode {run.data['mode']}",
        title=f"{framework.title} {framework.version}".strip(),
    )


def _headline(rows: Sequence[Support]) -> Mark:
    """The worst that is so of any requirement; where none was judged, that."""
    worst = next((name for name in supporting.SUPPORTS if any(row.status == name for row in rows)), "not-judged")
    shown = SUPPORT_WORDS[worst]
    return Mark(_HEADLINES[worst], shown.sign, shown.tone)


_HEADLINES = {
    supporting.AGAINST: "The evidence speaks against some requirements",
    supporting.UNDECIDED: "The evidence leaves some requirements undecided",
    supporting.EXCEPTED: "The evidence supports what was judged, with exceptions",
    supporting.IN_PART: "The evidence supports what was judged, in part",
    supporting.SUPPORTED: "The evidence supports every requirement that was judged",
    supporting.NOT_JUDGED: "No requirement was judged",
}


def _examined(told: Sequence[PropertyVerdict], judged: Sequence[Judged], how: Sequence[Shown]) -> Iterator[Examined]:
    for one, own in zip(told, how, strict=True):
        first = [each for each in judged if each.properties[:1] == (one.id,)]
        yield Examined(one, first, [each for each in judged if one.id in each.properties[1:]], own)
