"""Loads a kit where there is no network: all of it verified first, then installed from its own wheels alone.

This module, ``model.kit`` and ``errors`` are packed beside a kit as a program of their own, for a host on which nothing
is installed yet; so they use the standard library alone, and no network.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airgap.errors import KitBroken, UsageError
from airgap.model import kit
from airgap.model.kit import Broken, Header, Manifest

Report = Callable[[str, str], None]
PIECE = 1024**2
_NOTHING = "nothing was installed, and nothing of it was kept"
TELL = 5.0
"""Seconds between two lines of progress while something is installed."""
# Modules are compiled when they are first used; compiling all of them would take longer than installing.
_OFFLINE = (
    *("-q", "--no-index", "--find-links", kit.WHEELS, "--only-binary", ":all:"),
    *("--no-deps", "--require-hashes", "--no-compile"),
)
_AGAIN = "compare its SHA-256 with the one at its origin, and copy it again"


def here() -> tuple[str, str]:
    """Return the Python and the platform of this interpreter, as a kit names them."""
    return (
        f"{sys.version_info[0]}.{sys.version_info[1]}",
        f"{sysconfig.get_platform()}-{platform.libc_ver()[0] or 'libc'}",
    )


def load(file: Path, into: Path, report: Report) -> dict[str, Any]:
    """Verify a kit, unpack it into a new folder, and install it there; raises ``KitBroken`` and leaves nothing."""
    into = into.absolute()
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into} is there and not empty", "it", "name a new folder with --into")
    if not file.is_file():
        raise UsageError(f"{file} is not there", "anything", "name the file that 'airgap kit save' wrote")
    part = into.with_name(f".{into.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        manifest = _unpacked(file, part, report)
        into.parent.mkdir(parents=True, exist_ok=True)
        if into.exists():
            into.rmdir()
        part.rename(into)
    except (Broken, tarfile.TarError, EOFError, OSError) as error:
        raise KitBroken(f"{file} is not a whole kit: {error}", _NOTHING, _AGAIN) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    _installed(into, manifest, report)
    return {**kit.summary(manifest), "into": str(into), "next": following(into)}


def following(into: Path) -> str:
    """Return what to do once the kit is installed."""
    return f"cd {into} && .venv/bin/airgap params check --env demo"


def read(file: Path) -> tuple[Manifest, list[tarfile.TarInfo]]:
    """Return a kit's list and its members' headers, held against each other; raises ``Broken`` or a tar's own errors.

    Only an uncompressed tar is read, so nothing can grow while it is read.
    """
    with tarfile.open(file, "r:") as archive:
        found: list[tarfile.TarInfo] = []
        for one in archive:
            found.append(one)
            if len(found) > kit.MEMBERS + 1:
                raise Broken(f"it has more than {kit.MEMBERS} members")
        if not found or found[0].name != kit.MANIFEST or not _is_plain(found[0]) or found[0].size > kit.MANIFEST_BYTES:
            raise Broken(f"its first member is not {kit.MANIFEST}")
        stream = archive.extractfile(found[0])
        manifest = kit.decode(stream.read() if stream else b"")
    for fault in kit.compare(manifest, [Header(one.name, one.size, _is_plain(one)) for one in found]):
        raise Broken(fault)
    whole = file.stat().st_size
    for one in found:
        if one.offset_data + one.size > whole:
            raise Broken(f"it ends within {one.name}")
    if reason := kit.fits(manifest, *here()):
        raise Broken(reason)
    return manifest, found


def _is_plain(one: tarfile.TarInfo) -> bool:
    return one.type == tarfile.REGTYPE and not one.pax_headers and not one.linkname


def _unpacked(file: Path, part: Path, report: Report) -> Manifest:
    """Unpack into ``part`` and hold every byte against the list; what is there counts only when this returns."""
    report("", f"reading {file}")
    manifest, found = read(file)
    wanted = {one.path: one for one in manifest.members}
    with file.open("rb") as stream:
        for number, header in enumerate(found[1:], 1):
            member, place = wanted[header.name], part / header.name
            place.parent.mkdir(parents=True, exist_ok=True)
            stream.seek(header.offset_data)
            if _copied(stream, place, member.size) != member.sha256:
                raise Broken(f"{header.name} is not what its list says")
            place.chmod(0o755 if member.program else 0o644)
            if number % 50 == 0 or number == len(wanted):
                report("", f"verified {number} of {len(wanted)} members")
    (part / kit.MANIFEST).write_bytes(kit.encode(manifest))
    return manifest


def _copied(stream: Any, place: Path, size: int) -> str:
    digest, left = hashlib.sha256(), size
    with place.open("xb") as out:
        while left and (piece := stream.read(min(PIECE, left))):
            digest.update(piece)
            out.write(piece)
            left -= len(piece)
    return digest.hexdigest()


def _installed(into: Path, manifest: Manifest, report: Report) -> None:
    """Make the virtual environment from the kit's wheels; where that fails the folder goes again."""
    try:
        report("", "making the virtual environment")
        _call([sys.executable, "-m", "venv", str(into / ".venv")], into)
        python = into / ".venv" / "bin" / "python"
        wheels = kit.summary(manifest)["wheels"]
        report("", f"installing {wheels} wheels, with no network")
        _call(
            [str(python), "-m", "pip", "install", *_OFFLINE, "-r", kit.LOCK], into, lambda: _told(into, wheels, report)
        )
        _call([str(python), "-m", "pip", "check"], into)
        for one in manifest.members:
            if one.path.startswith("bin/"):
                shutil.copy2(into / one.path, python.parent)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise


def _told(into: Path, wheels: int, report: Report) -> None:
    """Say how many packages are there so far."""
    there = sum(1 for _ in into.glob(".venv/lib/python*/site-packages/*.dist-info"))
    report("", f"installed {min(there, wheels)} of {wheels}")


def _call(command: list[str], folder: Path, report: Callable[[], None] = lambda: None) -> None:
    """Run a program with nothing of the caller's pip configuration; its own words are in the error."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    quiet = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with tempfile.TemporaryFile("w+") as words:
        running = subprocess.Popen(command, cwd=folder, env={**kept, **quiet}, stdout=words, stderr=words)
        while True:
            try:
                code = running.wait(timeout=TELL)
                break
            except subprocess.TimeoutExpired:
                report()
        words.seek(0)
        said = words.read().strip()[-2000:]
    if code:
        raise KitBroken(f"{' '.join(command[1:4])} failed: {said}", "anything outside the folder", _AGAIN)
