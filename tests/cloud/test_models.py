"""Sessions share botocore's parsed models, and neither credentials nor places."""

from __future__ import annotations

import pytest

from airgap.cloud import models


def test_sessions_share_what_is_parsed_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for person, region in (("alice", "us-east-1"), ("bob", "eu-west-1")):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", person)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{person}-secret")
        session = models.session(region)
        made.append((session._session.get_component("data_loader"), session.get_credentials(), session.region_name))
    (first, alice, here), (second, bob, there) = made
    assert first is second
    assert (alice.access_key, bob.access_key) == ("alice", "bob")
    assert (here, there) == ("us-east-1", "eu-west-1")


def test_models_of_another_folder_are_parsed_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    ours = models.session("us-east-1").client("sts")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    theirs = models.session("us-east-1")._session.get_component("data_loader")
    assert str(tmp_path) in theirs.search_paths
    assert ours.meta.service_model.metadata["serviceId"] == "STS"
