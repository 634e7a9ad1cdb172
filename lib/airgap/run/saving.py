"""How an executed notebook comes to the disk: whole at every moment, and with no path of this machine in it."""

from __future__ import annotations

from pathlib import Path

from airgap.evidence.files import write_whole

SCHEME = "airgap:"
"""What the addresses begin with that papermill hands to ``WholeFiles``."""


class WholeFiles:
    """papermill's reader and writer of ``airgap:`` addresses, which are absolute paths."""

    def read(self, place: str) -> str:
        """Return the text of a notebook."""
        return Path(place.removeprefix(SCHEME)).read_text(encoding="utf-8")

    def write(self, text: str, place: str) -> None:
        """Write a notebook: at its start, around each cell, and in the middle of long ones."""
        write_whole(Path(place.removeprefix(SCHEME)), text)

    def pretty_path(self, place: str) -> str:
        """Return what papermill's log shows."""
        return place.removeprefix(SCHEME)


def address(path: Path) -> str:
    """Return a path as papermill takes it: with our scheme, and safe from its ``str.format`` over paths."""
    return SCHEME + str(path).replace("{", "{{").replace("}", "}}")


def shown(path: Path, notebook: Path) -> str:
    """Return a path relative to the repository that ``notebook`` is in, or the bare file name when it is outside."""
    root = next((folder for folder in notebook.parents if (folder / "environment.yml").is_file()), notebook.parent)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
