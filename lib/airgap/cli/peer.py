"""``airgap peer``: a second scanner's verdicts beside ours, and our checks for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example

if TYPE_CHECKING:
    from airgap.evidence.folder import RunFolder

HELP = """A second scanner (Prowler), in an environment of its own, beside the runbook.

\b
  airgap peer scan demo/latest               run it against the account, and compare
  airgap peer compare demo/latest FILE       compare what it wrote elsewhere (json-ocsf)
  airgap peer checks FOLDER                  our checks as custom checks for prowler -x

\b
What its checks mean here is a table (lib/airgap/evidence/peer/crosswalk.tsv). A disagreement
needs a line in params/ENV.peer.tsv that says who explains it, when and why. The next attestation
(airgap verify) judges the last comparison: check peer-agrees, property EVD-03.
Exit codes: 0 agreed or explained, 3 a disagreement that nobody explained, 64 wrong usage.
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
Run = Annotated[str, typer.Argument(help="A run's folder, or ENV/RUN-ID, as demo/latest.")]
Program = Annotated[Path, typer.Option(help="Prowler's program; make .venv/prowler/.ready installs it.")]
File = Annotated[Path, typer.Argument(help="What Prowler wrote with --output-formats json-ocsf.")]
Into = Annotated[Path, typer.Argument(help="A new folder.")]


@app.command(epilog=example("airgap peer scan demo/latest"))
def scan(run: Run, prowler: Program = Path(".venv/prowler/bin/prowler"), as_json: Json = False) -> int:
    """Run Prowler's checks of the table against the account, keep what it says in the run, and compare."""
    from airgap.evidence.peer.crosswalk import crosswalk
    from airgap.evidence.peer.scanning import scan as scanned
    from airgap.model.peer import NONE

    folder = _run(run)
    checks = [one.peer for one in crosswalk() if one.relation != NONE]
    output.progress("peer", f"{len(checks)} checks of Prowler; about a minute")
    return _compared(folder, scanned(prowler, str(folder.read_run()["region"]), checks), as_json)


@app.command(epilog=example("airgap peer compare prod/latest prowler.ocsf.json"))
def compare(run: Run, file: File, as_json: Json = False) -> int:
    """Keep what Prowler wrote elsewhere in the run, and compare it with the run's findings."""
    from airgap.errors import UsageError

    if not file.is_file():
        raise UsageError(f"{file} is no file", "anything", "name what Prowler wrote as json-ocsf")
    return _compared(_run(run), file.read_bytes(), as_json)


@app.command(epilog=example("airgap peer checks airgap-checks"))
def checks(folder: Into, as_json: Json = False) -> int:
    """Write our checks as a folder of custom checks for Prowler, which runs them with prowler aws -x FOLDER.

    They read a run's findings: AIRGAP_FINDINGS names the file.
    """
    from airgap.checks.suite import ALL
    from airgap.evidence.peer.offered import write

    names = write(folder, ALL)
    if as_json:
        output.document({"folder": str(folder), "checks": names})
    else:
        output.say(f"{len(names)} checks in {folder}; AIRGAP_FINDINGS names the findings.json that they read")
    return 0


def _run(named: str) -> RunFolder:
    from airgap.evidence import packing
    from airgap.params import project_root
    from airgap.run.context import reports_root

    return packing.run_of(reports_root(project_root()), named)


def _compared(folder: RunFolder, raw: bytes, as_json: bool) -> int:
    from airgap.evidence.peer.kept import keep
    from airgap.model.peer import DISAGREES
    from airgap.params import project_root

    data = keep(folder.root, raw, project_root() / "params" / f"{folder.env}.peer.tsv")
    if as_json:
        output.document(data)
        return 3 if data["unexplained"] or data["idle"] else 0
    output.say(", ".join(f"{number} {name}" for name, number in data["counts"].items() if number))
    for one in data["rows"]:
        if one["standing"] == DISAGREES:
            output.say(f"  {one['peer']} on {one['resource']}: {one['theirs']}, ours {one['check']} {one['ours']}")
    for one in data["idle"]:
        output.say(f"  explains nothing: {one['peer']} on {one['resource']}, {one['by']}, {one['on']}")
    output.say(os.path.relpath(folder.root / "peer" / "comparison.json"))
    return 3 if data["unexplained"] or data["idle"] else 0
