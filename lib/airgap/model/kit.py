"""The kit: everything that the runbook needs in one file, and what a file must be to count as one.

A kit is an uncompressed tar of plain files: ``kit.json`` first, then what that lists, in its order, and nothing else. A
file that is not exactly so is refused before anything of it is used: a member more or less, twice, elsewhere (``..``, a
link, a device), of another size or digest. Standard library only: the loader runs where nothing is installed yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

SCHEMA, MANIFEST = "airgap/kit/v1", "kit.json"
MEMBERS, MANIFEST_BYTES, TOTAL_BYTES = 4000, 4 * 1024**2, 8 * 1024**3
"""The most that a kit may hold: members, bytes of its list, bytes of all members together."""
FOLDERS = ("bin", "docs", "notebooks", "params", "wheels")
FILES = ("LICENSE", "README.md", "environment.yml", "pyproject.toml", "wheels.lock")
LOCK, WHEELS, TOOLS, PLUGIN = "wheels.lock", "wheels", ("helm", "kubectl"), "session-manager-plugin"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Broken(ValueError):
    """A file is no kit, or not the one that it says; the text says in what."""


class Member(NamedTuple):
    """One file of a kit: its path, its bytes by number and SHA-256, and whether it is a program."""

    path: str
    size: int
    sha256: str
    program: bool = False


class Header(NamedTuple):
    """What the tar says of a member: its name, its size, and whether it is a plain file without further headers."""

    path: str
    size: int
    plain: bool


class Manifest(NamedTuple):
    """What a kit is: versions, the Python and platform that its wheels are for, and its members in order."""

    version: str
    commit: str
    python: str
    platform: str
    members: tuple[Member, ...]


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as it stands in a kit: canonical JSON and one line end."""
    data = {"schema": SCHEMA, **manifest._asdict(), "members": [one._asdict() for one in manifest.members]}
    return (json.dumps(data, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def decode(text: bytes) -> Manifest:
    """Return the manifest that ``encode`` gave; raises ``Broken`` on anything else."""
    try:
        data = json.loads(text.decode())
        members = tuple(Member(**one) for one in data.pop("members"))
        schema = data.pop("schema")
        manifest = Manifest(**data, members=members)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Broken(f"{MANIFEST} is not a list of a kit: {error}") from error
    if schema != SCHEMA:
        raise Broken(f"it is {schema!r}, and this loader reads {SCHEMA!r}")
    for fault in _faults(manifest):
        raise Broken(fault)
    return manifest


def _faults(manifest: Manifest) -> Iterator[str]:
    if not all(isinstance(one, str) for one in manifest[:4]):
        yield f"{MANIFEST} says its versions in no text"
    if len(manifest.members) > MEMBERS:
        yield f"it lists {len(manifest.members)} members; {MEMBERS} are the most"
    for one in manifest.members:
        if not (isinstance(one.path, str) and is_place(one.path)):
            yield f"{one.path!r} is no place of a kit"
        elif not (isinstance(one.size, int) and one.size >= 0 and _DIGEST.fullmatch(str(one.sha256))):
            yield f"{one.path} has no size or digest"
    paths = [one.path for one in manifest.members]
    if len({path.lower() for path in paths}) != len(paths):
        yield "it lists a member twice"
    if sum(one.size for one in manifest.members) > TOTAL_BYTES:
        yield f"its members have more than {TOTAL_BYTES} bytes together"


def is_place(path: str) -> bool:
    """Tell whether a path is one that a kit may have: relative, plain, in a folder of a kit."""
    parts = path.split("/")
    known = path in FILES if len(parts) == 1 else parts[0] in FOLDERS
    return known and len(parts) <= 6 and all(_PART.fullmatch(part) for part in parts)


def compare(manifest: Manifest, headers: Sequence[Header]) -> Iterator[str]:
    """Yield in what the members of a tar, in their order, differ from the list that came first."""
    if not headers or headers[0].path != MANIFEST:
        yield f"its first member is not {MANIFEST}"
        return
    for one in headers:
        if not one.plain:
            yield f"{one.path!r} is not a plain file"
    found, listed = [one.path for one in headers[1:]], [one.path for one in manifest.members]
    for path in [one for one in found if one not in set(listed)]:
        yield f"{path!r} is in it and not in its list"
    for path in [one for one in listed if one not in set(found)]:
        yield f"{path!r} is in its list and not in it"
    if len(set(found)) != len(found):
        yield "a member is in it twice"
    elif found != listed and set(found) == set(listed):
        yield "its members are not in the order of its list"
    sizes = {one.path: one.size for one in manifest.members}
    for header in headers[1:]:
        if sizes.get(header.path, header.size) != header.size:
            yield f"{header.path} has {header.size} bytes, and its list says {sizes[header.path]}"


def fits(manifest: Manifest, python: str, platform: str) -> str:
    """Return why the kit's wheels do not fit an interpreter; '' where they do."""
    if (manifest.python, manifest.platform) == (python, platform):
        return ""
    return f"it was saved for Python {manifest.python} on {manifest.platform}; this is Python {python} on {platform}"


def summary(manifest: Manifest) -> dict[str, Any]:
    """Return what of a kit people want to know, as JSON data."""
    wheels = [one for one in manifest.members if one.path.startswith(f"{WHEELS}/")]
    return {
        "version": manifest.version,
        "commit": manifest.commit,
        "python": manifest.python,
        "platform": manifest.platform,
        "members": len(manifest.members),
        "wheels": len(wheels),
        "bytes": sum(one.size for one in manifest.members),
        "programs": [one.path.rpartition("/")[2] for one in manifest.members if one.program],
    }
