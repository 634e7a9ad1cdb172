"""Saves a kit: wheels by the hashed lock, notebooks, params, charts and programs in one file, the same bytes each time.

Only what a run needs is taken of the lock, not what tests and development need. Beside the kit stands its loader, one
file that a bare Python runs.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airgap
from airgap.errors import KitBroken, UsageError
from airgap.evidence.provenance import commit_of
from airgap.model import kit
from airgap.model.kit import Manifest, Member
from airgap.run.kit_loading import Report, here

PROJECT = "airgap-runbook"
CARRIED = {"notebooks": ("*.ipynb",), "params": ("*.yaml", "*.json", "charts/*"), "docs": ("*.md",)}
_ENTRY = re.compile(r"^(?=[A-Za-z0-9_.-]+==)", re.MULTILINE)
_LOADER = ("__init__.py", "errors.py", "model/__init__.py", "model/kit.py", "run/__init__.py", "run/kit_loading.py")
_MAIN = '''"""Loads the kit beside this file: python3 FILE.load.pyz FILE --into FOLDER"""

import argparse
import sys
from pathlib import Path

from airgap.errors import AirgapError
from airgap.run.kit_loading import load

asked = argparse.ArgumentParser(description="Verifies a kit and installs it in a new folder, with no network.")
asked.add_argument("file", type=Path, help="the kit")
asked.add_argument("--into", type=Path, default=Path("airgap"), help="new folder (default: airgap)")
given = asked.parse_args()
try:
    done = load(given.file, given.into, lambda step, text: print(text, file=sys.stderr, flush=True))
except AirgapError as error:
    sys.stderr.write(f"airgap: {error.diagnostics()}\\n")
    sys.exit(error.exit_code)
print(f"{done['members']} members verified and installed in {done['into']}")
print(f"Next: {done['next']}")
'''
_STAMP = (1980, 1, 1, 0, 0, 0)


def save(root: Path, file: Path, report: Report) -> dict[str, Any]:
    """Write the kit of a checkout and its loader; what was fetched stays beside the file until it is whole."""
    if not (root / "lib" / "airgap").is_dir():
        raise UsageError(
            f"{root} is no checkout of the runbook", "anything", "save where lib/airgap is; kits are loaded"
        )
    part = file.with_name(f".{file.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    lock = _wheels(root, part, report)
    sources = {**_carried(root), **_programs(), **lock}
    manifest = Manifest(airgap.__version__, commit_of(root), *here(), tuple(_members(sources)))
    report("", f"writing {len(sources)} members")
    whole = _written(file, manifest, sources)
    shutil.rmtree(part)
    loader = file.with_name(f"{file.name}.load.pyz")
    _replace(loader, program())
    said = {"file": str(file), "sha256": whole, "size": file.stat().st_size, "loader": str(loader)}
    named = {one.path.rpartition("/")[2]: one.sha256 for one in manifest.members if one.program}
    lacking = [name for name in (*kit.TOOLS, kit.PLUGIN) if name not in named]
    return {
        **kit.summary(manifest), **said, "loader_sha256": _digest(loader), "program_digests": named, "lacking": lacking
    }  # fmt: skip


def needed(lock: str) -> str:
    """Return the part of the lock that a run and a rehearsal need, as it is written there."""
    wanted = _closure()
    return "".join(one for one in _ENTRY.split(lock) if _normal(one.partition("==")[0]) in wanted)


def _closure() -> set[str]:
    """The names that the project needs here, with the rehearsal, by the installed packages' own word."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    seen: dict[str, set[str]] = {}
    left: list[tuple[str, set[str]]] = [(PROJECT, {"rehearsal"})]
    while left:
        name, extras = left.pop()
        if _normal(name) in seen and extras <= seen[_normal(name)]:
            continue
        seen.setdefault(_normal(name), set()).update(extras)
        for one in map(Requirement, requires(name) or ()):
            if one.marker is None or any(one.marker.evaluate({"extra": each}) for each in (*extras, "")):
                left.append((one.name, set(one.extras)))
    return set(seen)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _wheels(root: Path, part: Path, report: Report) -> dict[str, Path]:
    """Fetch the wheels by their hashes, build the project's own, and write the lock that lists them all."""
    lock, folder = part / kit.LOCK, part / kit.WHEELS
    text = needed((root / "requirements.lock").read_text(encoding="utf-8"))
    lock.write_text(text, encoding="utf-8")
    count = len(_ENTRY.split(text)) - 1
    report("", f"fetching {count} wheels by the hashed lock")
    exact = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--progress-bar", "off"]
    _pip(["download", *exact, "-r", str(lock), "-d", str(folder)], root, report, count)
    own = part / "own"
    shutil.rmtree(own, ignore_errors=True)
    report("", "building the runbook's own wheel")
    _pip(["wheel", "--no-deps", "--no-build-isolation", "-w", str(own), str(root)], root, report, 0)
    built = next(own.glob("*.whl"))
    for old in folder.glob(f"{PROJECT.replace('-', '_')}-*.whl"):
        old.unlink()
    shutil.move(built, folder / built.name)
    pin = f"{PROJECT}=={airgap.__version__} --hash=sha256:{_digest(folder / built.name)}\n"
    lock.write_text(pin + text, encoding="utf-8")
    return {kit.LOCK: lock, **{f"{kit.WHEELS}/{one.name}": one for one in folder.glob("*.whl")}}


