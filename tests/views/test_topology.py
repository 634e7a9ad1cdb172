"""The drawing of the network: nothing over its neighbour, nothing outside the sheet, findings where they belong."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from itertools import combinations

import drawn_estates as drawn
import pytest

from airgap.model.finding import Finding
from airgap.model.intent import Intent
from airgap.views import VIEWS, Look, Picture
from airgap.views.drawing import AMBER, RED, clipped, length
from airgap.views.style import INK

SVG = "{http://www.w3.org/2000/svg}"
EXTRA = ("xray", "acm", "wafv2", "shield", "tagging", "codepipeline", "codebuild", "elasticache", "rds",
         "application-signals", "codeartifact.repositories")  # fmt: skip


def picture(pages: drawn.Pages, intent: Intent = drawn.DEMO, **more: object) -> Picture:
    denied = more.pop("denied", ())
    look = Look(intent, drawn.estate(pages, intent, denied), **more)  # type: ignore[arg-type]
    shown = VIEWS["network"]["topology"](look)
    assert isinstance(shown, Picture)
    return shown


def drawing(pages: drawn.Pages, intent: Intent = drawn.DEMO, **more: object) -> ET.Element:
    return ET.fromstring(picture(pages, intent, **more).svg)


def numbers(element: ET.Element, *names: str) -> list[float]:
    return [float(element.get(name, "0")) for name in names]


def texts(svg: ET.Element) -> list[tuple[float, float, float, str]]:
    """Left, right, base line and words of every text."""
    found = []
    for one in svg.iter(f"{SVG}text"):
        x, y, size = numbers(one, "x", "y", "font-size")
        wide = length(one.text or "", size)
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[one.get("text-anchor", "start")]
        found.append((left, left + wide, y, one.text or ""))
    return found


def signs(svg: ET.Element, colour: str) -> int:
    """The number of badges of a colour, the legend's own apart."""
    return sum(1 for one in svg.iter(f"{SVG}circle") if one.get("fill") == colour and one.get("r") == "8.5") - 1


LAYOUTS = [
    (count, tier, extra) for count in range(2, 7) for tier in ("none", "ingress-and-nat") for extra in ((), EXTRA)
]


@pytest.mark.parametrize("built", [False, True], ids=["planned", "built"])
@pytest.mark.parametrize(("count", "tier", "extra"), LAYOUTS)
def test_nothing_is_drawn_outside_or_over_its_neighbour(
    count: int, tier: str, extra: tuple[str, ...], built: bool
) -> None:
    intent = drawn.zoned(count, tier=tier, extra=extra)
    svg = drawing(drawn.deployed(intent) if built else drawn.empty(intent), intent)
    width, height = numbers(svg, "width", "height")
    words = texts(svg)
    assert all(left >= 0 and right <= width and 0 < y <= height for left, right, y, _ in words)
    for one, other in combinations(words, 2):
        if abs(one[2] - other[2]) < 9:
            assert one[1] <= other[0] + 1 or other[1] <= one[0] + 1, (one, other)


@pytest.mark.parametrize("count", range(2, 7))
def test_every_endpoint_stands_in_every_zone(count: int) -> None:
    intent = drawn.zoned(count, extra=EXTRA)
    svg = drawing(drawn.deployed(intent), intent)
    dots = [one for one in svg.iter(f"{SVG}circle") if one.get("r") == "4.5" and one.get("stroke") == "none"]
    assert len(dots) == (19 + len(EXTRA)) * count + 1
    assert {"codeartifact.repositories", "transcribestreaming"} <= {words for *_, words in texts(svg)}


def test_it_has_a_title_and_says_in_words_what_it_shows() -> None:
    shown = picture(drawn.deployed())
    svg = ET.fromstring(shown.svg)
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert svg.get("role") == "img"
    assert title is not None
    assert title.text == "Topology of demo"
    assert description is not None
    assert description.text == shown.text()
    for words in (
        f"VPC {drawn.VPC}, 10.0.0.0/16, in us-east-1.",
        "Block Public Access: block-bidirectional.",
        "DNS Firewall: fails closed.",
        "Exit: internet gateway igw-1.",
        "us-east-1a: sealed subnet private-a, 10.0.10.0/24, subnet-private-a; routes: local, s3.",
        "NAT gateway nat-public-a.",
        "Endpoint sts: us-east-1a, us-east-1b.",
        "Endpoint s3: 2 route tables.",
    ):
        assert words in shown.text()


def test_what_is_in_place_has_no_badge_and_what_is_planned_is_dashed() -> None:
    built, planned = drawing(drawn.deployed()), drawing(drawn.empty())
    assert signs(built, RED) == signs(planned, RED) == signs(built, AMBER) == signs(planned, AMBER) == 0
    sealed = [one for one in planned.iter(f"{SVG}rect") if one.get("stroke") == INK and one.get("stroke-width") == "3"]
    assert len(sealed) == 2
    assert all(one.get("stroke-dasharray") for one in sealed)


def finding(status: str, resource: str) -> Finding:
    return Finding("a-check", "title", status, "high", resource, "what is wrong", "", (), ())


