"""``airgap bundle``: the evidence of a run as one archive, and its verification."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.errors import UsageError

if TYPE_CHECKING:
    from airgap.evidence import signing
    from airgap.evidence.bundle import verify as verifying

HELP = """A run's evidence as one archive that anyone verifies with nothing but Python.

\b
  airgap bundle create demo/latest          reports/demo/RUN-ID.zip; asks AWS nothing
  airgap bundle verify reports/demo/RUN-ID.zip
  airgap bundle replay reports/demo/RUN-ID.zip   every finding, derived again
  airgap bundle show reports/demo/RUN-ID.zip     what it is and what it holds

\b
An auditor needs none of this: unzip it and run python3 verify.pyz.
Exit codes of verify and replay: 0 intact and derived again, 10 altered, 11 incomplete,
12 another verdict, 64 wrong usage.
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
Run = Annotated[str, typer.Argument(help="A run's folder, or ENV/RUN-ID, as demo/latest.")]
File = Annotated[Path, typer.Argument(help="A bundle (.zip), or the folder that it was unzipped into.")]
Sign = Annotated[str, typer.Option(help="Who signs: a private key in a PEM file (P-256), or kms:KEY.")]
Stamp = Annotated[str, typer.Option(help="URL of a time-stamp authority (RFC 3161).")]
Key = Annotated[Path | None, typer.Option(help="The signer's public key (PEM), from elsewhere than the bundle.")]
Authority = Annotated[Path | None, typer.Option(help="Certificates of the time-stamp authority (PEM).")]
Require = Annotated[bool, typer.Option("--require-signature", help="Fail (10) where no signature was checked.")]


@app.command(
    epilog=example(
        "airgap bundle create demo/latest",
        "airgap bundle create prod/latest --sign kms:alias/fintech-evidence",
        "airgap bundle create demo/latest --sign key.pem --stamp https://tsa.example.internal",
    )
)
def create(run: Run, sign: Sign = "", stamp: Stamp = "", as_json: Json = False) -> int:
    """Write one deterministic archive beside the run, and verify it; sign and time-stamp it in files beside it."""
    from airgap.evidence import packing
    from airgap.params import project_root
    from airgap.run.context import reports_root

    root = project_root()
    folder = packing.run_of(reports_root(root), run)
    output.progress("bundle", f"packing {folder.env}/{folder.run_id}")
    path = packing.create(folder, packing.added(folder, root / "requirements.lock"))
    _vouch(path, sign, stamp, folder.read_run())
    output.progress("bundle", "verifying it as an auditor would")
    report = _verified(path)
    if as_json:
        output.document({"bundle": str(path), "size": path.stat().st_size, **_data(report)})
    else:
        sys.stdout.write(report.text())
        output.say(f"{path}, {path.stat().st_size / 1e6:.1f} MB")
    return report.code


def _vouch(path: Path, sign: str, stamp: str, run: Mapping[str, Any]) -> None:
    """Write the signature and the time-stamp that are asked for; those of a bundle before it are taken away."""
    from airgap.evidence import signing, stamping
    from airgap.evidence.bundle.manifest import MANIFEST
    from airgap.evidence.bundle.members import opened
    from airgap.evidence.files import write_whole

    said = opened(str(path))[MANIFEST]
    for module in (signing, stamping):
        module.side_file(path).unlink(missing_ok=True)
    if sign:
        text = signing.envelope(signing.statement(run, said), _signer(sign, str(run["region"])))
        write_whole(signing.side_file(path), text)
        said = text.encode()
    if stamp:
        write_whole(stamping.side_file(path), stamping.stamp(stamp, said))


def _signer(named: str, region: str) -> signing.Signer:
    from airgap.cloud.kms_signer import kms_key
    from airgap.evidence.signing import Signer, local_key

    if named.startswith("kms:"):
        return Signer(*kms_key(named[4:], region))
    return local_key(Path(named))


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
    vouched = _vouched(file, public_key, authority)
    if as_json:
        output.document({**_data(report), "vouched": {name: one._asdict() for name, one in vouched.items()}})
    else:
        sys.stdout.write(report.text())
        for name, one in vouched.items():
            mark = {True: "OK", False: "FAIL", None: "-"}[one.holds]
            output.say(f"{mark:<4}  {name:<12} {one.text}")
    if report.code == 0 and (
        any(one.holds is False for one in vouched.values()) or (require_signature and not vouched["signature"].holds)
    ):
        return 10
    return report.code


def _vouched(file: Path, public_key: Path | None, authority: Path | None) -> dict[str, signing.Signature]:
    """Return what became of the signature and the time-stamp beside a bundle."""
    from airgap.evidence import signing, stamping
    from airgap.evidence.bundle.manifest import MANIFEST
    from airgap.evidence.bundle.members import Broken, opened

    try:
        said = opened(str(file))[MANIFEST]
    except (Broken, KeyError):
        said = b""
    envelope, answer = signing.side_file(file), stamping.side_file(file)
    found = {"signature": signing.Signature(None, "not signed"), "time-stamp": signing.Signature(None, "none")}
    if envelope.is_file():
        raw = envelope.read_bytes()
        found["signature"] = signing.judge(raw, said, _read(public_key))
        said = raw
    if answer.is_file():
        found["time-stamp"] = stamping.judge(answer.read_bytes(), said, _read(authority))
    return found


def _read(path: Path | None) -> bytes | None:
    if path is not None and not path.is_file():
        raise UsageError(f"{path} is no file", "anything", "name a file of keys or certificates in PEM")
    return path.read_bytes() if path else None


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


@app.command(epilog=example("airgap bundle replay reports/demo/RUN-ID.zip"))
def replay(file: File, as_json: Json = False) -> int:
    """Derive every finding again from the recorded pages, and show them beside what the bundle states."""
    from airgap.evidence.bundle import replay as replaying
    from airgap.evidence.bundle.members import opened
    from airgap.evidence.bundle.recorded import Run as Recorded
    from airgap.model.finding import counts

    report = _verified(file)
    if report.code not in (0, 12):
        sys.stdout.write(report.text())
        return report.code
    recorded = Recorded(opened(str(file)))
    again = [replaying.again(recorded, step, recorded.intent) for step in replaying.judged(recorded)]
    if as_json:
        data = {one.step: [each.as_data() for each in one.findings] for one in again}
        output.document({**_data(report), "findings": data})
        return report.code
    for one in again:
        tally = ", ".join(f"{number} {status}" for status, number in counts(one.findings).items() if number)
        output.say(f"{one.step:<22} {tally}")
    sys.stdout.write(report.text())
    return report.code


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
