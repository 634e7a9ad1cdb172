"""The chain of runs: each bundle names the manifest of the bundle before it, so that one that is taken away is missed.

Runs that were never sealed stand in no bundle; they are shown where their folders are still there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from airgap.errors import UsageError
from airgap.evidence.bundle import manifest
from airgap.evidence.bundle.members import INCOMPLETE, INTACT, INTEGRITY, Broken, opened
from airgap.evidence.folder import runs
from airgap.evidence.signing import Signature
from airgap.model.canonical import digest

_HOLDS = {INTACT: True, INTEGRITY: False, INCOMPLETE: None}


class Link(NamedTuple):
    """One run in the chain: when it was, its verdict, the digest of its manifest, and how it follows on the one before.

    ``code`` is 0 where it does, 10 where it names another manifest than is here, 11 where there is a gap.
    """

    run_id: str
    started: str
    verdict: str
    manifest_sha256: str
    code: int
    text: str


def before(bundle: Path) -> Signature:
    """Return whether the bundle before lies beside a bundle and is the one that it names; None: not decided."""
    try:
        head = manifest.header(opened(str(bundle)))
        named = head.get("previous")
        if not named:
            return Signature(None, "names no bundle before it")
        code, text = _follows(named, bundle.with_name(f"{named['run_id']}.zip"))
    except (Broken, LookupError, TypeError) as error:
        return Signature(None, f"cannot be followed ({error})")
    return Signature(_HOLDS[code], text)


def _follows(named: Mapping[str, Any], path: Path) -> tuple[int, str]:
    run_id, wanted = named["run_id"], named["manifest_sha256"]
    if not path.is_file():
        return INCOMPLETE, f"follows {run_id}, which is not here; its manifest has SHA-256 {wanted}"
    if digest(opened(str(path))[manifest.MANIFEST]) != wanted:
        return INTEGRITY, f"names another manifest of {run_id} than that bundle has: it was altered, or sealed anew"
    return INTACT, f"follows {run_id}"


def chain(folder: Path) -> list[Link]:
    """Return the runs of a folder, an environment's reports or a shelf of bundles, oldest first.

    Raises ``UsageError`` where it holds none.
    """
    sealed = {one.stem for one in folder.glob("*.zip")}
    names = sorted({*sealed, *runs(folder.parent, folder.name)})
    if not names:
        raise UsageError(
            f"{folder} holds no bundle and no run", "anything", "name an environment, or a folder of bundles"
        )
    found: list[Link] = []
    last = ""
    for name in names:
        found.append(_link(folder, name, last) if name in sealed else _unsealed(folder / name))
        last = name if name in sealed else last
    return found


def _unsealed(run: Path) -> Link:
    try:
        told = json.loads((run / "run.json").read_bytes())
    except (OSError, ValueError):
        told = {}
    return Link(run.name, str(told.get("started", "")), str(told.get("verdict", "")), "", INCOMPLETE, "was not sealed")


def _link(folder: Path, name: str, last: str) -> Link:
    """Return a bundle's link; ``last`` is the bundle before it on the shelf, empty for the first."""
    try:
        members = opened(str(folder / f"{name}.zip"))
        run, head = json.loads(members["run.json"]), manifest.header(members)
        own = digest(members[manifest.MANIFEST])
        code, text = _place(head.get("previous"), folder, last)
    except (Broken, LookupError, TypeError, ValueError) as error:
        return Link(name, "", "", "", INTEGRITY, f"cannot be read: {error}")
    return Link(name, str(run.get("started", "")), str(run.get("verdict", "")), own, code, text)


def _place(named: Mapping[str, Any] | None, folder: Path, last: str) -> tuple[int, str]:
    if named is None:
        return (INCOMPLETE, f"names no bundle before it, and {last} is here") if last else (INTACT, "is the first")
    code, text = _follows(named, folder / f"{named['run_id']}.zip")
    if code == INTACT and named["run_id"] != last:
        return INCOMPLETE, f"{text}, and {last} stands between them"
    return code, text
