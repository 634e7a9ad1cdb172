"""Whether the process that runs this notebook still lives, so that an orphaned kernel makes no further write.

A kernel outlives a killed runner by about a second, long enough for a write that nobody records or locks. A process id
alone is not enough to know its runner, as ids are used again; with the start time (proc(5), ``/proc/PID/stat``,
field 22) it is.
"""

from __future__ import annotations

import os
from pathlib import Path

RUNNER_VARIABLE = "AIRGAP_RUNNER_PID"
"""The environment variable in which a kernel is told its runner, as ``PID:START``."""


def runner_mark() -> str:
    """Return this process as ``PID:START``, the value of ``RUNNER_VARIABLE`` for the kernels that it starts."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def runner_is_gone() -> bool:
    """Whether a runner started this kernel and has ended since; False where there never was one, as in JupyterLab."""
    mark = os.environ.get(RUNNER_VARIABLE, "")
    pid, _, started = mark.partition(":")
    if not mark:
        return False
    return not pid.isdecimal() or _started(int(pid)) != started


def _started(pid: int) -> str | None:
    """Return when a live process started, in clock ticks since boot; None when it is gone or a zombie."""
    if not Path("/proc/self/stat").exists():
        return _answers(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name, field 2, may hold spaces and parentheses
    return None if fields[0] in "ZX" else fields[19]


def _answers(pid: int) -> str | None:
    """Return a start time that is always the same for a process that takes signals, on systems without ``/proc``."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it lives, and is another user's
    return "-"
