"""``airgap bundle``: the evidence of a run as one archive, and its verification."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airgap.cli import chains, output
from airgap.cli.output import Json, example
from airgap.cli.vouching import vouch, vouched

if TYPE_CHECKING:
    from airgap.evidence.bundle import verify as verifying

HELP = """A run's evidence as one archive that anyone verifies with nothing but Python.

\b
  airgap bundle create demo/latest          reports/demo/RUN-ID.zip; asks AWS nothing
  airgap bundle verify reports/demo/RUN-ID.zip
  airgap bundle replay reports/demo/RUN-ID.zip   every finding, derived again
  airgap bundle show reports/demo/RUN-ID.zip     what it is and what it holds
  airgap bundle ocsf demo/latest                 its findings as OCSF events
  airgap bundle trail prod/latest                CloudTrail's digest chain of the run's time
  airgap bundle chain prod                       every run, what it follows, and the gaps
  airgap bundle upload reports/prod/RUN-ID.zip   into the evidence bucket, under Object Lock

\b
An auditor needs none of this: unzip it and run python3 verify.pyz.
Exit codes of verify and replay: 0 intact and derived again, 10 altered, 11 incomplete,
12 another verdict, 64 wrong usage.
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
chains.register(app)
Run = Annotated[str, typer.Argument(help="A run's folder, or ENV/RUN-ID, as demo/latest.")]
File = Annotated[Path, typer.Argument(help="A bundle (.zip), or the folder that it was unzipped into.")]
Sign = Annotated[str, typer.Option(help="Who signs: a PEM file (P-256), kms:KEY, or a PKCS#11 URI.")]
Stamp = Annotated[str, typer.Option(help="URL of a time-stamp authority (RFC 3161).")]
Key = Annotated[Path | None, typer.Option(help="The signer's public key (PEM), from elsewhere than the bundle.")]
Authority = Annotated[Path | None, typer.Option(help="Certificates of the time-stamp authority (PEM).")]
Require = Annotated[bool, typer.Option("--require-signature", help="Fail (10) where no signature was checked.")]


@app.command(
    epilog=example(
        "airgap bundle create demo/latest",
        "airgap bundle create prod/latest --sign kms:alias/fintech-evidence",
        "airgap bundle create prod/latest --sign 'pkcs11:token=evidence;object=fintech?module-path=/usr/lib/hsm.so'",
        "airgap bundle create demo/latest --sign key.pem --stamp https://tsa.example.internal",
    )
)
def create(run: Run, sign: Sign = "", stamp: Stamp = "", as_json: Json = False) -> int:
    """Write one deterministic archive beside the run, and verify it; sign and time-stamp it in files beside it."""
    from airgap.evidence import packing
    from airgap.params import project_root
    from airgap.run.context import SECRET_VARIABLES, reports_root

    root = project_root()
    folder = packing.run_of(reports_root(root), run)
    output.progress("bundle", f"packing {folder.env}/{folder.run_id}")
    added = {**packing.added(folder, root / "requirements.lock"), **_exports(folder.root)}
    path = packing.create(folder, added, [os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)])
    vouch(path, sign, stamp, folder.read_run())
    output.progress("bundle", "verifying it as an auditor would")
    report = _verified(path)
    if as_json:
        output.document({"bundle": str(path), "size": path.stat().st_size, **_data(report)})
    else:
        sys.stdout.write(report.text())
        output.say(f"{path}, {path.stat().st_size / 1e6:.1f} MB")
    return report.code


def _exports(run_root: Path) -> dict[str, bytes]:
    """Return the run in other people's forms, made anew by the code that the bundle carries.

    Of a run that is not whole there are none: the bundle's verification says what is missing.
    """
    from airgap.evidence.bundle.members import Broken
    from airgap.report.exports import exports

    try:
        return exports(run_root)
    except Broken as broken:
        output.progress("bundle", f"no OSCAL and no tables: {broken}")
        return {}


@app.command(
    epilog=example(
        "airgap bundle verify reports/demo/RUN-ID.zip",
        "airgap bundle verify FILE --public-key key.pub --authority tsa.pem --require-signature",
    )
)
def verify(
    file: File, public_key: Key = None, authority: Authority = None, require_signature: Require = False,
    as_json: Json = False,
) -> int:  # fmt: skip
    """Verify a bundle: digests, chains, completeness, proof and every finding; its signature and time-stamp too."""
    report = _verified(file)
    beside = vouched(file, public_key, authority)
    if as_json:
        output.document({**_data(report), "vouched": {name: one._asdict() for name, one in beside.items()}})
    else:
        sys.stdout.write(report.text())
        for name, one in beside.items():
            mark = {True: "OK", False: "FAIL", None: "-"}[one.holds]
            output.say(f"{mark:<4}  {name:<12} {one.text}")
    if report.code == 0 and (
        any(one.holds is False for one in beside.values()) or (require_signature and not beside["signature"].holds)
    ):
        return 10
    return report.code


