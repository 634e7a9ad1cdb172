"""What a step reads before it plans: all of its own kinds, of others only what tells apart what it refers to."""

from __future__ import annotations

from airgap.model.plan import Desired, ref
from airgap.run.surveying import ALL_KINDS, KINDS, _kinds_of
from airgap.steps import STEPS

AI = next(step for step in STEPS if step.name == "ai")
ATTEST = next(step for step in STEPS if step.attests)


def test_kinds_that_a_step_refers_to_are_looked_at_and_those_that_others_refer_to_are_not() -> None:
    own = Desired("log-group", "bedrock", {"name": "/b", "kms_key": ref("kms-key:logs", "arn")}, step="ai")
    theirs = Desired("log-group", "flow-logs", {"name": "/f", "kms_key": ref("bucket:logs")}, step="network")
    seen = {kind.name for kind in _kinds_of(AI, [own, theirs])}
    assert {kind.name for kind in AI.kinds} | {"kms-key"} <= seen
    assert "bucket" not in seen
    assert "bucket" in {kind.name for kind in _kinds_of(AI, [own, Desired(**{**vars(theirs), "step": "ai"})])}


def test_what_a_part_is_known_by_is_looked_at_whoever_declares_it() -> None:
    part = Desired("role-policy", "x", {"role": ref("role:x"), "name": "x"}, step="identity")
    identity = next(step for step in STEPS if step.name == "identity")
    cluster = next(step for step in STEPS if step.name == "cluster")
    for step in (identity, cluster):
        names = {kind.name for kind in _kinds_of(step, [part])}
        assert "role-policy" not in names or "role" in names, step.name


def test_the_attestation_looks_at_every_kind() -> None:
    assert set(_kinds_of(ATTEST, [])) == set(ALL_KINDS)


def test_what_is_only_found_costs_no_call_for_its_settings() -> None:
    bucket = KINDS["bucket"].reading
    assert bucket.call in bucket.finding
    assert "s3:GetBucketTagging" in bucket.finding
    assert "s3:GetBucketEncryption" in set(bucket.reads) - set(bucket.finding)
    for kind in ALL_KINDS:
        assert set(kind.reading.finding) <= set(kind.reading.reads), kind.name
