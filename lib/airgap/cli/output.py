"""What commands print: help with examples, results on standard output, progress and logs on standard error."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
BEGAN = time.monotonic()


def example(*lines: str) -> str:
    """Return the end of a command's help: what to type, line by line."""
    return "\n".join(["\b", "For example:", *(f"  {line}" for line in lines)])


def document(data: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def say(text: str = "") -> None:
    """Print a line of a result on standard output."""
    sys.stdout.write(text + "\n")


def progress(step: str, text: str) -> None:
    """Print one line of progress on standard error, with the seconds since the command began."""
    sys.stderr.write(f"[{time.monotonic() - BEGAN:6.1f} s] {step + ': ' if step else ''}{text}\n")
    sys.stderr.flush()
