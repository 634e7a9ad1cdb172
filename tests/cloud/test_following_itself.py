"""A call that follows itself: a listing that, asked for one of its own items, lists that item's versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from airgap.cloud.collect import collect
from airgap.model.canonical import canonical_bytes
from airgap.model.observation import Observation

VERSIONS = {"g1": ("DRAFT", "1", "2"), "g2": ("DRAFT",)}
LISTED, GOT = "bedrock:ListGuardrails", "bedrock:GetGuardrail"


class Bedrock:
    """Answers the listing of guardrails, and notes what was asked."""

    account, region = "123456789012", "us-east-1"

    def __init__(self, versions: Mapping[str, tuple[str, ...]]) -> None:
        self.versions, self.pages = versions, dict[str, dict[str, Any]]()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.silent: list[str] = []

    def read(self, call: str, params: Mapping[str, Any], **how: Any) -> list[Observation]:
        """Answer one call."""
        self.asked.append((call, dict(params)))
        name = params.get("guardrailIdentifier")
        drafts = [(one, "DRAFT") for one in self.versions]
        found = [(str(name), one) for one in self.versions[name]] if name else drafts
        body = {"guardrails": [{"id": one, "arn": f"arn:{one}", "version": version} for one, version in found]}
        page = hashlib.sha256(canonical_bytes(body)).hexdigest()
        self.pages[page] = body
        return [Observation(call, params, self.account, self.region, "here", "ok", "2026-11-02T00:00:00Z", page=page)]

    def nothing_to_read(self, call: str, listed: str, **how: Any) -> list[Observation]:
        """Note that there was nothing to ask for."""
        self.silent.append(call)
        return []


def test_every_version_is_listed_and_then_read() -> None:
    aws = Bedrock(VERSIONS)
    collect(aws, [GOT], aws.pages.__getitem__, jobs=1)
    listings = [params for call, params in aws.asked if call == LISTED]
    assert listings == [{}, {"guardrailIdentifier": "g1"}, {"guardrailIdentifier": "g2"}]
    read = {(params["guardrailIdentifier"], params["guardrailVersion"]) for call, params in aws.asked if call == GOT}
    assert read == {("g1", "DRAFT"), ("g1", "1"), ("g1", "2"), ("g2", "DRAFT")}
    assert [call for call, _ in aws.asked].index(GOT) > len(listings) - 1


def test_where_there_is_none_the_listing_itself_stands() -> None:
    aws = Bedrock({})
    collect(aws, [GOT], aws.pages.__getitem__, jobs=1)
    assert aws.asked == [(LISTED, {})]
    assert aws.silent == [GOT]