def _pip(arguments: list[str], root: Path, report: Report, count: int) -> None:
    """Run pip, telling how far it is; the same time stamp in a wheel each time."""
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"]
    told: list[str] = []
    surroundings = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}
    with subprocess.Popen(
        command, cwd=root, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        done = 0
        for line in running.stdout or ():
            told.append(line.rstrip())
            done += line.startswith(("Collecting ", "Processing "))
            if count and line.startswith(("Collecting ", "Processing ")) and done % 20 == 0:
                report("", f"fetched {done} of {count}")
    if running.returncode:
        last = "\n".join(told[-8:])
        raise KitBroken(f"pip could not finish: {last}", "a kit that is there", "mend that and save again; it goes on")


def _carried(root: Path) -> dict[str, Path]:
    """The files of the checkout that a kit carries, by their places; what git ignores is not among them."""
    found = {name: root / name for name in kit.FILES if name != kit.LOCK and (root / name).is_file()}
    for folder, patterns in CARRIED.items():
        for pattern in patterns:
            found.update({str(one.relative_to(root)): one for one in (root / folder).glob(pattern) if one.is_file()})
    return found


def _programs() -> dict[str, Path]:
    """Helm and kubectl, without which nothing can be deployed, and the Session Manager plug-in where it is present."""
    beside, found = Path(sys.executable).parent, {}
    for name in (*kit.TOOLS, kit.PLUGIN):
        place = beside / name if (beside / name).is_file() else Path(shutil.which(name) or "")
        if place.is_file():
            found[f"bin/{name}"] = place
        elif name in kit.TOOLS:
            raise UsageError(f"{name} is neither beside {beside} nor on the PATH", "anything", "run 'make setup' again")
    return found


def _members(sources: dict[str, Path]) -> Iterator[Member]:
    for path, place in sorted(sources.items()):
        yield Member(path, place.stat().st_size, _digest(place), path.startswith("bin/"))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _written(file: Path, manifest: Manifest, sources: dict[str, Path]) -> str:
    """Write the tar beside its place and move it there; return its SHA-256."""
    beside = file.with_name(f".{file.name}.tar.part")
    with tarfile.open(beside, "w:", format=tarfile.GNU_FORMAT) as archive:
        listed = kit.encode(manifest)
        archive.addfile(_header(kit.MANIFEST, len(listed), program=False), io.BytesIO(listed))
        for one in manifest.members:
            with sources[one.path].open("rb") as stream:
                archive.addfile(_header(one.path, one.size, program=one.program), stream)
    os.replace(beside, file)
    return _digest(file)


def _header(path: str, size: int, *, program: bool) -> tarfile.TarInfo:
    """No time, no owner: the same content is the same file."""
    header = tarfile.TarInfo(path)
    header.size, header.mtime, header.mode = size, 0, 0o755 if program else 0o644
    return header


def program() -> bytes:
    """Return the loader as one file for a bare Python, the same bytes each time."""
    folder, held = Path(airgap.__file__).parent, io.BytesIO()
    texts = {"__main__.py": _MAIN.encode(), **{f"airgap/{one}": (folder / one).read_bytes() for one in _LOADER}}
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in sorted(texts.items()):
            archive.writestr(zipfile.ZipInfo(name, _STAMP), text)
    return b"#!/usr/bin/env python3\n" + held.getvalue()


def _replace(file: Path, content: bytes) -> None:
    beside = file.with_name(f".{file.name}.part")
    beside.write_bytes(content)
    beside.chmod(0o755)
    os.replace(beside, file)
