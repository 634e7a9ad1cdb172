"""What goes while it is read: listed, and gone when it is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from airgap.cloud.collect import AGAIN, collect
from airgap.model.canonical import digest_of
from airgap.model.estate import Estate
from airgap.model.observation import NotObserved, Observation

LISTED, TAGS = "lambda:ListFunctions", "lambda:ListTags"


class Functions:
    """An account whose functions are deleted after they were listed; ``stubborn`` ones go on being listed."""

    account, region = "123456789012", "us-east-1"

    def __init__(self, stubborn: bool) -> None:
        self.there, self.stubborn = ["kept", "going"], stubborn
        self.pages: dict[str, dict[str, Any]] = {}
        self.listings = 0

    def read(self, call: str, params: Mapping[str, Any], **how: Any) -> list[Observation]:
        """Answer one call."""
        about = (call, params, self.account, self.region, "here")
        if call == LISTED:
            self.listings += 1
            body: dict[str, Any] = {"Functions": [{"FunctionName": one, "FunctionArn": one} for one in self.there]}
        elif params["Resource"] == "going":
            self.there = self.there if self.stubborn else ["kept"]
            return [Observation(*about, "failed", "", code="ResourceNotFoundException", message="gone")]
        else:
            body = {"Tags": {"a": "b"}}
        self.pages[digest_of(body)] = body
        return [Observation(*about, "ok", "", page=digest_of(body))]

    def nothing_to_read(self, call: str, listed: str, **how: Any) -> list[Observation]:
        """There is always a function."""
        raise AssertionError(call)

    def seen(self) -> Estate:
        """What is there by the tags of functions."""
        done = collect(self, [TAGS], self.pages.__getitem__, jobs=1)
        return Estate(done, self.pages.__getitem__, account=self.account, region=self.region, taken_at="")


def test_a_list_that_does_not_show_it_any_more_says_that_it_is_gone() -> None:
    aws = Functions(stubborn=False)
    estate = aws.seen()
    assert [dict(params) for params, _ in estate.pages(TAGS)] == [{"Resource": "kept"}]
    assert [one["FunctionName"] for one in estate.items(LISTED, "Functions")] == ["kept"]
    assert aws.listings == 2


def test_what_is_still_listed_and_cannot_be_asked_about_stays_unknown() -> None:
    aws = Functions(stubborn=True)
    with pytest.raises(NotObserved, match="ResourceNotFoundException"):
        aws.seen().pages(TAGS)
    assert aws.listings == 1 + AGAIN
