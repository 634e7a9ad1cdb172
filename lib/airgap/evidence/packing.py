"""Packing: a run's folder as one deterministic archive that an auditor verifies with nothing but Python.

The same run by the same software gives the same bytes: names are sorted, every member has one date and mode, and all
that is written into it is taken from the run. AWS is not asked, and nothing is rendered.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import airgap
from airgap.errors import AirgapError, UsageError
from airgap.evidence.bundle import manifest
from airgap.evidence.files import write_whole
from airgap.evidence.folder import RunFolder, runs
from airgap.evidence.scanning import hits
from airgap.model.canonical import digest
from airgap.model.redaction import Redactor

CORE = ("errors.py", "model", "egress", "checks", "controls", "evidence/bundle")
"""What of the library an auditor runs; ``tests/project/test_core.py`` holds it to Python 3.9 and nothing else."""
VERIFIER = "verify.pyz"
_START = (1980, 1, 1, 0, 0, 0)
_MAIN = "import sys\nfrom airgap.evidence.bundle.verify import main\nsys.exit(main(sys.argv[1:]))\n"


def create(folder: RunFolder, added: Mapping[str, bytes], secrets: Iterable[str] = ()) -> Path:
    """Write a run's bundle beside its folder and return its path; ``added`` are members made from the run.

    ``secrets`` are values that must stand in no member, beside whatever has the form of a secret.

    Raises ``AirgapError`` where the run has not ended, or where a secret stands in any member.
    """
    folder.read_run()
    members = {**dict(_files(folder.root)), **added, VERIFIER: verifier()}
    look = Redactor(secrets)
    found = [
        f"{name}: {what}" for name in sorted(set(members) - {VERIFIER}) for what in hits(name, members[name], look)
    ]
    if found:
        raise AirgapError(
            f"The bundle would carry what looks like a secret: {'; '.join(found[:5])}",
            "anything; no bundle was written",
            "take the secret out of service, find out how it came there, and run again",
        )
    head = {"run_id": folder.run_id, "env": folder.env, "previous": predecessor(folder)}
    members[manifest.MANIFEST] = manifest.text(members, head).encode("utf-8")
    path = folder.root.with_name(f"{folder.run_id}.zip")
    write_whole(path, archive(members))
    return path


def predecessor(folder: RunFolder) -> dict[str, str] | None:
    """Return run id and manifest digest of the newest bundle before this run, None where there is none."""
    for run_id in reversed([one for one in runs(folder.reports_root, folder.env) if one < folder.run_id]):
        path = folder.root.with_name(f"{run_id}.zip")
        if path.is_file():
            with zipfile.ZipFile(path) as held:
                return {"run_id": run_id, "manifest_sha256": digest(held.read(manifest.MANIFEST))}
    return None


def archive(members: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of these members, the same bytes for the same members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, date_time=_START)
            info.external_attr, info.create_system, info.compress_type = 0o100644 << 16, 3, zipfile.ZIP_DEFLATED
            file.writestr(info, members[name])
    return buffer.getvalue()


def verifier() -> bytes:
    """Return ``verify.pyz``: the very modules that judged, with a main that verifies."""
    root = Path(str(resources.files(airgap)))
    modules = {"__main__.py": _MAIN.encode(), "airgap/__init__.py": (root / "__init__.py").read_bytes()}
    modules["airgap/evidence/__init__.py"] = (root / "evidence" / "__init__.py").read_bytes()
    for name in CORE:
        place = root / name
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            modules[f"airgap/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    return b"#!/usr/bin/env python3\n" + archive(modules)


def run_of(reports_root: Path, named: str) -> RunFolder:
    """Return the run that is named by its folder or as ENV/RUN-ID; raises ``UsageError`` where there is none."""
    path = Path(named)
    if (path / "run.json").is_file():
        where = path.resolve()
        return RunFolder(where.parent.parent, where.parent.name, where.name)
    env, _, run_id = named.partition("/")
    found = RunFolder.open(reports_root, env, "latest") if run_id == "latest" else None
    if found is None and run_id in runs(reports_root, env):
        found = RunFolder(reports_root, env, run_id)
    if found is None:
        known = [f"{env}/{one}" for one in runs(reports_root, env)[-5:]]
        raise UsageError(f"there is no run {named!r}", "anything", f"runs: {', '.join(known) or 'none yet'}")
    return found


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a run has left, files that were never finished apart."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(root).as_posix(), path.read_bytes()


def added(folder: RunFolder, lock: Path) -> dict[str, bytes]:
    """Return the members that a bundle has beside the run's own files: how to use it, and with what it was made."""
    run = folder.read_run()
    software: dict[str, Any] = {"versions": run["versions"], "commit": run["commit"]}
    if lock.is_file() and digest(lock.read_bytes()) == run["versions"].get("lock_sha256"):
        return {"README.txt": _readme(run), "requirements.lock": lock.read_bytes(), "software.json": _json(software)}
    return {"README.txt": _readme(run), "software.json": _json(software)}


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def _readme(run: Mapping[str, Any]) -> bytes:
    text = resources.files("airgap.evidence").joinpath("bundle_readme.txt").read_text(encoding="utf-8")
    return text.format(
        **{name: run[name] for name in ("run_id", "env", "world", "account", "region", "verdict")}
    ).encode()
