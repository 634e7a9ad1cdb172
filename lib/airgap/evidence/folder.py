"""A run on disk: ``reports/<env>/<run-id>/`` with ``run.json``, pages, the runner's journal and a folder per step."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError, UsageError
from airgap.evidence.bundle.recorded import written
from airgap.evidence.files import LATEST, link_latest, not_written, write_whole
from airgap.evidence.journal import JournalFile, read_journal
from airgap.evidence.pages import PageFolder
from airgap.evidence.plans import FOLDER
from airgap.model.canonical import digest_of, plain
from airgap.model.estate import Records
from airgap.model.journal import read
from airgap.model.observation import Observation

SCHEMA = "airgap/run/v1"
JOURNAL = "journal.ndjson"
_RUN_ID = re.compile(rf"(?!(?:{LATEST}|{FOLDER})$)[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}")


@dataclass(frozen=True)
class StepFolder:
    """The folder of one step, ``steps/<NN_name>/``, and its files."""

    root: Path

    @property
    def name(self) -> str:
        """The folder's own name, as ``02_network``."""
        return self.root.name

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.root / "notebook.ipynb"

    @property
    def report(self) -> Path:
        """The evidence report."""
        return self.root / "report.html"

    @property
    def pdf(self) -> Path:
        """The evidence report, on paper."""
        return self.root / "report.pdf"

    @property
    def plan(self) -> Path:
        """The step's plan."""
        return self.root / "plan.json"

    @property
    def findings(self) -> Path:
        """The step's findings."""
        return self.root / "findings.json"

    @property
    def waiting(self) -> Path:
        """A file that is there while all that the step does is to wait for AWS; no part of the evidence."""
        return self.root / ".waiting"

    @property
    def views(self) -> Path:
        """What was worth seeing of the step, as it was shown: a list of name, title, HTML and text."""
        return self.root / "views.json"

    @property
    def declared(self) -> Path:
        """The fields that the step declared, and how they are read: what drift is derived from again."""
        return self.root / "declared.json"

    @property
    def judged(self) -> Path:
        """What the step's verdict rests on: the observations by digest, and the run's own records of that moment."""
        return self.root / "judged.json"

    @property
    def read(self) -> Path:
        """What the step's verdict rests on, in the form of an index; the attestation alone has one."""
        return self.root / "observations.json"

    @property
    def journal(self) -> Path:
        """The step's journal."""
        return self.root / JOURNAL

    def open_journal(self) -> JournalFile:
        """Return the step's journal, which begins or continues its chain."""
        return JournalFile(self.journal)


