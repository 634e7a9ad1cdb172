"""Programs out of Debian packages that are unpacked into the lab's cache and never installed: no user, no daemon.

apt verifies them by the archive's signature. What a stable release has not is taken from its backports, whose lists
are kept beside the package, so the machine's own sources stay as they are.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from airgap.errors import AirgapError
from airgap.lab.cache_folder import once
from airgap.lab.packages import LOCK

RELEASE = Path("/etc/os-release")
MIRROR = "http://deb.debian.org/debian"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LIMIT = 300.0


def unpacked(name: str, packages: Sequence[str], tell: Callable[[str], None]) -> Path:
    """Return the folder that holds what is in some packages, fetched where they are not yet, after telling which.

    Raises AirgapError where apt has one of them neither in the machine's sources nor in backports.
    """

    def make(folder: Path) -> None:
        tell(f"fetching the packages {', '.join(packages)} with apt-get into {folder.parent}; they are not installed")
        with LOCK.open("w") as held:  # apt admits one at a time
            fcntl.flock(held, fcntl.LOCK_EX)
            _fetch(packages, folder)
        found = sorted(folder.glob("*.deb"))
        for one in found:
            _run(["dpkg", "-x", str(one), str(folder)], folder)
            one.unlink()
        shutil.rmtree(folder / ".apt", ignore_errors=True)
        (folder / "packages.txt").write_text("".join(f"{one.name}\n" for one in found))

    return once(name, f"{_codename()} {' '.join(packages)}", make)


def libraries(folder: Path) -> str:
    """Return the folders of libraries in what was unpacked, as LD_LIBRARY_PATH takes them."""
    return ":".join(sorted({str(one.parent) for one in folder.glob("usr/lib/**/*.so*")}))


def _fetch(packages: Sequence[str], folder: Path) -> None:
    """Download what the machine's sources have, else the same from backports."""
    missing = [one for one in packages if not _download(one, folder, [])]
    if missing and os.geteuid() == 0:
        _apt(["update"], folder, [])
        missing = [one for one in missing if not _download(one, folder, [])]
    if not missing:
        return
    options = _backports(folder)
    _apt(["update"], folder, options)
    absent = [one for one in missing if not _download(one, folder, options)]
    if absent:
        what = f"apt has no {', '.join(absent)}, neither in this machine's sources nor in {_codename()}-backports"
        raise AirgapError(what, "the machine", "a mirror of Debian or Ubuntu that has it")


def _download(package: str, folder: Path, options: list[str]) -> bool:
    return _apt(["download", package], folder, options).returncode == 0


def _backports(folder: Path) -> list[str]:
    """Return the options by which apt looks into backports alone, with lists of its own."""
    state = folder / ".apt"
    (state / "lists" / "partial").mkdir(parents=True)
    source = state / "sources.list"
    source.write_text(f"deb [signed-by={KEYS}] {MIRROR} {_codename()}-backports main\n")
    chosen = {"Dir::Etc::sourcelist": source, "Dir::Etc::sourceparts": "-", "Dir::State::lists": state / "lists",
              "Dir::Cache": state}  # fmt: skip
    return [part for name, value in chosen.items() for part in ("-o", f"{name}={value}")]


def _apt(command: list[str], folder: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    # A sandbox of apt's own user could not write into our folder.
    return _run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", *options, *command], folder)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT)


def _codename() -> str:
    lines = RELEASE.read_text().splitlines() if RELEASE.exists() else []
    return next((one.partition("=")[2].strip('"') for one in lines if one.startswith("VERSION_CODENAME=")), "")
