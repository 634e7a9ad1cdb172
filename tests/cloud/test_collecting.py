"""How rows become calls: bound and varied parameters, follow-ups level by level, every page of an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from airgap.cloud import session
from airgap.cloud.collect import collect, lasting, parameters
from airgap.cloud.paging import pages
from airgap.cloud.query import Query, follow
from airgap.cloud.recorder import Recorder
from airgap.model.canonical import digest_of
from airgap.model.estate import Estate
from airgap.model.observation import Observation
from airgap.model.redaction import Redactor

ABOUT = {"account": "123456789012", "region": "eu-west-1"}


def estate(call: str, body: Mapping[str, Any], params: Mapping[str, Any] | None = None) -> Estate:
    page = digest_of(body)
    seen = Observation(call, params or {}, **ABOUT, place="lab", status="ok", time="", page=page)
    return Estate([seen], {page: body}.__getitem__, **ABOUT, taken_at="")


CASES: list[tuple[Query, Estate, list[dict[str, Any]]]] = [
    (Query("a:List"), estate("x:X", {}), [{}]),
    (
        Query("a:List", {"Fixed": True}, vary={"Kind": ("p", "q")}),
        estate("x:X", {}),
        [{"Fixed": True, "Kind": "p"}, {"Fixed": True, "Kind": "q"}],
    ),
    (
        follow("a:Get", "a:List", "names", {"name": "@", "cluster": "^.?.cluster"}),
        estate("a:List", {"names": ["n", "n"]}, {"cluster": "c"}),
        [{"name": "n", "cluster": "c"}],
    ),
    (
        follow("a:Get", "a:List", "Items", {"Ids": "[Id]", "Region": "$region"}),
        estate("a:List", {"Items": [{"Id": "i"}]}),
        [{"Ids": ["i"], "Region": "eu-west-1"}],
    ),
    (
        follow("a:Get", "a:List", "Items", {"Name": "/path/{Version}/id"}),
        estate("a:List", {"Items": [{"Version": "1.36"}]}),
        [{"Name": "/path/1.36/id"}],
    ),
    (
        follow("a:Get", "a:List", "Core.Segments.Edges", {"Table.Edge.Id": "@", "Table.Edge.Segment": "^.Name"}),
        estate("a:List", {"Core": {"Segments": [{"Name": "s", "Edges": ["e"]}]}}),
        [{"Table": {"Edge": {"Id": "e", "Segment": "s"}}}],
    ),
    (
        follow("a:Get", "a:List", "Items", {"Id": "Id"}, skip=(("Owner", "?*"),), only=(("Kind", "k"),)),
        estate("a:List", {"Items": [{"Id": "1", "Kind": "k"}, {"Id": "2", "Kind": "k", "Owner": "o"}, {"Id": "3"}]}),
        [{"Id": "1"}],
    ),
    (follow("a:Get", "a:List", "Items", {"Id": "Missing"}), estate("a:List", {"Items": [{"Id": "1"}]}), []),
    (follow("a:Get", "a:Other", "Items", {"Id": "Id"}), estate("a:List", {}), []),
    (Query("a:Lookup", since="From"), estate("x:X", {}), [{"From": "then"}]),
]


@pytest.mark.parametrize(("query", "seen", "expected"), CASES)
def test_a_row_becomes_calls(query: Query, seen: Estate, expected: list[dict[str, Any]]) -> None:
    assert parameters(query, seen, "then") == expected


class Service:
    """A client of one operation that answers in pages; it knows no paginator."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    def can_paginate(self, method: str) -> bool:
        return False

    def list_things(self, **params: Any) -> dict[str, Any]:
        self.asked.append(params)
        return self.answers[len(self.asked) - 1]


@pytest.mark.parametrize(
    ("given", "taken"),
    [("NextToken", "NextToken"), ("nextToken", "nextToken"), ("NextMarker", "NextMarker"),
     ("NextContinuationToken", "ContinuationToken")],
)  # fmt: skip
def test_every_page_is_asked_for_where_botocore_has_no_paginator(given: str, taken: str) -> None:
    service = Service({"n": 1, given: "t1"}, {"n": 2, given: "t2"}, {"n": 3})
    found = list(pages(service, "ListThings", {"A": 1}))
    assert [(answer["n"], last) for answer, last in found] == [(1, False), (2, False), (3, True)]
    assert service.asked == [{"A": 1}, {"A": 1, taken: "t1"}, {"A": 1, taken: "t2"}]


def test_a_token_that_repeats_ends_the_asking() -> None:
    service = Service(*({"NextToken": "same"} for _ in range(9)))
    assert len(list(pages(service, "ListThings", {}))) == 2


@pytest.mark.parametrize("flag", ["AdditionalRoutesAvailable", "HasMoreDeliveryStreams"])
def test_an_answer_that_is_cut_off_is_never_whole(flag: str) -> None:
    assert [last for _, last in pages(Service({flag: True}), "ListThings", {})] == [False]
    assert [last for _, last in pages(Service({flag: False}), "ListThings", {})] == [True]


class Memory:
    """A journal and page store that keep nothing but the last page."""

    def append(self, event: str, data: Mapping[str, Any]) -> str:
        return "0"

    def keep(self, page: bytes) -> str:
        return "page"


class Model:
    """As much of a client as the recorder looks at."""

    class meta:
        class service_model:
            @staticmethod
            def operation_model(name: str) -> Any:
                return type("Operation", (), {"output_shape": None})


