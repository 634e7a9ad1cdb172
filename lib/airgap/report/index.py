"""The first page of a run: what it says, what it does not, and where everything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airgap.controls import FRAMEWORKS, verdicts
from airgap.model.finding import FAIL, UNKNOWN, WAIVED
from airgap.model.people import person
from airgap.report import methods
from airgap.report.catalogue import NotTested, frameworks, never_judged, not_tested, properties
from airgap.report.page import Frame, render
from airgap.report.record import RunRecord, StepRecord
from airgap.report.register import register, reviews, standing
from airgap.report.scope import counted, not_covered, scope
from airgap.report.tally import Tally, by_check
from airgap.report.words import DEFINITIONS, MAPPING_NOTE, Verdict, broken, judged_nothing, verdict
from airgap.report.writing import when
from airgap.views.table import Mark

CONTENTS = (
    ("verdict", "Verdict"), ("steps", "Steps"), ("where", "Where, who and when"),
    ("attention", "What needs attention"), ("properties", "Properties"), ("shown", "How each was shown"),
    ("not-tested", "Not tested"),
    ("exceptions", "Exceptions"), ("changes", "Changes made"), ("requirements", "Requirements supported"),
    ("next", "Where to go next"), ("words", "Words"),
)  # fmt: skip
OPTIONAL = ("attention", "properties", "shown", "requirements")

ENDED = {
    "completed": Mark("completed", "✓", "good"),
    "failed": Mark("broke", "✗", "bad"),
    "dead-kernel": Mark("broke: its kernel died", "✗", "bad"),
    "timed-out": Mark("broke: it took too long", "✗", "bad"),
    "interrupted": Mark("interrupted", "✗", "bad"),
    "not begun": Mark("not begun", "–", "quiet"),
}
PAPER = ("index.pdf", "this page, for print and archive (PDF/A)")
FILES = (
    ("summary.md", "this page in a few lines of Markdown"),
    ("findings.json", "every finding, as data"),
    ("findings.csv", "every finding, one row each, for a spreadsheet"),
    ("population.csv", "of each check: N, judged, and how"),
    ("inventory.csv", "every resource: owner, place, classification, end of support, recovery objective"),
    ("exceptions.csv", "the register of exceptions, with the failures that each covers"),
    ("mappings.csv", "every mapping to a requirement: reason, source, version, review, and the verdict behind it"),
    ("tables.xlsx", "these tables as one workbook"),
    ("oscal/assessment-results.json", "the findings for a GRC system (OSCAL 1.2)"),
    ("oscal/assessment-plan.json", "what was to be judged, by which checks (OSCAL 1.2)"),
    ("oscal/catalog.json", "the properties, and the requirements that they support (OSCAL 1.2)"),
    ("junit.xml", "the findings for a CI server"),
    ("results.sarif", "the findings for a code-scanning service (SARIF 2.1.0)"),
    ("run.json", "world, who, where, when, versions, steps, and the head of all journals"),
    ("intent.json", "the params as they were"),
    ("journal.ndjson", "the runner's own journal; each step has its own beside its report"),
    ("observations/index.json", "every observation: account, Region, call, parameters and page"),
)
POAM = ("oscal/poam.json", "what is open and what is excused: plan of action and milestones (OSCAL 1.2)")
BY_REQUIREMENT = tuple((f"frameworks/{one.id}", f"by requirement: {one.title} {one.version}") for one in FRAMEWORKS)
STEP_FILES = ("plan.json", "findings.json", "declared.json", "views.json", "journal.ndjson", "notebook.ipynb")
READ = ("Whoever reads this for the first time begins with reports/README.md of the runbook", "")
VERIFY = ("Judge again at any time", "airgap verify --env {env}")
NEXT = {
    "plan": (("Read the plan of each step, then have its digest approved", "airgap approve --env {env} {plan_digest}"),
             ("Apply what was approved", "airgap apply --env {env} --approve {plan_digest}")),
    "apply": (VERIFY, READ),
    "verify": (("See what changed since the run before", "airgap diff --env {env}"), VERIFY, READ),
    "destroy": (("Keep this folder: it is the record of the removal", ""), READ),
}  # fmt: skip


@dataclass(frozen=True)
class StepRow:
    """One step as the first page shows it."""

    title: str
    mark: Mark
    message: str
    verdict: str
    changes: int
    writes: int
    links: list[tuple[str, str]]


def index_page(run: RunRecord, no_paper: str = "", *, on_paper: bool = False) -> str:
    """Return the first page; ``no_paper`` says why there are no PDF files, where there are none."""
    rows = properties(run.findings)
    exceptions = register(run.intent, run.data["started"], run.findings)
    untested = left_out(run)
    sections: dict[str, Any] = {
        "attention": [one for one in by_check(run.findings) if one.tally.verdict in (FAIL, UNKNOWN)],
        "properties": rows,
        "shown": methods.shown(run, verdicts(run.findings)) if run.findings else [],
        "requirements": frameworks(rows, reviews(run.intent)),
    }
    return render(
        "run.html.j2",
        frame(run, on_paper),
        [(name, title) for name, title in CONTENTS if name not in OPTIONAL or sections[name]],
        sections=sections,
        verdict=_verdict(run),
        problems=run.problems,
        scope=scope(run),
        uncovered=not_covered(run, untested),
        methods=methods.sentence(sections["shown"]),
        steps=[_step(run, one, no_paper) for one in run.data["steps"]],
        paper=no_paper,
        where=list(_where(run)),
        not_tested=sorted(untested, key=lambda one: one.id),
        exceptions=exceptions,
        excepted=standing(exceptions),
        changed=_changed(run),
        refused=[one for one in run.writes if one.status != "ok"],
        changes=[_changes(folder, one) for folder, one in run.steps.items() if one.writes],
        next=[(text, command.format(**run.data)) for text, command in NEXT.get(run.data["mode"], ())],
        files=[
            *(() if no_paper else (PAPER,)),
            *FILES,
            *((POAM,) if _open(run) else ()),
            *((f"{name}.html", told) for name, told in BY_REQUIREMENT if run.findings),
            *((f"{name}.pdf", f"{told}, for print") for name, told in BY_REQUIREMENT if run.findings and not no_paper),
        ],
        step_files=list(_files(run)),
        mapping_note=MAPPING_NOTE,
        words=DEFINITIONS,
    )


def left_out(run: RunRecord) -> list[NotTested]:
    """Return what the run did not test: parts of what it judged, and in every mode but plan what it never judged."""
    return [*not_tested(run.findings), *(never_judged(run.findings) if run.data["mode"] != "plan" else ())]


def frame(run: RunRecord, on_paper: bool) -> Frame:
    """Return what stands on every page that speaks of a whole run."""
    data = run.data
    began, ended = when(data["started"]), when(data["ended"])
    return Frame(
        kicker=f"Evidence of one run, mode {data['mode']}",
        title=f"Environment {data['env']}",
        lead=f"Account {data['account']}, {data['region']}; from {began} to {ended} UTC.",
        env=data["env"],
        account=data["account"],
        region=data["region"],
        run_id=data["run_id"],
        world=data["world"],
        version=data["versions"].get("airgap", "unknown"),
        began=data["started"],
        ended=data["ended"],
        paper=on_paper,
    )


def _open(run: RunRecord) -> bool:
    """Whether anything is open or excused, so that there is a plan of action."""
    return bool(run.intent.get("exceptions")) or any(one.status in (FAIL, UNKNOWN, WAIVED) for one in run.findings)


def _verdict(run: RunRecord) -> Verdict:
    tally = Tally.of(run.findings)
    unfinished = [one["name"] for one in run.data["steps"] if one["status"] != "completed"]
    if run.data["interrupted"]:
        return broken("The run was interrupted", tally)
    if unfinished:
        return broken(f"The run broke: {', '.join(unfinished)} did not complete", tally)
    if run.data["mode"] == "plan":
        return judged_nothing("This is a plan: it says what would change, and judges nothing.")
    return verdict(tally)


def _step(run: RunRecord, told: Mapping[str, Any], paper: str) -> StepRow:
    folder = f"{told['number']:02d}_{told['name']}"
    record = run.steps.get(folder)
    return StepRow(
        title=told["title"],
        mark=ENDED.get(told["status"], Mark(told["status"], "?", "unknown")),
        message=(told.get("message") or told["error"]) if told["status"] != "completed" else "",
        verdict=told["verdict"],
        changes=told["changes"],
        writes=len(record.writes) if record else 0,
        links=list(_links(folder, record, paper)) if record else [],
    )


def _links(folder: str, record: StepRecord, paper: str) -> Iterator[tuple[str, str]]:
    yield "report", f"steps/{folder}/report.html"
    if not paper:
        yield "PDF", f"steps/{folder}/report.pdf"
    if "notebook.ipynb" in record.files:
        yield "notebook", f"steps/{folder}/notebook.html"


def _where(run: RunRecord) -> Iterator[tuple[str, str]]:
    data, caller = run.data, run.data["caller"]
    yield "World", data["world"]
    yield "Run", f"{data['run_id']}, mode {data['mode']}, exit code {data['exit_code']}"
    yield "Caller", caller.get("arn", "unknown: no step was bound")
    yield "Person", person(caller) or "attributable to no person"
    yield "Runbook", f"commit {data['commit']}"
    yield "Params", f"SHA-256 {data['params_sha256']}"
    yield "Plan", f"digest {data['plan_digest']}"
    yield "Head of all journals", data["head"]
    yield "Software", ", ".join(f"{name} {version}" for name, version in sorted(data["versions"].items()))


def _changed(run: RunRecord) -> str:
    if not run.writes:
        return "None: no write was sent to AWS."
    refused = sum(1 for one in run.writes if one.status != "ok")
    told = f" {refused} did not succeed; AWS answered:" if refused else ""
    return f"{counted(len(run.writes), 'write')} sent to AWS, the first at {when(run.writes[0].time)} UTC.{told}"


def _files(run: RunRecord) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for folder, one in run.steps.items():
        yield folder, [(name, f"steps/{folder}/{name}") for name in STEP_FILES if name in one.files]


def _changes(folder: str, one: StepRecord) -> dict[str, Any]:
    calls = Counter(write.call.partition(":")[2] for write in one.writes)
    operations = ", ".join(f"{name} × {count}" if count > 1 else name for name, count in sorted(calls.items()))
    plan = one.plan.digest if one.plan else ""
    return {
        "href": f"steps/{folder}/report.html#changes",
        "title": str(one.closing.get("title", folder)),
        "operations": operations,
        "count": len(one.writes),
        "plan": plan,
    }
