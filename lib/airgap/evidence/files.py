"""Files that are whole at every moment: written beside their place, flushed and renamed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airgap.errors import AirgapError

LATEST = "latest"


def write_whole(path: Path, data: bytes | str, *, durable: bool = True) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part; its folder is made.

    ``durable`` flushes it to the disk before the rename. Raises ``AirgapError`` on a full disk or a read-only folder.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    with _replaced(path) as part, part.open("wb") as file:
        file.write(raw)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    if durable:
        flush_folder(path.parent)


def link_latest(env_dir: Path, run_id: str) -> None:
    """Point ``latest`` in an environment's folder at a run, by a relative link that is replaced in one move."""
    with _replaced(env_dir / LATEST) as part:
        part.symlink_to(run_id, target_is_directory=True)


def flush_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, so that a rename in it outlives a power failure."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def not_written(path: Path, error: OSError) -> AirgapError:
    """Return the error that says which file was not written, why, and what to do."""
    where = f" ({error.filename})" if error.filename and str(error.filename) != str(path) else ""
    return AirgapError(
        f"{path} was not written: {error.strerror or error}{where}",
        "the file as it was before, if there was one; whatever was done in AWS is done",
        f"make room and give this user the right to write in {path.parent}, then run again: it resumes",
    )


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Give a place beside a path, of this thread alone, whose contents take the path's place in one move."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.unlink(missing_ok=True)  # of a dead process that had the same id
            yield part
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise not_written(path, error) from error
