"""Whatever is done to a bundle is found and named; no reader of it ever shows a traceback."""

from __future__ import annotations

import copy
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundled import sealed
from oscal_cases import REVIEWS

from airgap.evidence.bundle.manifest import MANIFEST
from airgap.evidence.bundle.verify import main, verify
from airgap.model import journal
from airgap.model.canonical import digest, digest_of, encode
from airgap.report.exports import exports

Members = dict[str, bytes]
IDENTITY = "steps/01_identity"


def told(members: Members) -> tuple[int, str]:
    """The exit code of a verification, and its table."""
    report = verify(members)
    return report.code, report.text()


def test_a_flipped_byte_in_any_member_is_found_and_named(whole: Members) -> None:
    for name, raw in whole.items():
        middle = len(raw) // 2
        changed = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :] if raw else b"x"
        code, text = told({**whole, name: changed})
        assert code == 10, name
        assert name in text


def test_a_missing_member_is_found_and_named(whole: Members) -> None:
    for name in whole:
        code, text = told({key: raw for key, raw in whole.items() if key != name})
        assert code == 11, name
        assert name in text


def test_a_member_too_many_is_found_and_named(whole: Members) -> None:
    code, text = told({**whole, "observations/more.json": b"{}"})
    assert (code, "observations/more.json" in text) == (10, True)


def some_pages(members: Members) -> list[str]:
    """Two pages on which something rests."""
    found = [name for name in sorted(members) if name.startswith("observations/") and name != "observations/index.json"]
    return found[:2]


def edited(members: Members, name: str, change: Callable[[Any], None]) -> Members:
    """The members with one JSON member edited in place."""
    data = copy.deepcopy(json.loads(members[name]))
    change(data)
    return {**members, name: (encode(data) + "\n").encode()}


