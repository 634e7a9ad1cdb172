"""The one diff: references before ids, approvals that cover exactly what they say, absence that is never equality."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.model.canonical import canonical_bytes, digest
from airgap.model.difference import diff, removal
from airgap.model.estate import Estate
from airgap.model.observation import NotObserved, Observation
from airgap.model.plan import (
    CREATE,
    DELETE,
    REPLACED,
    UPDATE,
    Change,
    Desired,
    Plan,
    ref,
    references,
    run_digest,
    uncovered,
)
from airgap.model.reading import NEVER, ONCE, Field, Reading
from airgap.model.survey import Survey, survey

TAGS = [{"Key": "airgap:environment", "Value": "demo"}]
VPC = Reading(
    "ec2:DescribeVpcs",
    "Vpcs",
    "VpcId",
    attrs={"owner": "OwnerId"},
    fields={"cidr": Field("CidrBlock", change=NEVER), "size": Field("Size", change=ONCE), "dns": Field("Dns")},
)
SUBNET = Reading(
    "ec2:DescribeSubnets",
    "Subnets",
    "SubnetId",
    owner="parent",
    tags="",
    natural=("vpc", "zone"),
    unless=(("Default", "true"),),
    fields={"vpc": Field("VpcId"), "zone": Field("Zone"), "groups": Field("Groups", form="set")},
)
READINGS = {"vpc": VPC, "subnet": SUBNET}
MAIN = Desired("vpc", "main", {"cidr": "10.0.0.0/16", "dns": True}, step="network")
A = Desired("subnet", "a", {"vpc": ref("vpc:main"), "zone": "a", "groups": ["g2", "g1"]}, step="network")


def estate(vpcs: list[dict[str, Any]] | None, subnets: list[dict[str, Any]] | None = ()) -> Estate:
    pages, observations = {}, []
    for call, body in (("ec2:DescribeVpcs", vpcs), ("ec2:DescribeSubnets", subnets)):
        if body is None:
            observations.append(Observation(call, {}, "1", "r", "rehearsal", "denied", "t", code="AccessDenied"))
            continue
        page = {call.removeprefix("ec2:Describe"): list(body)}
        key = digest(canonical_bytes(page))
        pages[key] = page
        observations.append(Observation(call, {}, "1", "r", "rehearsal", "ok", "t", page=key))
    return Estate(observations, pages.__getitem__, account="1", region="r", taken_at="")


def vpc(**more: Any) -> dict[str, Any]:
    tags = [*TAGS, {"Key": "airgap:key", "Value": "vpc:main"}]
    return {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Dns": True, "Tags": tags, **more}


def subnet(**more: Any) -> dict[str, Any]:
    return {"SubnetId": "s-1", "VpcId": "vpc-1", "Zone": "a", "Groups": ["g1", "g2"], **more}


def planned(where: Estate, *desired: Desired) -> Plan:
    wanted = desired or (MAIN, A)
    found = survey("demo", READINGS, wanted, where)
    return diff("network", wanted, READINGS, found, undeclared=found.orphans)


def test_what_is_missing_is_created_field_by_field_with_references() -> None:
    changes = planned(estate([])).changes
    assert {(one.op, one.resource, one.field) for one in changes if one.resource == "subnet:a"} == {
        (CREATE, "subnet:a", "groups"),
        (CREATE, "subnet:a", "vpc"),
        (CREATE, "subnet:a", "zone"),
    }
    assert next(one.after for one in changes if one.field == "vpc") == "${vpc:main.id}"


def test_what_is_as_declared_needs_nothing_whatever_the_order() -> None:
    assert planned(estate([vpc()], [subnet()])).changes == ()


def test_a_field_that_moved_is_one_change_with_before_and_after() -> None:
    (change,) = planned(estate([vpc(Dns=False)], [subnet()])).changes
    assert (change.op, change.resource, change.field, change.before, change.after) == (
        UPDATE, "vpc:main", "dns", False, True,
    )  # fmt: skip


def test_a_field_that_cannot_change_replaces_and_one_set_once_is_left_alone() -> None:
    declared = Desired("vpc", "main", {"cidr": "10.1.0.0/16", "size": 3, "dns": True}, step="network")
    assert [one.op for one in planned(estate([vpc(Size=7)]), declared).changes] == [REPLACED]


def test_what_is_ours_and_undeclared_goes_and_what_is_foreign_stays() -> None:
    stray = subnet(SubnetId="s-2", Zone="b")
    elsewhere = subnet(SubnetId="s-3", VpcId="vpc-9", Zone="c")
    default = subnet(SubnetId="s-4", Zone="d", Default="true")
    changes = planned(estate([vpc(), vpc(VpcId="vpc-9", Tags=[])], [subnet(), stray, elsewhere, default])).changes
    assert [(one.op, one.resource) for one in changes] == [(DELETE, "subnet:undeclared s-2")]


def test_a_second_resource_with_the_same_key_is_a_duplicate_to_remove() -> None:
    changes = planned(estate([vpc(), vpc(VpcId="vpc-2")], [subnet()])).changes
    assert [one.op for one in changes] == [DELETE]
    assert "duplicate vpc-2" in changes[0].resource


def test_what_could_not_be_read_is_unknown_and_never_a_create() -> None:
    plan = planned(estate(None, [subnet()]))
    assert [key for key, _ in plan.unknowns] == ["vpc:main", "subnet:a"]
    assert plan.changes == ()


def test_a_reference_to_what_could_not_be_read_is_unknown_and_no_difference() -> None:
    peer = Desired("peering", "out", {"name": "out", "vpc": ref("vpc:main")}, step="network")
    reading = Reading(
        "ec2:DescribePeerings",
        "Peerings",
        "Id",
        owner="name",
        tags="",
        natural=("name",),
        fields={"name": Field("Name"), "vpc": Field("Vpc")},
    )
    page = {"Peerings": [{"Id": "pcx-1", "Name": "out", "Vpc": "vpc-1"}]}
    seen = Observation("ec2:DescribePeerings", {}, "1", "r", "rehearsal", "ok", "t", page="p")
    denied = Observation("ec2:DescribeVpcs", {}, "1", "r", "rehearsal", "denied", "t", code="AccessDenied")
    there = Estate([seen, denied], {"p": page}.__getitem__, account="1", region="r", taken_at="")
    readings = {"vpc": VPC, "peering": reading}
    plan = diff("network", [peer], readings, survey("demo", readings, [peer], there))
    assert plan.changes == ()
    assert [key for key, _ in plan.unknowns] == ["peering:out"]


def test_an_adopted_resource_is_verified_and_never_changed() -> None:
    adopted = Desired("vpc", "main", {"cidr": "10.0.0.0/16", "dns": True}, step="network", adopted="vpc-7")
    plan = planned(estate([vpc(VpcId="vpc-7", Dns=False, Tags=[])]), adopted)
    assert plan.changes == ()
    assert [(one.op, one.field) for one in plan.differing] == [("differs", "dns")]
    assert planned(estate([]), adopted).unknowns == (("vpc:main", "vpc-7 is to be adopted and was not found"),)


def test_a_plan_has_one_digest_before_and_after_ids_are_known() -> None:
    one = planned(estate([vpc()], []))
    two = planned(estate([vpc(VpcId="vpc-other")], []))
    assert one.changes
    assert one.digest == two.digest
    assert Plan.from_data(one.as_data()) == one
    assert run_digest([one]) != run_digest([])


def test_removal_goes_in_the_order_given_and_takes_protections_off_first() -> None:
    found = survey("demo", READINGS, [MAIN, A], estate([vpc()], [subnet()]))
    plan = removal("network", [found.lives["subnet:a"], found.lives["vpc:main"]], found, {"vpc": {"dns": False}})
    assert [(one.op, one.resource, one.field) for one in plan.changes] == [
        (DELETE, "subnet:a", ""),
        (UPDATE, "vpc:main", "dns"),
        (DELETE, "vpc:main", ""),
    ]


VALUES = st.sampled_from([1, 2, "a", ["x"], None])
CHANGES = st.builds(
    Change,
    st.sampled_from([CREATE, UPDATE, DELETE, REPLACED]),
    st.sampled_from(["vpc:a", "vpc:b"]),
    st.sampled_from(["f", "g"]),
    VALUES,
    VALUES,
)


@given(st.lists(CHANGES, max_size=5))
def test_an_approved_plan_covers_itself_and_any_part_of_itself(changes: list[Change]) -> None:
    assert uncovered(changes, changes) == []
    assert uncovered(changes[:2], changes) == []


@given(CHANGES, st.lists(CHANGES, max_size=5))
def test_a_delete_or_replace_is_covered_by_itself_alone(change: Change, approved: list[Change]) -> None:
    left = uncovered([change], approved)
    if change.op in (DELETE, REPLACED) and not any(one.canonical == change.canonical for one in approved):
        assert left == [change]


@pytest.mark.parametrize(
    ("actual", "approved", "covered"),
    [
        (Change(UPDATE, "vpc:a", "f", 1, 2), Change(CREATE, "vpc:a", "f", None, 2), True),
        (Change(UPDATE, "vpc:a", "f", 1, 3), Change(CREATE, "vpc:a", "f", None, 2), False),
        (Change(UPDATE, "vpc:a", "f", 0, 2), Change(UPDATE, "vpc:a", "f", 1, 2), False),
        (Change(CREATE, "vpc:a", "f", None, 2), Change(UPDATE, "vpc:a", "f", 1, 2), False),
        (Change(CREATE, "vpc:b", "f", None, 2), Change(CREATE, "vpc:a", "f", None, 2), False),
        (Change(UPDATE, "vpc:a", "f", 1, 2, "high", "why"), Change(UPDATE, "vpc:a", "f", 1, 2), True),
    ],
)
def test_coverage(actual: Change, approved: Change, covered: bool) -> None:
    assert (uncovered([actual], [approved]) == []) is covered


def test_references_are_found_wherever_they_stand() -> None:
    assert references({"a": ["${vpc:main.id}"], "b": {"c": "x ${role:node.arn} y"}}) == {"vpc:main", "role:node"}


def test_parts_whose_names_rest_on_what_could_not_be_read_are_not_taken_for_undeclared() -> None:
    link = Reading(
        "ec2:DescribeLinks",
        "Links",
        "Id",
        owner="parent",
        tags="",
        natural=("vpc", "subnet"),
        fields={"vpc": Field("Vpc"), "subnet": Field("Subnet")},
    )
    named = dataclasses.replace(VPC, call="ec2:DescribeSubnets", items="Subnets", id="SubnetId", fields={})
    readings = {"vpc": VPC, "subnet": named, "link": link}
    wanted = [
        MAIN,
        Desired("subnet", "a", {}),
        Desired("link", "a", {"vpc": ref("vpc:main"), "subnet": ref("subnet:a")}),
    ]
    links = {"Links": [{"Id": "link-1", "Vpc": "vpc-1", "Subnet": "s-1"}]}
    seen = [
        Observation("ec2:DescribeVpcs", {}, "1", "r", "rehearsal", "ok", "t", page="vpcs"),
        Observation("ec2:DescribeLinks", {}, "1", "r", "rehearsal", "ok", "t", page="links"),
        Observation("ec2:DescribeSubnets", {}, "1", "r", "rehearsal", "denied", "t", code="AccessDenied"),
    ]
    pages = {"vpcs": {"Vpcs": [vpc()]}, "links": links}
    there = Estate(seen, pages.__getitem__, account="1", region="r", taken_at="")
    found = survey("demo", readings, wanted, there)
    plan = diff("network", wanted, readings, found, undeclared=found.orphans)
    assert plan.changes == ()
    assert [key for key, _ in plan.unknowns] == ["subnet:a", "link:a"]


def test_a_kind_that_may_hold_undeclared_things_and_could_not_be_read_is_unknown() -> None:
    found = survey("demo", READINGS, [MAIN], estate([vpc()], None))
    assert diff("network", [MAIN], READINGS, found).unknowns == ()
    answering = diff("network", [MAIN], READINGS, found, answers_for=("vpc", "subnet"))
    assert [key for key, _ in answering.unknowns] == ["subnet:undeclared"]


def test_what_is_applied_as_a_whole_is_planned_although_it_may_not_be_read() -> None:
    kind = Reading("kubernetes:ListThings", "items", "metadata.name", owner="name", natural=("name",), declarative=True)
    wanted = [Desired("thing", "a", {"name": "a"})]
    for reason, planned in (("denied (Forbidden)", 1), ("failed (Unreachable)", 0)):
        found = Survey(unreadable={"thing": NotObserved("kubernetes:ListThings", {}, reason)})
        plan = diff("test", wanted, {"thing": kind}, found, answers_for=["thing"], unseen=True)
        assert (len(plan.changes), len(plan.unknowns)) == (planned, 1 - planned)
        judged = diff("test", wanted, {"thing": kind}, found, answers_for=["thing"])
        assert (len(judged.changes), len(judged.unknowns)) == (0, 1), "a verdict rests on what was read"
