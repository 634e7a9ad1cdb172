"""What a lab leaves behind whose process was killed: found by whoever comes next, and removed.

Each lab holds a folder of state by a lock that the kernel takes back when its holder ends, however it ends. Programs of
``component`` end with their holder by themselves; containers and namespaces do not.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HOME = Path("/run/airgap")
"""Short, since Podman takes no path of its state that is longer than 50 characters; gone after a restart."""
_LOCK, _FACTS = "lock", "facts.json"


@contextlib.contextmanager
def held(kind: str, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Give a folder of state of a kind until the context ends; ``facts`` are what its removal will need."""
    HOME.mkdir(mode=0o700, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=HOME))
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / _FACTS).write_text(json.dumps(facts))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def abandoned(kind: str) -> Iterator[list[tuple[Path, dict[str, Any]]]]:
    """Give the folders of a kind whose holders have ended, with their facts, and remove them when the context ends."""
    found: list[tuple[Path, dict[str, Any]]] = []
    with contextlib.ExitStack() as stack:
        for folder in sorted(HOME.glob(f"{kind}-*")):
            # One without facts is being made at this moment.
            with contextlib.suppress(FileNotFoundError, BlockingIOError):
                facts = json.loads((folder / _FACTS).read_text())
                lock = stack.enter_context((folder / _LOCK).open())
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append((folder, facts))
        yield found
        for folder, _ in found:
            shutil.rmtree(folder, ignore_errors=True)
