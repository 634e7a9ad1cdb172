"""Estates on disk: a snapshot, a run, a bundle, or a plain folder of ``aws ... describe-*`` output, as documents."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from airgap.egress.boundary import Boundary, intended
from airgap.egress.facts import Document
from airgap.egress.recorded import documents as documents_of
from airgap.egress.recorded import truncated
from airgap.errors import Unreadable, UsageError
from airgap.model.intent import decode

INDEX = "observations/index.json"
ATTESTED = re.compile(r"steps/\d\d_attest/observations\.json")
ANSWERS = Path(__file__).with_name("answers.tsv")
_PAGING = {"NextToken", "nextToken", "Marker", "NextMarker", "ResponseMetadata"}
_OTHER_FACE = "name a snapshot, a bundle, or a folder of describe output"


def files(root: Path, without: Path | None = None) -> dict[str, bytes]:
    """Return every JSON file of an estate by its relative name; raises ``UsageError`` where there is none.

    ``without`` is a file that is none of its answers, wherever it lies.
    """
    if root.is_file() and zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            found = {one: archive.read(one) for one in archive.namelist() if one.endswith(".json")}
    elif root.is_dir():
        inner = root / "aws_configs"
        base = inner if inner.is_dir() else root
        apart = without.resolve() if without else None
        paths = [one for one in sorted(base.rglob("*.json")) if one.resolve() != apart]
        found = {one.relative_to(base).as_posix(): one.read_bytes() for one in paths}
    else:
        raise UsageError(f"{root} is neither a folder nor a bundle", "anything", _OTHER_FACE)
    if not found:
        raise UsageError(f"{root} holds no JSON answers", "anything", _OTHER_FACE)
    return _pages_alone(found)


def _pages_alone(found: dict[str, bytes]) -> dict[str, bytes]:
    """Return what of a snapshot, run or bundle is its observations and boundary; a plain folder as it is.

    Of a run it is what its attestation read, in one pass over the whole table; other steps read at other times.
    """
    index = _index_of(found)
    if index is None:
        return found
    base = index[: -len(INDEX)]
    attested = next((one for one in sorted(found) if one.startswith(base) and ATTESTED.fullmatch(one[len(base) :])), "")
    kept = {one[len(base) :]: raw for one, raw in found.items() if one.startswith(f"{base}observations/")}
    if attested:
        rows = json.loads(found[attested])
        cited = {f"observations/{row['page']}.json" for row in rows}
        kept = {**{name: raw for name, raw in kept.items() if name in cited}, INDEX: found[attested]}
    return {**kept, **{one: found[base + one] for one in ("boundary.json", "intent.json") if base + one in found}}


def _index_of(found: Mapping[str, bytes]) -> str | None:
    return next((one for one in sorted(found, key=len) if one == INDEX or one.endswith(f"/{INDEX}")), None)


def documents(root: Path) -> list[Document]:
    """Return every answer of an estate; raises ``UsageError`` where it holds none, or one that is no JSON.

    A plain folder is ``*.json``, ``REGION/*.json`` or ``accounts/ACCOUNT/REGION/*.json``; files are told apart by
    their top-level keys, whatever they are called.
    """
    return parsed(files(root))


def parsed(found: Mapping[str, bytes]) -> list[Document]:
    """Return the answers that files hold."""
    if INDEX in found:
        return list(_recorded(found))
    plain = list(_plain(found))
    return plain + list(_nothing_to_ask(plain))


def declared(found: Mapping[str, bytes], given: Path | None) -> Boundary:
    """Return the boundary: the given file's, the snapshot's own, the one that a run's intent declares, or none."""
    if given and not given.is_file():
        raise UsageError(f"{given} is no file", "anything", "name a boundary; docs/PROOF.md shows its form")
    raw = given.read_bytes() if given else found.get("boundary.json")
    name = str(given) if given else "boundary.json"
    if raw is None and INDEX in found and "intent.json" in found:
        return Boundary.from_data(intended(decode(_read("intent.json", found["intent.json"]))))
    if raw is None:
        return Boundary()
    try:
        return Boundary.from_data(_read(name, raw))
    except ValueError as error:
        raise UsageError(f"{name} is no boundary: {error}", "anything", "docs/PROOF.md shows its form") from error


def certified(path: Path) -> dict[str, Any]:
    """Return the certificate in a file; raises ``UsageError`` where it is none."""
    if not path.is_file():
        raise UsageError(f"{path} is no file", "anything", "name a certificate that --certificate wrote")
    return _read(str(path), path.read_bytes())


def _recorded(found: Mapping[str, bytes]) -> Iterator[Document]:
    """Yield the answers of an index; raises ``Unreadable`` where a page is not the one that was read."""

    def load(page: str) -> Mapping[str, Any] | None:
        raw = found.get(f"observations/{page}.json")
        if raw is not None and hashlib.sha256(raw).hexdigest() != page:
            what = f"page altered: {page} does not have the digest that is its name"
            raise Unreadable(what, "anything", "take the snapshot again")
        return None if raw is None else _read(page, raw)

    return documents_of(json.loads(found[INDEX]), load)


def _plain(found: Mapping[str, bytes]) -> Iterator[Document]:
    for name, raw in found.items():
        parts = name.split("/")[:-1]
        account = parts[1] if len(parts) == 3 and parts[0] == "accounts" else ""
        body = _read(name, raw)
        if "schema" in body:
            continue
        refused = "not all of its pages were read" if truncated(body) else ""
        yield Document(account, parts[-1] if parts else "", {}, body, _call(body), refused)


def _call(body: Mapping[str, Any]) -> str:
    """Return the one call whose answer this can be, nothing where several or none can be it."""
    members = set(body) - _PAGING
    possible = [call for call, (keys, _) in _table().items() if members and members <= keys]
    return possible[0] if len(possible) == 1 else ""


def _nothing_to_ask(plain: list[Document]) -> Iterator[Document]:
    """Yield an empty answer for each call that asks after things of which an answer shows none."""
    places = {(one.account, one.region) for one in plain}
    for account, region in sorted(places):
        given = [one for one in plain if (one.account, one.region) == (account, region)]
        empty = {one.call for one in given if one.call and not one.refused and not any(map(_held, one.body.values()))}
        full = {one.call for one in given if one.call} - empty
        for call, (_, follows) in _table().items():
            if follows in empty and call not in full | empty:
                empty.add(call)
                yield Document(account, region, {}, {}, call)


def _held(value: object) -> bool:
    return value not in ([], {}, None, "")


@cache
def _table() -> dict[str, tuple[frozenset[str], str]]:
    """Return the members of each call's answer, and the call that it follows; written by a script beside the tests."""
    rows = [line.split("\t") for line in ANSWERS.read_text().splitlines()]
    return {call: (frozenset(members.split(",")), follows) for call, members, follows in rows}


def _read(name: str, raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}", "anything", "record the answer again") from error
    if not isinstance(body, dict):
        raise UsageError(f"{name} is no answer of AWS: it is no JSON object", "anything", "record the answer again")
    return body
