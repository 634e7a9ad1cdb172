"""What the lab has downloaded and keeps: each thing in a folder of its own, made once, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def home() -> Path:
    """Return the cache; root's is where whoever a server runs as can read it (Filesystem Hierarchy Standard, 5.5)."""
    if os.geteuid() == 0:
        return Path("/var/cache/airgap/lab")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airgap" / "lab"


def once(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder that ``make`` filled for this name and key, by whomever; others wait while it is being made."""
    folder = home() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    home().mkdir(mode=0o755, parents=True, exist_ok=True)
    with (home() / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not folder.is_dir():
            fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=home()))
            try:
                fresh.chmod(0o755)
                make(fresh)
                fresh.rename(folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return folder