@pytest.mark.parametrize(
    "resource",
    ["subnet:private-a", "route-table:private-a", "subnet-private-a", "internet-gateway:main", "nat-gateway:public-a",
     "vpc-endpoint:s3", "vpc:main"],
)  # fmt: skip
def test_a_finding_is_drawn_on_the_element_concerned(resource: str) -> None:
    failed = drawing(drawn.deployed(), findings=(finding("fail", resource), finding("pass", "subnet:private-b")))
    unknown = drawing(drawn.deployed(), findings=(finding("unknown", resource),))
    assert (signs(failed, RED), signs(failed, AMBER)) == (1, 0)
    assert (signs(unknown, RED), signs(unknown, AMBER)) == (0, 1)


def test_a_finding_on_an_interface_endpoint_marks_its_row() -> None:
    svg = drawing(
        drawn.deployed(), findings=(finding("fail", "vpc-endpoint:sts"), finding("unknown", "vpc-endpoint:kms"))
    )
    said = {words for *_, words in texts(svg)}
    assert {"✗ sts", "? kms", "logs"} <= said


@pytest.mark.parametrize(("resource", "sign"), [("bpa-options:account", "✗ block"), ("firewall-rule:block", "✗ fails")])
def test_a_finding_on_a_guard_turns_it_red(resource: str, sign: str) -> None:
    said = [words for *_, words in texts(drawing(drawn.deployed(), findings=(finding("fail", resource),)))]
    assert any(words.startswith(sign) for words in said)


def test_what_is_beyond_the_declared_is_red_without_any_finding() -> None:
    pages = drawn.deployed()
    joined = [{"VpcId": drawn.VPC, "State": "attached"}]
    pages["ec2:DescribeVpnGateways", "{}"] = {
        "VpnGateways": [{"VpnGatewayId": "vgw-1", "State": "available", "VpcAttachments": joined}]
    }
    requested = {"VpcId": drawn.VPC}
    pages["ec2:DescribeVpcPeeringConnections", "{}"] = {
        "VpcPeeringConnections": [
            {"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"}, "RequesterVpcInfo": requested},
            {"VpcPeeringConnectionId": "pcx-2", "Status": {"Code": "deleted"}, "RequesterVpcInfo": requested},
        ]
    }
    strange = {
        "SubnetId": "subnet-x",
        "VpcId": drawn.VPC,
        "CidrBlock": "10.0.99.0/24",
        "AvailabilityZone": "us-east-1a",
    }
    pages["ec2:DescribeSubnets", "{}"]["Subnets"].append(strange)
    pages["ec2:DescribeRouteTables", "{}"]["RouteTables"][-1]["Routes"].append(
        {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"}
    )
    svg = drawing(pages)
    assert signs(svg, RED) == 4
    said = picture(pages).text()
    assert "Exit: VPN gateway vgw-1, not declared." in said
    assert "pcx-2" not in said
    assert "routes: transit gateway, local, s3 (beyond its tier)." in said


def test_a_missing_zone_is_crossed_and_a_surplus_endpoint_is_marked() -> None:
    pages = drawn.deployed()
    found = pages["ec2:DescribeVpcEndpoints", "{}"]["VpcEndpoints"]
    sts = next(one for one in found if one["VpcEndpointId"] == "vpce-sts")
    sts["SubnetIds"] = ["subnet-private-a"]
    found.append({**sts, "VpcEndpointId": "vpce-new", "ServiceName": "com.amazonaws.us-east-1.guardduty-data"})
    svg = drawing(pages)
    assert sum(1 for one in svg.iter(f"{SVG}path") if one.get("stroke") == RED) == 1
    assert "✗ guardduty-data" in {words for *_, words in texts(svg)}


def test_pages_that_were_not_read_are_named_on_the_sheet() -> None:
    denied = ("ec2:DescribeRouteTables", "ec2:DescribeVpnGateways", "ec2:DescribeVpcEndpoints")
    shown = picture(drawn.deployed(), denied=denied)
    assert "Not read: VPN gateway: ec2:DescribeVpnGateways: denied" in shown.text()
    assert "routes: not read." in shown.text()
    assert "Endpoint sts: known after apply" not in shown.text()


def test_long_texts_are_cut_to_their_place() -> None:
    assert clipped("short", 100, 10) == "short"
    cut = clipped("a-very-long-name-indeed", 60, 10)
    assert cut.endswith("…")
    assert length(cut, 10) <= 60


def test_a_way_out_that_the_proof_has_found_is_drawn_in_red() -> None:
    """A sealed subnet's table leads to a NAT gateway and its ACL admits everything: the path is drawn, and said."""
    pages = drawn.deployed()
    assert "Way out" not in picture(pages).words
    lines = [one for one in drawing(pages).iter(f"{SVG}line") if one.get("stroke") == RED]
    assert lines == []
    tables, acls = (copy.deepcopy(pages[f"ec2:Describe{kind}", "{}"]) for kind in ("RouteTables", "NetworkAcls"))
    sealed = next(one for one in tables["RouteTables"] if "private-a" in one["RouteTableId"])
    sealed["Routes"].append({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-public-a", "State": "active"})
    for one in acls["NetworkAcls"]:
        one["Entries"] = [{"Egress": egress, "RuleNumber": 1, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0",
                           "Protocol": "-1"} for egress in (True, False)]  # fmt: skip
    broken = {**pages, ("ec2:DescribeRouteTables", "{}"): tables, ("ec2:DescribeNetworkAcls", "{}"): acls}
    assert "Way out: subnet-private-a reaches 8.8.8.8 by" in picture(broken).words
    lines = [one for one in drawing(broken).iter(f"{SVG}line") if one.get("stroke") == RED]
    assert len(lines) >= 3
