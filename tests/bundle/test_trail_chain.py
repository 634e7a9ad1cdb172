"""CloudTrail's digest chain, verified offline: whole, and each way in which it is not; and writes, one to one."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudtrail import ACCOUNT, Writer, event, folder
from cryptography.hazmat.primitives.asymmetric import rsa

from airgap.evidence.bundle import trail_writes
from airgap.evidence.bundle.members import DIFFERENT, INCOMPLETE, INTEGRITY, Broken, Fault
from airgap.evidence.bundle.recorded import Run
from airgap.evidence.bundle.trail import INDEX, Trail, verifies
from airgap.evidence.journal import JournalFile
from airgap.model.canonical import encode
from airgap.model.observation import Observation

KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
Members = dict[str, bytes]


def written(hours: int = 3, key: rsa.RSAPrivateKey = KEY, requests: tuple[str, ...] = ("r-1", "r-2")) -> Writer:
    made = Writer(key)
    for hour in range(8, 8 + hours):
        made.hour(hour, [event(one) for one in requests] if hour == 9 else [])
    return made


def found(members: Members, account: str = ACCOUNT) -> list[Fault]:
    try:
        return list(Trail(members).faults(account))
    except Broken as broken:
        return [broken.fault]


def test_a_whole_chain_has_no_fault() -> None:
    trail = Trail(written().members())
    assert list(trail.faults(ACCOUNT)) == []
    assert (len(trail.digests), len(trail.logs)) == (3, 3)
    assert trail.covered("us-east-1") == ("2026-11-23T08:00:00Z", "2026-11-23T11:00:00Z")
    assert trail.covered("eu-west-1") == ("", "")
    assert sorted(one["requestID"] for one in trail.events()) == ["r-1", "r-2"]


def digest_at(members: Members, number: int) -> str:
    return sorted(name for name in members if "Digest" in name)[number]


def changed(members: Members, name: str, change: Callable[[dict[str, Any]], None], sign: bool = False) -> Members:
    """The members with a digest's contents changed; its signature is not made again."""
    data = json.loads(gzip.decompress(members[name]))
    change(data)
    return {**members, name: gzip.compress(json.dumps(data).encode(), mtime=0)}


def index(members: Members, change: Callable[[dict[str, Any]], None]) -> Members:
    data = json.loads(members[INDEX])
    change(data)
    return {**members, INDEX: json.dumps(data).encode()}


def log_at(members: Members, number: int) -> str:
    return sorted(name for name in members if "/CloudTrail/" in name)[number]


def without(members: Members, *names: str) -> Members:
    return {name: raw for name, raw in members.items() if name not in names}


def gap(members: Members) -> Members:
    middle = digest_at(members, 1)
    left = index(members, lambda data: data["digests"].pop(1))
    return without(left, middle)


def respliced(members: Members) -> Members:
    """The last hour as another writer with the same key would have begun it: signed well, following on nothing."""
    other = Writer(KEY)
    place = other.hour(10, [])
    name = f"cloudtrail/{place}"
    return index({**members, name: other.objects[place]},
                 lambda data: data["digests"][2].update(signature=other.signatures[place]))  # fmt: skip


def refollowed(members: Members) -> Members:
    """The last hour signed well by the same key, after a digest of other contents under the same name."""
    other = Writer(KEY)
    for hour in (8, 9):
        other.hour(hour, [])
    place = other.hour(10, [])
    return index({**members, f"cloudtrail/{place}": other.objects[place]},
                 lambda data: data["digests"][2].update(signature=other.signatures[place]))  # fmt: skip


