"""A lab without root: the same commands as root of namespaces of the caller's own, which one process keeps alive.

A user namespace gives every right over what stands in it and none over the machine (user_namespaces(7)). The keeper has
a network of its own and a ``/run`` of its own, where ``ip netns`` names namespaces; labs stand inside, and each command
enters. Run as ``python -m airgap.lab.rootless`` it is the keeper.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from airgap.errors import UsageError
from airgap.lab import standing

KEEPER = "airgap.lab.rootless"
ENTERED = "AIRGAP_LAB_KEEPER"
"""The variable by which a command knows that it has entered, and whom."""
STARTS_WITHIN = 10.0
_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount")


def enter(argv: Sequence[str], *, begin: bool) -> None:
    """Where the caller is not root, run the command again inside, and do not return.

    Without a keeper one is begun, where that is asked for; raises ``UsageError`` where the machine admits none.
    """
    pid = 0 if os.geteuid() == 0 else running() or (_begun() if begin else 0)
    if not pid:
        return
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    inside = [
        "nsenter",
        "--user",
        "--mount",
        "--net",
        "--preserve-credentials",
        f"--target={pid}",
        f"--wd={Path.cwd()}",
    ]
    os.execvpe(
        "nsenter", [*inside, sys.executable, "-m", "airgap", *argv], {**os.environ, ENTERED: str(pid), "PATH": path}
    )


def leave() -> None:
    """End the keeper that this command has entered, once no lab stands any more."""
    kept = os.environ.get(ENTERED)
    if kept and not standing.standing():
        _file().unlink(missing_ok=True)
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(kept), signal.SIGTERM)


def running() -> int:
    """Return the process of the keeper, 0 where none runs."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(_file().read_text())
        if KEEPER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return 0


def _begun() -> int:
    file = _file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    child = subprocess.Popen(
        [*_UNSHARE, sys.executable, "-m", KEEPER, str(file)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    end = time.monotonic() + STARTS_WITHIN
    while not running():
        if child.poll() is not None or time.monotonic() > end:
            child.kill()
            said = child.communicate()[1].strip().splitlines()
            what = f"A lab needs root, or namespaces of the caller's own: {said[-1] if said else 'they were not made'}"
            raise UsageError(what, "anything", "run it as root, or let users make user namespaces on this machine")
        time.sleep(0.02)
    return child.pid


def _file() -> Path:
    return standing.home().parent / "lab-keeper"


def _keep(file: Path) -> None:
    """Make a place for names of namespaces, say that it is there, and wait to be ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/netns").mkdir()
    file.write_text(str(os.getpid()))
    while True:
        signal.pause()


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
