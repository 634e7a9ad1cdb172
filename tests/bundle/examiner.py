"""The commands of ``docs/EXAMINER.md`` and their answers: read, repeated, compared, and written anew.

``python tests/bundle/examiner.py FOLDER`` writes the answers anew, as they are in a folder with the three files that
the walk begins with; the test prints one in its failure.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "EXAMINER.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.S)
VARIES = (
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"(?<!exit code )(?<![-\w.])\d+(?![-\w]|\.\d)"), "N"),
)
"""What differs between two runs of the same steps, or with one more check: names, times, digests and counts."""


class Typed(NamedTuple):
    """One command, as typed, and what it answered."""

    command: str
    answer: str


def typed(block: str) -> Iterator[Typed]:
    """Yield the commands of a block with the answers that stand under them."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        lines = part.splitlines()
        more = next((n for n, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        command = "\n".join([lines[0], *(line[2:] for line in lines[1:more])])
        yield Typed(command, "\n".join(lines[more:]))


def every(text: str) -> list[Typed]:
    """Return all commands of the document."""
    return [one for block in BLOCK.findall(text) for one in typed(block)]


def answered(command: str, folder: Path) -> str:
    """Return what a command prints in a folder, with its errors."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout.rstrip("\n")


def alike(text: str) -> str:
    """Return an answer without what differs between two runs."""
    for pattern, name in VARIES:
        text = pattern.sub(name, text)
    return text


def anew(text: str, folder: Path) -> str:
    """Return the document with the answers that its commands have in a folder."""

    def block(match: re.Match[str]) -> str:
        lines = []
        for one in typed(match[1]):
            first, *rest = one.command.split("\n")
            lines += [f"$ {first}", *(f"> {line}" for line in rest), answered(one.command, folder)]
        return "```console\n" + "\n".join(line for line in lines if line) + "\n```"

    return BLOCK.sub(block, text)


if __name__ == "__main__":
    DOCUMENT.write_text(anew(DOCUMENT.read_text(encoding="utf-8"), Path(sys.argv[1])), encoding="utf-8")