def test_a_page_is_recorded_with_its_own_body_although_the_next_one_has_come() -> None:
    recorder = Recorder(Memory(), Memory(), lambda: "", Redactor())
    answers = []
    for body in (b"first", b"second page"):
        headers: dict[str, str] = {"date": "today"}
        recorder.body_received({"body": body, "headers": headers})
        answers.append({"ResponseMetadata": {"HTTPHeaders": headers}})
    asked = {"call": "a:List", "params": {}, **ABOUT, "place": "lab"}
    first = recorder.page(Model(), "List", asked, answers[0], 1, False)
    assert (first.body_size, first.http_date) == (len("first"), "today")
    assert recorder.page(Model(), "List", asked, answers[1], 2, True).body_size == len("second page")
    assert len(first.body_sha256) == 64


class Cloud:
    """A cloud that answers from a table and remembers what it was asked."""

    account, region = ABOUT["account"], ABOUT["region"]

    def __init__(self, bodies: Mapping[str, Any]) -> None:
        self.bodies, self.asked = bodies, []  # type: ignore[var-annotated]

    def read(self, call: str, params: Mapping[str, Any], **how: Any) -> list[Observation]:
        self.asked.append((call, dict(params), how))
        return [Observation(call, params, **ABOUT, place="lab", status="ok", time="", page=call)]


def test_follow_ups_are_made_after_what_they_follow_and_global_services_are_asked_at_home() -> None:
    bodies = {
        "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}]},
        "globalaccelerator:ListAccelerators": {"Accelerators": [{"AcceleratorArn": "arn"}]},
    }
    cloud = Cloud(bodies)
    collect(cloud, ["ec2:DescribeVpcAttribute", "globalaccelerator:ListListeners"], lambda page: bodies.get(page, {}))  # type: ignore[arg-type]
    calls = [call for call, _, _ in cloud.asked]
    assert calls.index("ec2:DescribeVpcs") < calls.index("ec2:DescribeVpcAttribute")
    assert calls.count("ec2:DescribeVpcAttribute") == 3
    assert {how["home"] for call, _, how in cloud.asked if call.startswith("globalaccelerator")} == {"us-west-2"}


def test_what_happened_is_asked_from_a_time_on_and_not_at_all_without_one() -> None:
    call = "cloudtrail:LookupEvents"
    cloud = Cloud({})
    collect(cloud, [call], lambda page: {})  # type: ignore[arg-type]
    assert cloud.asked == []
    since = dt.datetime(2026, 11, 2, tzinfo=dt.UTC).isoformat()
    collect(cloud, [call], lambda page: {}, since=since)  # type: ignore[arg-type]
    assert {params["StartTime"] for _, params, _ in cloud.asked} == {since}


@pytest.mark.parametrize(
    ("region", "homes"),
    [("us-east-1", [""]), ("eu-west-1", ["", "us-east-1"]), ("us-gov-east-1", ["", "us-gov-west-1"]),
     ("us-gov-west-1", [""]), ("cn-northwest-1", ["", "cn-north-1"])],
)  # fmt: skip
def test_the_history_of_global_services_is_asked_at_the_partitions_home_and_once(region: str, homes: list[str]) -> None:
    cloud = Cloud({})
    cloud.region = region
    collect(cloud, ["cloudtrail:LookupEvents"], lambda page: {}, since="2026-11-02T00:00:00Z")  # type: ignore[arg-type]
    assert [how["home"] for _, _, how in cloud.asked] == homes
    assert [how["scope"] for _, _, how in cloud.asked] == ["regional", "global"][: len(homes)]


@pytest.mark.parametrize(("region", "status"), [("eu-north-1", "unsupported"), ("eu-west-1", "failed")])
def test_a_service_that_its_region_lacks_is_told_apart_from_one_that_is_not_reached(
    region: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}.items():
        monkeypatch.setenv(name, value)
    # Port 9 of loopback, on which nothing listens.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    recorder = Recorder(Memory(), Memory(), lambda: "", Redactor())
    cloud = session.Cloud(ABOUT["account"], region, "lab", recorder, session.Clock(sleep=lambda seconds: None))
    assert [one.status for one in cloud.read("apprunner:ListServices", {})] == [status]


def test_what_is_known_is_returned_and_not_asked_again_and_what_follows_it_is_asked() -> None:
    bodies = {"ec2:DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}]}}
    cloud = Cloud(bodies)
    known = cloud.read("ec2:DescribeVpcs", {})
    seen = collect(cloud, ["ec2:DescribeVpcAttribute"], lambda page: bodies.get(page, {}), known=known)  # type: ignore[arg-type]
    assert [call for call, _, _ in cloud.asked] == ["ec2:DescribeVpcs", *["ec2:DescribeVpcAttribute"] * 3]
    assert [one.call for one in seen] == [call for call, _, _ in cloud.asked]


@pytest.mark.parametrize(
    ("status", "call", "lasts"),
    [
        ("ok", "ec2:DescribeVpcs", True),
        ("absent", "ec2:DescribeVpcs", True),
        ("denied", "ec2:DescribeVpcs", False),
        ("failed", "ec2:DescribeVpcs", False),
        ("ok", "cloudtrail:LookupEvents", False),
    ],
)
def test_what_was_not_answered_or_asked_from_a_time_on_serves_no_other_reading(
    status: str, call: str, lasts: bool
) -> None:
    one = Observation(call, {}, **ABOUT, place="lab", status=status, time="", page="")
    assert lasting([one]) == [one] * lasts
