"""Debian packages that the lab's real components come from: said before they are installed, installed where absent.

Whoever starts a daemon by hand does not want the one that the package's own script would start, so none is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from airgap.errors import AirgapError, UsageError

LIMIT = 600.0
"""Seconds after which an installation is given up."""
LOCK = Path(tempfile.gettempdir()) / "airgap-lab-packages.lock"
POLICY = Path("/usr/sbin/policy-rc.d")
"""What invoke-rc.d asks before it starts a daemon: 101 says no (Debian Policy, 9.3.3.1)."""


def absent(packages: Iterable[str]) -> list[str]:
    """Return those of the packages that this machine has not, in order; all of them where there is no dpkg."""
    wanted = sorted(set(packages))
    if shutil.which("dpkg-query") is None:
        return wanted
    command = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    have = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [one for one in wanted if one not in have]


def installed(*packages: str, tell: Callable[[str], None]) -> None:
    """Have Debian packages installed, telling beforehand what will be; nothing is said or done where all are there.

    UsageError where the machine has no apt-get or the caller is not root, AirgapError where apt-get fails.
    """
    if not absent(packages):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        what = f"The lab needs the Debian packages {', '.join(absent(packages))}, which only root can install here"
        raise UsageError(what, "the machine", f"as root: apt-get install {' '.join(absent(packages))}")
    with _alone():
        missing = absent(packages)
        if missing:
            tell(f"installing with apt-get: {', '.join(missing)}")
            with _no_daemons():
                _install(missing)


def _install(missing: list[str]) -> None:
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    done = _apt(command)
    if done.returncode != 0:
        # The lists may be absent or older than what the mirrors still have.
        _apt(["apt-get", "update", "-q"])
        done = _apt(command)
    if done.returncode != 0:
        raise AirgapError(
            f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-600:]}",
            "anything that apt-get does not name",
            "see what apt-get says; what it needs is a Debian or Ubuntu mirror",
        )


def _apt(command: list[str]) -> subprocess.CompletedProcess[str]:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as error:
        said = f"{' '.join(command)} did not end in {LIMIT:.0f} s"
        raise AirgapError(said, "anything that it had not come to", "try again") from error


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until nobody else of the lab installs anything: dpkg admits one at a time and fails the others."""
    with LOCK.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Have no package start its daemon; a machine that has a policy of its own keeps it."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
