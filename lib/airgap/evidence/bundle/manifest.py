"""The manifest: every member of a bundle with its size and SHA-256, one chained line each, in ``MANIFEST.jsonl``.

The first line says what the bundle is; each line's ``link`` is the digest of its other members, and ``prev`` the link
of the line before. What is signed is this file, since zip files differ between machines and it does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional

from airgap.evidence.bundle.members import INCOMPLETE, INTEGRITY, Broken, Fault, lines
from airgap.model.canonical import digest, digest_of, encode

MANIFEST, SCHEMA = "MANIFEST.jsonl", "airgap/bundle/v1"
_START = "0" * 64
_LINE = {"seq", "path", "sha256", "size", "prev"}


def text(members: Mapping[str, bytes], head: Mapping[str, Any]) -> str:
    """Return the manifest of these members; ``head`` says of which run they are."""
    return listed({name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in members.items()}, head)


def listed(members: Mapping[str, tuple[str, int]], head: Mapping[str, Any]) -> str:
    """Return the manifest of members of these digests and sizes."""
    rows: list[dict[str, Any]] = [{"schema": SCHEMA, "members": len(members), **head}]
    rows += [{"path": name, "sha256": members[name][0], "size": members[name][1]} for name in sorted(members)]
    written, prev = [], _START
    for number, row in enumerate(rows):
        body = {"seq": number, **row, "prev": prev}
        prev = digest_of(body)
        written.append(encode({**body, "link": prev}))
    return "\n".join(written) + "\n"


def header(members: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest's first line; raises ``Broken`` where there is none."""
    return next(_lines(members))


class Checked(NamedTuple):
    """What became of the members: what is wrong, and the digests under which pages are that have that digest."""

    faults: list[Fault]
    pages: dict[str, str]


def checked(members: Mapping[str, bytes]) -> Checked:
    """Hold every member against the manifest; nothing is parsed but the manifest itself."""
    found: list[Fault] = []
    pages: dict[str, str] = {}
    head: dict[str, Any] = {}
    count, last, ordered = 0, "", True
    names = {name: name for name in members if name != MANIFEST}
    try:
        for row in _lines(members):
            if not head:
                head = row
                continue
            name = str(row["path"])
            count, ordered, last = count + 1, ordered and last < name, name
            fault = _differs(members, row) if names.pop(name, None) else Fault(INCOMPLETE, name, _MISSING)
            found += [fault] if fault else []
            if name == f"observations/{row['sha256']}.json":
                pages[row["sha256"]] = row["sha256"]
    except Broken as broken:
        return Checked([broken.fault], {})
    if head.get("schema") != SCHEMA or head.get("members") != count:
        what = f"says {head.get('members')!r} members of schema {head.get('schema')!r}"
        found.insert(0, Fault(INTEGRITY, MANIFEST, what))
    if not ordered:
        found.insert(0, Fault(INTEGRITY, MANIFEST, "its lines are not in the order of their members, each once"))
    found += [Fault(INTEGRITY, name, "is in no line of the manifest") for name in sorted(names)]
    return Checked(found, pages)


_MISSING = "is in the manifest and is missing"


def _differs(members: Mapping[str, bytes], row: Mapping[str, Any]) -> Optional[Fault]:
    name = str(row["path"])
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
    prev, number = _START, -1
    for number, line in enumerate(lines(members, MANIFEST)):
        try:
            row = json.loads(line.decode("utf-8"))
            link = row.pop("link")
            own = encode(row)
            intact = link == digest(own.encode("utf-8")) and row["prev"] == prev and row["seq"] == number
            intact = intact and (number == 0 or set(row) == _LINE)
            # In canonical JSON "link" comes before all others of a member's line.
            whole = f'{{"link":"{link}",{own[1:]}' if number else encode({**row, "link": link})
            intact = intact and line == f"{whole}\n".encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Broken(MANIFEST, f"line {number + 1} cannot be read ({type(error).__name__})") from error
        if not intact:
            raise Broken(MANIFEST, f"line {number + 1} was altered or does not follow the line before it")
        prev = link
        yield row
    if number < 0:
        raise Broken(MANIFEST, "is not whole")
