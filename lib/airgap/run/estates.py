"""Estates on disk: a snapshot, or a plain folder of ``aws ... describe-*`` output, as documents for the proof."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airgap.egress.facts import Document
from airgap.errors import UsageError

INDEX = "observations/index.json"


def documents(root: Path) -> list[Document]:
    """Return every answer of an estate; raises ``UsageError`` where the folder holds none, or one that is no JSON.

    A plain folder is ``*.json``, ``REGION/*.json`` or ``accounts/ACCOUNT/REGION/*.json``; files are told apart by
    their top-level keys, whatever they are called.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is no folder", "anything", "name a snapshot, or a folder of describe output")
    found = list(_plain(root))
    if not found:
        raise UsageError(f"{root} holds no JSON answers", "anything", "name a snapshot, or a folder of describe output")
    return found


def _plain(root: Path) -> Iterator[Document]:
    inner = root / "aws_configs"
    root = inner if inner.is_dir() else root
    for path in sorted(root.rglob("*.json")):
        parts = path.relative_to(root).parts[:-1]
        account = parts[1] if len(parts) == 3 and parts[0] == "accounts" else ""
        region = parts[-1] if parts else ""
        yield Document(account, region, {}, _read(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text())
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}", "anything", "record the answer again") from error
    if not isinstance(body, dict):
        raise UsageError(f"{path} is no answer of AWS: it is no JSON object", "anything", "record the answer again")
    return body