BROKEN: dict[str, tuple[Callable[[Members], Members], int, str]] = {
    "a log line changed": (
        lambda m: {**m, log_at(m, 1): gzip.compress(b'{"Records": []}', mtime=0)}, INTEGRITY, "not the log file"),
    "a log file missing": (lambda m: without(m, log_at(m, 1)), INCOMPLETE, "is missing"),
    "a digest that lists less": (
        lambda m: changed(m, digest_at(m, 1), lambda d: d["logFiles"].clear()),
        INTEGRITY, "does not have its signature"),
    "a digest of another time": (
        lambda m: changed(m, digest_at(m, 2), lambda d: d.update(digestEndTime="2026-11-23T12:00:00Z")),
        INTEGRITY, "does not have its signature"),
    "a digest missing": (lambda m: without(m, digest_at(m, 1)), INCOMPLETE, "is missing"),
    "a gap": (gap, INCOMPLETE, "the chain has a gap"),
    "a chain spliced": (respliced, INCOMPLETE, "the chain has a gap"),
    "a chain rewritten behind": (refollowed, INTEGRITY, "does not follow on the digest before it"),
    "a digest from elsewhere": (
        lambda m: index(m, lambda d: d["digests"][0].update(bucket="other")), INTEGRITY, "says that it lies elsewhere"),
    "another key": (
        lambda m: index(m, lambda d: d["keys"][0].update(value=Writer(OTHER).public["value"])),
        INTEGRITY, "does not have its signature"),
    "no key": (lambda m: index(m, lambda d: d["keys"].clear()), INCOMPLETE, "a key that is not here"),
    "no signature": (
        lambda m: index(m, lambda d: d["digests"][1].update(signature="")), INTEGRITY, "does not have its signature"),
    "cut off": (lambda m: {**m, log_at(m, 0): m[log_at(m, 0)][:-9]}, INTEGRITY, "no whole gzip file"),
    "no gzip": (lambda m: {**m, log_at(m, 0): b"{}"}, INTEGRITY, "is no gzip file"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_chain_is_found_and_named(name: str) -> None:
    forge, code, says = BROKEN[name]
    faults = found(forge(written().members()))
    assert [(one.code, says in one.what) for one in faults[:1]] == [(code, True)], faults
    assert all(one.where.startswith("cloudtrail/") for one in faults)


def test_a_chain_of_another_account_is_none_of_this_run() -> None:
    assert {one.code for one in found(written().members(), "999999999999")} == {INTEGRITY}


@pytest.mark.parametrize("number", range(0, 256, 17))
def test_no_other_signature_and_no_other_message_verifies(number: int) -> None:
    made = written(1)
    digest = Trail(made.members()).digests[0]
    from airgap.evidence.bundle.trail import signed

    key, raw = base64.b64decode(made.public["value"]), bytearray.fromhex(digest.signature)
    assert verifies(key, digest.signature, signed(digest))
    assert not verifies(key, digest.signature, signed(digest) + b" ")
    raw[number] ^= 1
    assert not verifies(key, raw.hex(), signed(digest))
    assert not verifies(key[:number], digest.signature, signed(digest))


def test_a_padding_that_leaves_room_is_no_signature() -> None:
    """With exponent 3 and a lenient reader a signature can be computed without the key (Bleichenbacher, 2006)."""
    weak = rsa.generate_private_key(3, 2048)
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(b"forged").digest()
    front = b"\x00\x01\xff\x00" + info
    wanted = int.from_bytes(front + b"\xff" * (256 - len(front)), "big")
    low, high = 0, 1 << 700
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= wanted else (low, middle - 1)
    assert (low**3).to_bytes(256, "big").startswith(front)
    key = base64.b64decode(Writer(weak).public["value"])
    assert not verifies(key, low.to_bytes(256, "big").hex(), b"forged")


CALLER = {"arn": "arn:aws:sts::123456789012:assumed-role/platform-engineer/alice"}
RUN = {"run_id": "r", "env": "demo", "account": ACCOUNT, "region": "us-east-1", "caller": CALLER,
       "started": "2026-11-23T09:10:00Z", "ended": "2026-11-23T09:50:00Z"}  # fmt: skip


def run_of(tmp_path: Path, answered: dict[str, str], trail: Members, *, lost: int = 0) -> Run:
    """A run whose writes have these calls by request id; ``lost`` of the writes never had an answer."""
    path = tmp_path / "journal.ndjson"
    ticks = itertools.count()
    journal = JournalFile(path, lambda: f"2026-11-23T09:{30 + next(ticks):02d}:00.000000Z")
    for request, call in answered.items():
        one = journal.append("write", {"call": call, "resource": "vpc:main", "attempt": 1})
        journal.append("answer", {"write": one, "status": "ok", "request_id": request})
    for _ in range(lost):
        journal.append("write", {"call": "ec2:CreateVpc", "resource": "vpc:main", "attempt": 1})
    read = Observation(
        "ec2:DescribeVpcs", {}, ACCOUNT, "us-east-1", "r", "ok", "2026-11-23T09:30:00Z", request_id="r-9"
    )
    journal.append("read", read.as_data())
    journal.close()
    return Run({"run.json": encode(RUN).encode(), "steps/02_network/journal.ndjson": path.read_bytes(), **trail})


ANSWERED = {"r-1": "ec2:CreateVpc", "r-2": "ec2:CreateSubnet"}


def test_writes_and_events_that_are_one_to_one(tmp_path: Path) -> None:
    run = run_of(tmp_path, {**ANSWERED, "k-1": "kubernetes:Apply", "d-1": "s3:PutObject"}, written().members())
    assert trail_writes.held(run)
    assert trail_writes.reconciled(run) == ("3 digests and 3 log files chained; 2 writes in them", [])


def test_a_write_that_cloudtrail_does_not_have_is_named(tmp_path: Path) -> None:
    run = run_of(tmp_path, {**ANSWERED, "r-3": "ec2:DeleteVpc"}, written().members())
    (fault,) = trail_writes.reconciled(run)[1]
    assert (fault.code, "request r-3: CloudTrail does not have it" in fault.what) == (DIFFERENT, True)


def test_a_write_of_the_session_that_no_journal_has_is_named(tmp_path: Path) -> None:
    trail = written(requests=("r-1", "r-2", "r-7")).members()
    (fault,) = trail_writes.reconciled(run_of(tmp_path, ANSWERED, trail))[1]
    assert (fault.code, "request r-7: by this session, in no journal" in fault.what) == (DIFFERENT, True)
    assert trail_writes.reconciled(run_of(tmp_path / "lost", ANSWERED, trail, lost=1))[1] == []


@pytest.mark.parametrize(
    "more",
    [
        {"readOnly": True},
        {"eventTime": "2026-11-23T09:05:00Z"},
        {"userIdentity": {"arn": "arn:aws:sts::123456789012:assumed-role/other/bob"}},
        {"userIdentity": {**CALLER, "invokedBy": "autoscaling.amazonaws.com"}},
        {"requestID": "r-9"},
    ],
)
def test_events_that_are_no_writes_of_the_run_are_left_alone(tmp_path: Path, more: dict[str, Any]) -> None:
    made = Writer(KEY)
    for hour in range(8, 11):
        made.hour(hour, [event("r-1"), event("r-2"), {**event("r-8"), **more}] if hour == 9 else [])
    assert trail_writes.reconciled(run_of(tmp_path, ANSWERED, made.members()))[1] == []


def test_digests_that_do_not_reach_over_the_run_are_incomplete(tmp_path: Path) -> None:
    short = Writer(KEY)
    short.hour(8, [event("r-1"), event("r-2")])
    (fault,) = trail_writes.reconciled(run_of(tmp_path, ANSWERED, short.members()))[1]
    assert (fault.code, "not over the whole run" in fault.what) == (INCOMPLETE, True)


def test_a_digest_that_ends_with_the_run_leaves_out_what_is_delivered_later(tmp_path: Path) -> None:
    run = run_of(tmp_path, ANSWERED, written(2).members())
    run.data["ended"] = "2026-11-23T09:45:00Z"
    assert trail_writes.reconciled(run)[1] == []
    run.data["ended"] = "2026-11-23T09:46:00Z"
    assert [one.code for one in trail_writes.reconciled(run)[1]] == [INCOMPLETE]


def test_writes_to_global_services_need_the_home_regions_chain(tmp_path: Path) -> None:
    answered = {"r-1": "ec2:CreateVpc", "i-1": "iam:CreateRole"}
    there = Writer(KEY, "eu-west-1")
    home = Writer(OTHER)
    for hour in range(8, 11):
        there.hour(hour, [event("r-1")] if hour == 9 else [])
        home.hour(hour, [event("i-1", "CreateRole", eventSource="iam.amazonaws.com")] if hour == 9 else [])
    run = run_of(tmp_path, answered, there.members())
    run.data["region"] = "eu-west-1"
    assert {one.code for one in trail_writes.reconciled(run)[1]} == {INCOMPLETE, DIFFERENT}
    both = run_of(tmp_path / "both", answered, folder(there, home))
    both.data["region"] = "eu-west-1"
    assert trail_writes.reconciled(both)[1] == []
