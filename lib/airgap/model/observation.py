"""Observations: every call that read something, with the page that it gave, or the reason why it gave none.

A **page** is an answer as botocore parses it, without ``ResponseMetadata``, redacted, in canonical JSON, under the
top-level key that AWS gives it. The observation holds the SHA-256 and size of that page as stored, and of the body
as received.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airgap.model.canonical import encode, plain

OK = "ok"
ABSENT = "absent"
DENIED = "denied"
FAILED = "failed"
UNSUPPORTED = "unsupported"

GLOBAL = "global"
HOMES = {"cn": "cn-north-1", "us-gov": "us-gov-west-1"}
"""Beginning of a Region's name -> the Region in whose CloudTrail history the calls of global services stand there."""


def home(region: str) -> str:
    """Return the home Region of a Region's partition (CloudTrail User Guide, "Global service events")."""
    return next((one for start, one in HOMES.items() if region.startswith(f"{start}-")), "us-east-1")


@dataclass(frozen=True)
class Observation:
    """One read call and what became of it."""

    call: str
    params: Mapping[str, Any]
    account: str
    region: str
    place: str
    status: str
    time: str
    vantage: str = "aws-api"
    system: str = "aws"
    method: str = "EXAMINE"
    principal: str = ""
    code: str = ""
    message: str = ""
    request_id: str = ""
    http_date: str = ""
    number: int = 1
    last: bool = True
    page: str = ""
    size: int = 0
    body_sha256: str = ""
    body_size: int = 0
    redacted: tuple[str, ...] = field(default=())

    @functools.cached_property
    def subject(self) -> tuple[str, str, str, str]:
        """What was asked: account, Region, call and canonical parameters; pages of one answer share it."""
        return self.account, self.region, self.call, encode(plain(self.params))

    def as_data(self) -> dict[str, Any]:
        """Return the observation as JSON data."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Observation:
        """Return the observation that ``as_data`` gave; unknown members raise ``TypeError``."""
        return cls(**{**data, "redacted": tuple(data.get("redacted", ()))})


class NotObserved(Exception):
    """A page that a judgement needs was not read; it names the call and what would decide it."""

    def __init__(self, call: str, params: Mapping[str, Any], reason: str) -> None:
        super().__init__(f"{call} was not observed: {reason}")
        self.call = call
        self.params = dict(params)
        self.reason = reason
