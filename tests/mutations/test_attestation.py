"""The attestation: one snapshot decides every property, its inventory is whole, its exceptions say what they hide."""

from __future__ import annotations

import dataclasses

import pytest
from recorded_estate import Recording

from airgap.checks import suite
from airgap.checks.check import judge
from airgap.controls import PROPERTIES, verdicts
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, STATUSES, UNKNOWN, WAIVED
from airgap.model.intent import Waiver
from airgap.views import VIEWS, Look

pytestmark = pytest.mark.timeout(600)
SOURCELESS = {"NET-12", "NET-13", "SUP-02", "EVD-01", "EVD-03"}
"""Whose source a rehearsal lacks: AWS's analysis, packets, approved keys of publishers, the bundle, a second tool."""


def test_every_property_is_decided_from_one_snapshot_with_its_reason(recording: Recording) -> None:
    told = verdicts(judge(suite.ALL, recording.intent, recording.estate()))
    assert [one.id for one in told] == [one.id for one in PROPERTIES]
    for one in told:
        assert one.status in STATUSES
        assert one.checks or one.id in SOURCELESS, one.id
        if one.status == PASS:
            assert one.population == one.judged > 0, one.id
        if one.status != PASS or one.untested:
            assert one.reason, one.id
        assert all(part.what and part.by for part in one.untested), one.id
    assert {one.id for one in told if one.status in (FAIL, UNKNOWN)} == set()
    assert {one.id for one in told if one.status == NOT_APPLICABLE} <= SOURCELESS


def test_an_account_that_answers_nothing_makes_no_property_green(recording: Recording) -> None:
    mute = recording.copy()
    for call in {one.call for one in mute.observations}:
        mute.deny(call)
    told = {one.id: one for one in verdicts(judge(suite.ALL, mute.intent, mute.estate()))}
    # The register of exceptions stands in the params, so nobody is asked for it.
    assert {name for name, one in told.items() if one.status == PASS} == {"EXC-01"}
    assert {one.status for one in told.values() if one.id != "EXC-01"} <= {UNKNOWN, FAIL, NOT_APPLICABLE}


def test_the_inventory_says_of_every_asset_whose_where_how_secret_how_long_and_how_soon(recording: Recording) -> None:
    look = Look(recording.intent, recording.estate())
    shown = VIEWS["attest"]["inventory"](look)
    rows = {str(row[0]): row for row in shown.rows if isinstance(row, tuple)}
    keys = {"db-instance:postgres", "replication-group:cache", "table:sessions", "eks-cluster:main",
            "secret:database", "load-balancer:app", "bucket:application"}  # fmt: skip
    assert keys <= set(rows), keys - set(rows)
    for key, (_, arn, owner, where, classification, until, back) in rows.items():
        assert owner == recording.intent.owner, key
        assert classification == recording.intent.classification, key
        assert where in (recording.intent.region, recording.intent.partition), (key, arn)
        assert until, key
        assert back != "not declared", key
    assert rows["db-instance:postgres"][5][:2] == rows["eks-cluster:main"][5][:2] == "20"


def _excepted(recording: Recording, expires: str) -> Recording:
    """The estate with an unencrypted cache, and a register that excepts it until a day."""
    excepted = recording.copy()
    excepted.mutate({"pages": [{
        "call": "elasticache:DescribeReplicationGroups", "at": "ReplicationGroups[*].AtRestEncryptionEnabled",
        "set": False,
    }]})  # fmt: skip
    waiver = Waiver(
        property="DAT-02", resource="replication-group:cache", reason="a migration", owner="platform",
        approver="risk", compensating_control="no personal data in it", ticket="RISK-7", created="2026-01-01",
        expires=expires,
    )  # fmt: skip
    exceptions = (*excepted.intent.exceptions, waiver)
    excepted.intent = dataclasses.replace(excepted.intent, exceptions=exceptions)
    return excepted


@pytest.mark.parametrize(("expires", "status"), [("2099-01-01", WAIVED), ("2026-02-01", FAIL)])
def test_an_exception_shows_its_fact_and_is_red_once_it_has_expired(
    expires: str, status: str, recording: Recording
) -> None:
    excepted = _excepted(recording, expires)
    found = judge(suite.ALL, excepted.intent, excepted.estate())
    (fact,) = [one for one in found if one.check == "cache-encrypted"]
    assert fact.status == status
    assert "it is not encrypted at rest" in fact.message
    told = next(one for one in verdicts(found) if one.id == "DAT-02")
    assert told.status == (FAIL if status == FAIL else WAIVED)
    shown = VIEWS["attest"]["exceptions"](Look(excepted.intent, excepted.estate())).text()
    for word in ("DAT-02", "replication-group:cache", "a migration", "platform", "risk", "no personal data in it",
                 "RISK-7", "2026-01-01", expires, "expired" if status == FAIL else "in force"):  # fmt: skip
        assert word in shown, word