class RunFolder:
    """One run of one environment on disk."""

    def __init__(self, reports_root: Path, env: str, run_id: str) -> None:
        if not _RUN_ID.fullmatch(run_id):
            raise UsageError(
                f"run id {run_id!r} cannot name a folder",
                "anything",
                "use letters, digits, dots, dashes and underscores; not 'latest' and not 'plans'",
            )
        self.reports_root, self.env, self.run_id = reports_root, env, run_id
        self.root = reports_root / env / run_id
        self.observations_folder = self.root / "observations"
        self.pages = PageFolder(self.observations_folder)

    @classmethod
    def open(cls, reports_root: Path, env: str, run_id: str = "", *, now: float | None = None) -> RunFolder:
        """Return a run: a new one for an empty id, the last one for ``latest``, else the one of this id, made if new.

        A run that is new becomes ``latest``. Raises ``AirgapError`` where there is no last run.
        """
        if run_id == LATEST:
            last = latest(reports_root, env)
            if last is None:
                raise AirgapError(
                    f"{env} has no run yet that a notebook could join",
                    "anything",
                    f"leave run_id empty, or start with: airgap plan --env {env}",
                )
            return cls(reports_root, env, last)
        run = cls(reports_root, env, run_id or new_run_id(time.time() if now is None else now))
        try:
            run.root.mkdir(parents=True)
        except FileExistsError:
            return run if run_id else cls.open(reports_root, env, now=now)
        except OSError as error:
            raise not_written(run.root, error) from error
        link_latest(run.root.parent, run.run_id)
        return run

    @property
    def journal(self) -> Path:
        """The runner's own journal."""
        return self.root / JOURNAL

    def open_journal(self) -> JournalFile:
        """Return the runner's journal, which begins or continues its chain."""
        return JournalFile(self.journal)

    def step(self, number: int, name: str) -> StepFolder:
        """Return the folder of a step, ``steps/02_network`` for 2 and ``network``; nothing is made yet."""
        return StepFolder(self.root / "steps" / f"{number:02d}_{name}")

    def steps(self) -> list[StepFolder]:
        """Return the folders of the steps that left one, in their order."""
        found = sorted((self.root / "steps").glob("[0-9][0-9]_*"))
        return [StepFolder(path) for path in found if path.is_dir()]

    def write_run(self, data: Mapping[str, Any]) -> None:
        """Write ``run.json``; its schema, run id, environment and head are filled in."""
        own = {"schema": SCHEMA, "run_id": self.run_id, "env": self.env, "head": self.head()}
        text = json.dumps({**plain(data), **own}, indent=2, sort_keys=True, ensure_ascii=False)
        write_whole(self.root / "run.json", text + "\n")

    def read_run(self) -> dict[str, Any]:
        """Return ``run.json``; raises ``AirgapError`` where the run did not get so far."""
        path = self.root / "run.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise AirgapError(
                f"{path} is missing: the run ended before it could say how",
                "anything",
                "run again: what the dead run did is found by its tags",
            ) from error

    def journals(self) -> list[tuple[str, list[dict[str, Any]], list[str]]]:
        """Return (name, lines, problems) of the runner's journal, named ``""``, and of every step's."""
        places = [("", self.journal), *((step.name, step.journal) for step in self.steps())]
        return [(name, *read_journal(path)) for name, path in places if path.exists()]

    def head(self) -> str:
        """Return the digest over the heads of all journals: the runner's own, then the steps' in their order."""
        heads = [[name, lines[-1]["digest"]] for name, lines, _ in self.journals() if lines]
        return digest_of(heads)

    def observations(self) -> list[Observation]:
        """Return every observation of the run, in the order of their collections: pages of one answer together."""
        ordered: list[tuple[tuple[str, int, int], int, Observation]] = []
        for number, (_, lines, _) in enumerate(self.journals()):
            ordered += _collections(number, lines)
        ordered.sort(key=lambda item: item[:2])
        return [one for _, _, one in ordered]

    def began(self) -> str:
        """Return the time of the run's first journal line, RFC 3339; empty where it has none yet."""
        places = [self.journal, *(step.journal for step in self.steps())]
        return min((time for time in map(_began, places) if time), default="")

    def records(self) -> Records:
        """Return what the journals say of the run itself: caller, writes with their answers, approvals."""
        entries = [(name, entry) for name, lines, _ in self.journals() for entry in lines]
        answers = {entry["data"]["write"]: entry for _, entry in entries if entry["event"] == "answer"}
        callers = [entry["data"].get("caller") for _, entry in entries if entry["event"] == "open"]
        return Records(
            caller=next((one for one in callers if one), {}),
            writes=tuple(
                written(name, entry, answers.get(entry["digest"]))
                for name, entry in entries
                if entry["event"] == "write"
            ),
            approvals=tuple({**e["data"], "time": e["time"]} for _, e in entries if e["event"] == "approval"),
        )


def new_run_id(now: float) -> str:
    """Return an id that sorts by time, as ``20261123T085012Z-ab12``; ``now`` is in seconds since the epoch."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{secrets.token_hex(2)}"


def runs(reports_root: Path, env: str) -> list[str]:
    """Return the ids of an environment's runs, oldest first."""
    folder = reports_root / env
    if not folder.is_dir():
        return []
    found = (one for one in folder.iterdir() if one.is_dir() and not one.is_symlink())
    return sorted(one.name for one in found if _RUN_ID.fullmatch(one.name))


def latest(reports_root: Path, env: str) -> str | None:
    """Return the id of the last run: what ``latest`` points to, else the newest; None where there is none."""
    link = reports_root / env / LATEST
    if link.is_symlink() and link.is_dir():
        return link.resolve().name
    return next(reversed(runs(reports_root, env)), None)


def _began(journal: Path) -> str:
    """Return the time of a journal's first line, which alone is read; empty where there is no whole one."""
    with suppress(FileNotFoundError), journal.open("rb") as file:
        entries, _ = read(file.readline().decode("utf-8", "replace"))
        return str(entries[0]["time"]) if entries else ""
    return ""


def _collections(
    journal: int, lines: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[tuple[str, int, int], int, Observation]]:
    """Yield each observation after the time and place at which the first page of its answer was read, and number."""
    began: dict[tuple[str, str, str, str], tuple[str, int, int]] = {}
    for entry in lines:
        if entry["event"] == "read":
            one = Observation.from_data(entry["data"])
            if one.number == 1 or one.subject not in began:
                began[one.subject] = (one.time.rstrip("Z"), journal, entry["seq"])  # so that 12Z is before 12.5Z
            yield began[one.subject], one.number, one
