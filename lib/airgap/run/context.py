"""What a step of a run stands on: params, run folder, journal, cloud and caller, opened together and bound first."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from airgap import params
from airgap.cloud.binding import Caller, bind, check_world
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.errors import UsageError
from airgap.evidence.files import write_whole
from airgap.evidence.folder import RunFolder, StepFolder
from airgap.evidence.journal import JournalFile
from airgap.evidence.pages import PageFolder
from airgap.model.canonical import digest_of, plain, utc
from airgap.model.canonical import encode as canonical
from airgap.model.intent import Intent, encode
from airgap.model.redaction import Redactor
from airgap.run.systems import Systems

MODES = ("plan", "apply", "verify", "destroy")
SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass
class Context:
    """An opened step: everything that it reads with and writes to."""

    root: Path
    intent: Intent
    params_sha256: str
    mode: str
    folder: RunFolder
    step_folder: StepFolder
    journal: JournalFile
    pages: PageFolder
    cloud: Cloud
    clock: Clock
    systems: Systems
    caller: Caller | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def now(self) -> str:
        """Return the time in UTC, RFC 3339."""
        return stamp(self.clock)

    def bind(self) -> Caller:
        """Prove that account, Region, partition and world are the declared ones, and journal who calls."""
        self.caller = bind(self.intent, self.cloud, self.pages.load)
        return self.caller


def stamp(clock: Clock) -> str:
    """Return the clock's time in UTC, RFC 3339, to the millisecond."""
    import datetime as dt

    moment = dt.datetime.fromtimestamp(round(clock.now(), 3), dt.UTC)
    return utc(moment)


def check_mode(mode: str) -> str:
    """Return the mode; raise ``UsageError`` where it is none."""
    if mode not in MODES:
        raise UsageError(f"mode {mode!r} is not one of {', '.join(MODES)}", "anything", "correct the parameter")
    return mode


def reports_root(root: Path) -> Path:
    """Return where runs are kept: ``reports`` of the project, or AIRGAP_REPORTS."""
    return Path(os.environ.get("AIRGAP_REPORTS") or root / "reports")


def keep_params(folder: RunFolder, intent: Intent) -> None:
    """Write the params into the run, before its first report tells of them."""
    write_whole(folder.root / "intent.json", canonical(plain(encode(intent))) + "\n")


def open_context(
    number: int,
    name: str,
    *,
    env: str,
    mode: str,
    run_id: str = "",
    root: Path | None = None,
    clock: Clock | None = None,
    folder: RunFolder | None = None,
) -> Context:
    """Open one step of a run; an empty ``run_id`` starts a run of its own, ``latest`` joins the last one."""
    check_mode(mode)
    project = root or params.project_root()
    intent = params.load(env, project)
    check_world(intent.world)
    ticking = clock or Clock()
    run = folder or RunFolder.open(reports_root(project), intent.environment, run_id, now=ticking.now())
    step_folder = run.step(number, name)
    journal = JournalFile(step_folder.journal, lambda: stamp(ticking))
    redactor = Redactor([os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)])
    pages = run.pages
    recorder = Recorder(journal, pages, lambda: stamp(ticking), redactor)
    cloud = Cloud(intent.account, intent.region, intent.world, recorder, ticking)
    digest = digest_of(encode(intent))
    keep_params(run, intent)
    systems = Systems(cloud, intent, project, pages.load, tries=mode == "apply")
    return Context(
        project, intent, digest, mode, run, step_folder, journal, pages, cloud, ticking, systems, stop=cloud.stop
    )