def _verified(file: Path) -> verifying.Report:
    from airgap.evidence.bundle import verify as verifying
    from airgap.evidence.bundle.members import Broken, opened

    try:
        return verifying.verify(opened(str(file)))
    except Broken as broken:
        return verifying.unopened(broken)


def _data(report: verifying.Report) -> dict[str, Any]:
    from airgap.evidence.bundle import verify as verifying

    return verifying.summary(report)


@app.command(epilog=example("airgap bundle trail prod/latest"))
def trail(run: Run, as_json: Json = False) -> int:
    """Put CloudTrail's digest and log files of the run's time beside it, and hold the run's writes against them.

    CloudTrail writes them hourly: ask an hour after the run, and then for its bundle, which verifies them offline.
    Exit codes as those of verify.
    """
    from airgap.evidence import packing
    from airgap.evidence.trailing import fetch
    from airgap.params import project_root
    from airgap.run.context import reports_root

    result, faults = fetch(packing.run_of(reports_root(project_root()), run))
    if as_json:
        output.document({"result": result, "faults": [one._asdict() for one in faults]})
    else:
        output.say(result)
        for one in faults:
            output.say(f"  {one.where}: {one.what}")
    return min((one.code for one in faults), default=0)


@app.command(epilog=example("airgap bundle upload reports/prod/RUN-ID.zip"))
def upload(file: File, as_json: Json = False) -> int:
    """Write a bundle and its side files into the evidence bucket under Object Lock, and read each version back.

    The environment's params say for how many days and in which mode. A bundle that does not verify is not uploaded.
    """
    from airgap.evidence.uploading import upload as uploading

    report = _verified(file)
    if report.code != 0:
        sys.stdout.write(report.text())
        return report.code
    output.progress("bundle", "uploading, and reading back")
    receipts = uploading(file)
    if as_json:
        output.document({"uploaded": [one.as_data() for one in receipts]})
        return 0
    for one in receipts:
        held = "locked now" if one.new else "there already"
        output.say(f"s3://{one.bucket}/{one.key}")
        output.say(f"  version {one.version_id}, {held}: {one.mode} until {one.retain_until}; sha256 {one.sha256}")
    return 0


@app.command(epilog=example("airgap bundle replay reports/demo/RUN-ID.zip"))
def replay(file: File, as_json: Json = False) -> int:
    """Derive every finding again from the recorded pages, and show them beside what the bundle states."""
    from airgap.model.finding import counts

    report = _verified(file)
    if report.code not in (0, 12):
        sys.stdout.write(report.text())
        return report.code
    if as_json:
        data = {step: [each.as_data() for each in found] for step, found in report.findings.items()}
        output.document({**_data(report), "findings": data})
        return report.code
    for step, found in report.findings.items():
        tally = ", ".join(f"{number} {status}" for status, number in counts(found).items() if number)
        output.say(f"{step:<22} {tally}")
    sys.stdout.write(report.text())
    return report.code


@app.command(epilog=example("airgap bundle ocsf demo/latest > findings.ocsf.json"))
def ocsf(run: Run) -> int:
    """Print a run's findings as one JSON list of OCSF 1.5.0 events, class 2003 (Compliance Finding)."""
    from airgap.evidence import packing
    from airgap.params import project_root
    from airgap.report.ocsf import document
    from airgap.run.context import reports_root

    sys.stdout.write(document(packing.run_of(reports_root(project_root()), run).root))
    return 0


@app.command(epilog=example("airgap bundle show reports/demo/RUN-ID.zip"))
def show(file: File, as_json: Json = False) -> int:
    """Show what a bundle is and holds, without verifying it."""
    import json

    from airgap.evidence.bundle import manifest
    from airgap.evidence.bundle.members import Broken, opened

    try:
        members = opened(str(file))
        head, run = manifest.header(members), json.loads(members["run.json"])
    except (Broken, LookupError, ValueError) as error:
        sys.stderr.write(f"airgap: {error}\n")
        return error.fault.code if isinstance(error, Broken) else 10
    names = ("run_id", "env", "world", "account", "region", "mode", "started", "ended", "verdict", "commit")
    data = {**{name: run.get(name, "") for name in names}, "previous": head.get("previous"), "members": sorted(members)}
    if as_json:
        output.document(data)
        return 0
    for name in names:
        output.say(f"{name:<10} {data[name]}")
    before = head.get("previous")
    output.say(f"{'before':<10} {before['run_id'] + ' ' + before['manifest_sha256'] if before else 'no bundle'}")
    output.say(f"{'members':<10} {len(members)}")
    return 0