def rechained(raw: bytes, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """A journal whose lines were changed and then chained again, as a forger would."""
    entries, problems = journal.read(raw.decode())
    assert not problems
    change(entries)
    lines, prev = [], journal.GENESIS
    for number, entry in enumerate(entries, 1):
        line = journal.line(number, entry["time"], entry["event"], entry["data"], prev)
        prev = line["digest"]
        lines.append(journal.write(line))
    return "".join(lines).encode()


def rehead(members: Members) -> Members:
    """The members with run.json's head made anew over their journals."""
    names = ["journal.ndjson", *sorted(name for name in members if name.endswith("/journal.ndjson"))]
    heads = [
        ["" if name == "journal.ndjson" else name.split("/")[1], json.loads(members[name].splitlines()[-1])["digest"]]
        for name in names
    ]
    return edited(members, "run.json", lambda run: run.update(head=digest_of(heads)))


def dropped_page(m: Members) -> Members:
    return {name: raw for name, raw in m.items() if name != some_pages(m)[0]}


def swapped_pages(m: Members) -> Members:
    one, other = some_pages(m)
    return {**m, one: m[other], other: m[one]}


def altered_page(m: Members) -> Members:
    return {**m, some_pages(m)[0]: b'{"Vpcs":[]}'}


def shortened_journal(m: Members) -> Members:
    name = f"{IDENTITY}/journal.ndjson"
    return {**m, name: b"".join(m[name].splitlines(keepends=True)[:-1])}


def reordered_journal(m: Members) -> Members:
    name = f"{IDENTITY}/journal.ndjson"
    lines = m[name].splitlines(keepends=True)
    return {**m, name: b"".join([*lines[:5], lines[6], lines[5], *lines[7:]])}


def journal_rechained(m: Members) -> Members:
    """Every chain is good, and run.json does not know their heads."""
    name = f"{IDENTITY}/journal.ndjson"
    return {**m, name: rechained(m[name], lambda entries: entries.pop(3))}


def edited_finding(m: Members) -> Members:
    return edited(m, f"{IDENTITY}/findings.json", lambda data: data["findings"][0].update(status="fail"))


def edited_summary(m: Members) -> Members:
    return edited(m, "findings.json", lambda data: data["findings"].pop())


def edited_params(m: Members) -> Members:
    return edited(m, "intent.json", lambda data: data.update(owner="somebody else"))


def params_with_their_digest(m: Members) -> Members:
    """Other params, which run.json states, and which no finding rests on."""
    m = edited(m, "intent.json", lambda data: data.update(reviews=REVIEWS))
    stated = digest_of(json.loads(m["intent.json"]))
    return exported(edited(m, "run.json", lambda data: data.update(params_sha256=stated)))


def another_world(m: Members) -> Members:
    """A rehearsal that calls itself an account, in every file that is not a journal."""
    for name in [one for one in m if one == "run.json" or one.endswith("findings.json")]:
        m = edited(m, name, lambda data: data.update(world="aws"))
    return exported(m)


def another_plan(m: Members) -> Members:
    """A plan that is not the one that was approved."""
    return edited(m, f"{IDENTITY}/plan.json", lambda data: data["changes"].pop())


def exported(m: Members) -> Members:
    """The members with what is derived of them made anew."""
    with tempfile.TemporaryDirectory() as place:
        for name, raw in m.items():
            (Path(place) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(place) / name).write_bytes(raw)
        return {**m, **exports(Path(place))}


def edited_verdict(m: Members) -> Members:
    return edited(m, "run.json", lambda data: data.update(verdict="fail"))


def foreign_journal(m: Members) -> Members:
    """The journal of another run, whole in itself, with the head made anew."""
    name = f"{IDENTITY}/journal.ndjson"

    def of_another(entries: list[dict[str, Any]]) -> None:
        opening = next(entry for entry in entries if entry["event"] == "open")
        opening["data"] = {**opening["data"], "run_id": "20200101T000000Z-0000"}

    return rehead({**m, name: rechained(m[name], of_another)})


def check_left_out(m: Members) -> Members:
    """A judgement that leaves a check out, carried through journal, head and findings."""
    name, place = f"{IDENTITY}/journal.ndjson", f"{IDENTITY}/judged.json"
    gone = json.loads(m[place])["checks"][0]
    m = edited(m, place, lambda data: data["checks"].remove(gone))

    def fewer(data: dict[str, Any]) -> None:
        data["findings"] = [one for one in data["findings"] if one["check"] != gone]

    m = edited(m, f"{IDENTITY}/findings.json", fewer)

    def restated(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["event"] == "verdict":
                kept = json.loads(m[f"{IDENTITY}/findings.json"])["findings"]
                entry["data"] = {
                    **entry["data"],
                    "judged": digest_of(json.loads(m[place])),
                    "findings": digest_of(kept),
                }

    return rehead({**m, name: rechained(m[name], restated)})


def pleasing_page(m: Members) -> Members:
    """A page replaced by one that would please, under its own digest, in the journal and the index that name it."""
    name, pleasing = f"{IDENTITY}/journal.ndjson", b'{"Roles":[]}'
    judged = set(json.loads(m[f"{IDENTITY}/judged.json"])["observations"])
    was: dict[str, Any] = {}

    def renamed(entries: list[dict[str, Any]]) -> None:
        one = next(entry for entry in entries if entry["event"] == "read" and digest_of(entry["data"]) in judged)
        was.update(one["data"])
        one["data"] = {**one["data"], "page": digest(pleasing)}

    m = rehead({**m, f"observations/{digest(pleasing)}.json": pleasing, name: rechained(m[name], renamed)})

    def listed(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if (row["time"], row["page"]) == (was["time"], was["page"]):
                row["page"] = digest(pleasing)

    return edited(m, "observations/index.json", listed)


FORGERIES: dict[Callable[[Members], Members], tuple[int, str]] = {
    dropped_page: (11, "is missing"),
    swapped_pages: (10, "does not have the digest that is its name"),
    altered_page: (10, "does not have the digest that is its name"),
    shortened_journal: (10, "head is not that of the journals"),
    reordered_journal: (10, "does not follow the line before it"),
    journal_rechained: (10, "head is not that of the journals"),
    edited_finding: (12, "when derived again"),
    edited_summary: (12, "findings.json"),
    edited_params: (10, "are not the params of this run"),
    params_with_their_digest: (10, "no step was opened under these params"),
    another_world: (10, "is of world rehearsal"),
    another_plan: (10, "is not the plan that its journal names"),
    edited_verdict: (12, "and the pages say 'pass'"),
    foreign_journal: (10, "is of run_id 20200101T000000Z-0000"),
    check_left_out: (11, "did not judge"),
    pleasing_page: (11, "observations of no journal"),
}


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forgery_under_a_manifest_of_its_own_is_found(forge: Callable[[Members], Members], whole: Members) -> None:
    code, text = told(sealed(forge(dict(whole))))
    wanted, says = FORGERIES[forge]
    assert says in text, text
    assert code == wanted, text


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"head": 1}', b"\xff", b"[" * 100_000, b"null"])
@pytest.mark.parametrize("name", ["run.json", "intent.json", f"{IDENTITY}/judged.json", "observations/index.json"])
def test_a_member_of_another_form_is_an_integrity_fault(name: str, text: bytes, whole: Members) -> None:
    assert told(sealed({**whole, name: text}))[0] in (10, 11)


def test_a_manifest_is_held_to_its_own_chain(whole: Members) -> None:
    lines = whole[MANIFEST].splitlines(keepends=True)
    for changed in (lines[1:], lines[:-1], [lines[0], lines[2], lines[1], *lines[3:]], [*lines, lines[-1]], []):
        assert told({**whole, MANIFEST: b"".join(changed)})[0] in (10, 11)


# ---- what an archive may do to its reader


def zipped(members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members:
            archive.writestr(name, raw)
    return buffer.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target.encode()


ATTACKS = {
    "a path that leads out": lambda: zipped([("../evil.json", b"{}")]),
    "an absolute path": lambda: zipped([("/etc/evil", b"{}")]),
    "a path of another system": lambda: zipped([("a\\..\\evil", b"{}")]),
    "a drive": lambda: zipped([("c:/evil", b"{}")]),
    "a hidden step up": lambda: zipped([("steps/../../evil", b"{}")]),
    "a folder": lambda: zipped([("steps/", b"")]),
    "a link": lambda: zipped([link("run.json", "/etc/passwd")]),
    "a bomb": lambda: zipped([("run.json", b"\0" * 2**26)]),
    "names that differ by case": lambda: zipped([("run.json", b"{}"), ("Run.json", b"{}")]),
    "bytes before it": lambda: b"#!/bin/sh\n" + zipped([("run.json", b"{}")]),
    "bytes behind it": lambda: zipped([("run.json", b"{}")]) + b"more",
    "no archive": lambda: b"PK\x05\x06" + b"\0" * 17,
    "an empty file": lambda: b"",
    "nothing in it": lambda: zipped([]),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_archive_that_attacks_its_reader_is_refused(attack: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(ATTACKS[attack]())
    assert main([str(path)]) in (10, 11)
    assert "FAIL" in capsys.readouterr().out


def test_two_members_of_one_name_are_refused(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("run.json", b"{}")
    assert main([str(path)]) == 10


def test_an_encrypted_member_is_refused(bundle: Path, tmp_path: Path) -> None:
    raw = bytearray(bundle.read_bytes())
    at = raw.rfind(b"PK\x01\x02")
    flags = struct.unpack_from("<H", raw, at + 8)[0]
    struct.pack_into("<H", raw, at + 8, flags | 1)
    path = tmp_path / "bundle.zip"
    path.write_bytes(raw)
    assert main([str(path)]) == 10


def test_a_truncated_archive_is_refused(bundle: Path, tmp_path: Path, capsys: Any) -> None:
    raw, path = bundle.read_bytes(), tmp_path / "bundle.zip"
    for part in (1, 30, len(raw) // 4, len(raw) // 2, len(raw) - 100, len(raw) - 1):
        path.write_bytes(raw[:part])
        assert main([str(path)]) == 10
    assert "Traceback" not in capsys.readouterr().out


def test_wrong_usage_is_64(capsys: Any) -> None:
    assert main(["a", "b"]) == 64
    assert main(["/nowhere/at/all.zip"]) == 64
    assert main(["--help"]) == 0
    assert "usage: python3 verify.pyz" in capsys.readouterr().out
