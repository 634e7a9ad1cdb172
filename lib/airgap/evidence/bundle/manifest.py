"""The manifest: every member of a bundle with its size and SHA-256, one chained line each, in ``MANIFEST.jsonl``.

The first line says what the bundle is; each line's ``link`` is the digest of its other members, and ``prev`` the link
of the line before. What is signed is this file, since zip files differ between machines and it does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from airgap.evidence.bundle.members import INCOMPLETE, INTEGRITY, LARGEST, Broken, Fault
from airgap.model.canonical import digest_of, encode

MANIFEST, SCHEMA = "MANIFEST.jsonl", "airgap/bundle/v1"
_START = "0" * 64
_LINE = {"seq", "path", "sha256", "size", "prev", "link"}


def text(members: Mapping[str, bytes], head: Mapping[str, Any]) -> str:
    """Return the manifest of these members; ``head`` says of which run they are."""
    rows: list[dict[str, Any]] = [{"schema": SCHEMA, "members": len(members), **head}]
    for name in sorted(members):
        raw = members[name]
        rows.append({"path": name, "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)})
    lines, prev = [], _START
    for number, row in enumerate(rows):
        body = {"seq": number, **row, "prev": prev}
        prev = digest_of(body)
        lines.append(encode({**body, "link": prev}))
    return "\n".join(lines) + "\n"


def header(members: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest's first line; raises ``Broken`` where there is none."""
    return next(_lines(members))


def faults(members: Mapping[str, bytes]) -> list[Fault]:
    """Return what of the members is not as the manifest says; nothing is parsed but the manifest itself."""
    found: list[Fault] = []
    try:
        head, *rows = _lines(members)
    except Broken as broken:
        return [broken.fault]
    if head.get("schema") != SCHEMA or head.get("members") != len(rows):
        found.append(
            Fault(INTEGRITY, MANIFEST, f"says {head.get('members')!r} members of schema {head.get('schema')!r}")
        )
    listed = {str(row["path"]): row for row in rows}
    if sorted(listed) != [row["path"] for row in rows]:
        found.append(Fault(INTEGRITY, MANIFEST, "its lines are not in the order of their members, each once"))
    present = set(members) - {MANIFEST}
    found += [Fault(INTEGRITY, name, "is in no line of the manifest") for name in sorted(present - set(listed))]
    found += [Fault(INCOMPLETE, name, "is in the manifest and is missing") for name in sorted(set(listed) - present)]
    for name in sorted(present & set(listed)):
        fault = _differs(members, name, listed[name])
        found += [fault] if fault else []
    return found


def _differs(members: Mapping[str, bytes], name: str, row: Mapping[str, Any]) -> Optional[Fault]:
    try:
        raw = members[name]
    except Broken as broken:
        return broken.fault
    if len(raw) != row["size"] or hashlib.sha256(raw).hexdigest() != row["sha256"]:
        return Fault(INTEGRITY, name, "was altered: it is not what the manifest lists")
    return None


def _lines(members: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """Yield the lines, each after its chain was checked."""
    if MANIFEST not in members:
        raise Broken(MANIFEST, "is missing", INCOMPLETE)
    raw = members[MANIFEST]
    if len(raw) > LARGEST or not raw.endswith(b"\n"):
        raise Broken(MANIFEST, "is not whole")
    prev = _START
    for number, line in enumerate(raw[:-1].split(b"\n")):
        try:
            row = json.loads(line.decode("utf-8"))
            body = {key: row[key] for key in row if key != "link"}
            intact = row["link"] == digest_of(body) and row["prev"] == prev and row["seq"] == number
            intact = intact and (number == 0 or set(row) == _LINE) and encode(row).encode("utf-8") == line
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Broken(MANIFEST, f"line {number + 1} cannot be read ({type(error).__name__})") from error
        if not intact:
            raise Broken(MANIFEST, f"line {number + 1} was altered or does not follow the line before it")
        prev = row["link"]
        yield row
