"""Bundles in the evidence bucket: locked as the params say, versioned, and read back; on the embedded AWS."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from airgap.cloud.evidence_store import EvidenceStore, Lock
from airgap.errors import AirgapError, UsageError
from airgap.evidence import uploading
from airgap.evidence.packing import archive
from airgap.params import load
from airgap.rehearsal import environment, serving

ROOT = Path(__file__).resolve().parents[2]
DEMO = load("demo", ROOT)
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
RUN = {"run_id": "20261123T085012Z-ab12", "env": "demo", "account": DEMO.account, "region": DEMO.region,
       "world": DEMO.world}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    with serving() as url:
        yield environment(url)


@pytest.fixture
def s3(served: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in served.items():
        monkeypatch.setenv(name, value)
    return boto3.session.Session(region_name="us-east-1").client("s3")


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    """A locked bucket of this test's own, empty."""
    name = f"evidence-{hashlib.sha256(request.node.name.encode()).hexdigest()[:20]}"
    return made(s3, name, "COMPLIANCE", 2192)


def made(s3: Any, name: str, mode: str, days: int) -> str:
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": mode, "Days": days}}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=rule)
    return name


def store(s3: Any, bucket: str, mode: str = "COMPLIANCE", days: int = 2192) -> EvidenceStore:
    return EvidenceStore(bucket, DEMO.account, Lock(mode, days), s3, lambda: NOW)


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / f"{RUN['run_id']}.zip"
    path.write_bytes(archive({"run.json": json.dumps(RUN).encode()}))
    return path


@pytest.mark.parametrize(("mode", "days"), [("COMPLIANCE", 2192), ("GOVERNANCE", 30)])
def test_a_bundle_lies_under_the_declared_lock(s3: Any, zipped: Path, mode: str, days: int) -> None:
    name = made(s3, f"evidence-{mode.lower()}", mode, days)
    (one,) = store(s3, name, mode, days).put("bundles/demo", [zipped])
    assert (one.mode, one.retain_until, one.new) == (mode, f"{NOW + dt.timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}", True)
    assert one.sha256 == hashlib.sha256(zipped.read_bytes()).hexdigest()
    held = s3.get_object(Bucket=name, Key=one.key, VersionId=one.version_id)
    assert held["Body"].read() == zipped.read_bytes()
    assert held["ObjectLockMode"] == mode
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=name, Key=one.key, VersionId=one.version_id)


def test_what_is_there_and_locked_is_not_written_again_and_other_bytes_are_a_new_version(
    s3: Any, bucket: str, zipped: Path
) -> None:
    (first,) = store(s3, bucket).put("b", [zipped])
    (again,) = store(s3, bucket).put("b", [zipped])
    assert (again.version_id, again.new) == (first.version_id, False)
    zipped.write_bytes(zipped.read_bytes() + b"x")
    (other,) = store(s3, bucket).put("b", [zipped])
    assert other.new
    assert other.version_id != first.version_id
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert {one["VersionId"] for one in versions} == {first.version_id, other.version_id}


@pytest.mark.parametrize(
    ("mode", "days", "says"),
    [("GOVERNANCE", 2192, "lock COMPLIANCE for 2192 days"), ("COMPLIANCE", 2193, "declared: COMPLIANCE, 2193 days")],
)
def test_a_bucket_that_is_locked_otherwise_gets_nothing(
    s3: Any, bucket: str, zipped: Path, mode: str, days: int, says: str
) -> None:
    with pytest.raises(AirgapError, match=says):
        store(s3, bucket, mode, days).put("b", [zipped])
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_a_bucket_without_a_lock_gets_nothing(s3: Any, bucket: str, zipped: Path) -> None:
    s3.create_bucket(Bucket="evidence-open")
    with pytest.raises(AirgapError, match="ObjectLockConfigurationNotFoundError") as refused:
        store(s3, "evidence-open").put("b", [zipped])
    assert "the bundle, which stays where it is" in refused.value.unchanged
    assert "Contents" not in s3.list_objects_v2(Bucket="evidence-open")


class Forging:
    """A client that tells something else than S3 does."""

    def __init__(self, client: Any, operation: str, forge: Any) -> None:
        self._client, self._operation, self._forge = client, operation, forge

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._client, operation)
        return (lambda **params: self._forge(call(**params))) if operation == self._operation else call


@pytest.mark.parametrize(
    ("operation", "forge", "says"),
    [
        ("get_object", lambda answer: {**answer, "Body": io.BytesIO(b"other")}, "its bytes have the digest"),
        ("get_object_retention", lambda _: {"Retention": {}}, "held under no lock"),
        ("get_object_retention", lambda _: {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": NOW}}, "GOVERNANCE"),
        ("put_object", lambda answer: {**answer, "VersionId": ""}, "gave it no version"),
    ],
)
def test_what_was_read_back_decides(s3: Any, bucket: str, zipped: Path, operation: str, forge: Any, says: str) -> None:
    with pytest.raises(AirgapError, match=says):
        store(Forging(s3, operation, forge), bucket).put("b", [zipped])


def intended(monkeypatch: pytest.MonkeyPatch, **logs: Any) -> None:
    changed = dataclasses.replace(DEMO, logs=dataclasses.replace(DEMO.logs, **logs))
    monkeypatch.setattr(uploading.params, "load", lambda *_: changed)


def test_an_upload_takes_mode_and_days_from_the_params_and_leaves_a_receipt(
    s3: Any, zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intended(monkeypatch, evidence_lock_days=30, evidence_lock_mode="GOVERNANCE")
    made(s3, f"{DEMO.prefix}-evidence-{DEMO.account}-{DEMO.region}", "GOVERNANCE", 30)
    signature = zipped.with_name(zipped.name + ".dsse.json")
    signature.write_text("{}")
    receipts = uploading.upload(zipped)
    assert [one.key for one in receipts] == [f"bundles/demo/{path.name}" for path in (zipped, signature)]
    told = json.loads(uploading.receipt_file(zipped).read_text())
    assert told["uploaded"] == [one.as_data() for one in receipts]
    assert {one["mode"] for one in told["uploaded"]} == {"GOVERNANCE"}
    with zipfile.ZipFile(zipped) as held:
        assert held.namelist() == ["run.json"]


def test_without_a_declared_lock_or_from_another_place_nothing_is_uploaded(
    s3: Any, zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="evidence_lock_days is 0"):
        uploading.upload(zipped, ROOT)
    zipped.write_bytes(archive({"run.json": json.dumps({**RUN, "account": "999999999999"}).encode()}))
    with pytest.raises(UsageError, match="999999999999"):
        uploading.upload(zipped, ROOT)
    assert not uploading.receipt_file(zipped).exists()
