"""The read calls on clusters and hosts are answered by an account that has them, and each finds what there is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from clusters import NAME, Site
from emulated import Account

from airgap.cloud.collect import collect
from airgap.cloud.queries import FAMILIES
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Cloud
from airgap.model.redaction import Redactor
from airgap.rehearsal import ACCOUNT, environment

NOW = "2026-11-23T00:00:00Z"


class Forgetful:
    """A journal of nothing, and pages in memory."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}

    def append(self, *_: Any) -> str:
        return "0"

    def keep(self, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        self.pages[digest] = body
        return digest


@pytest.fixture
def furnished(aws, monkeypatch) -> Account:
    site = Site(aws)
    site.cluster()
    site.addons()
    site.endpoints()
    site.nodegroup()
    eks, principal = site.client("eks"), "arn:aws:iam::123456789012:role/platform-engineer"
    eks.create_access_entry(clusterName=NAME, principalArn=principal)
    oidc = {"identityProviderConfigName": "corp", "issuerUrl": "https://idp.example.com", "clientId": "kubernetes"}
    eks.associate_identity_provider_config(clusterName=NAME, oidc=oidc)
    for name, value in environment(aws.url).items():
        monkeypatch.setenv(name, value)
    return aws


def test_every_row_on_clusters_and_hosts_is_answered(furnished):
    kept = Forgetful()
    cloud = Cloud(ACCOUNT, "us-east-1", "rehearsal", Recorder(kept, kept, lambda: NOW, Redactor()))
    calls = {query.call for query in FAMILIES["eks"]}
    calls |= {query.call for query in FAMILIES["compute"] if query.call.startswith("ssm:")}
    seen = collect(cloud, calls, lambda digest: json.loads(kept.pages[digest]), since=NOW)
    assert {one.call for one in seen} >= calls
    assert [(x.call, x.status, x.code, x.message) for x in seen if x.status not in ("ok", "absent")] == []
    asked = {(one.call, one.status) for one in seen}
    for operation in ("DescribeNodegroup", "DescribeAddon", "DescribeAccessEntry", "DescribeIdentityProviderConfig"):
        assert (f"eks:{operation}", "ok") in asked
