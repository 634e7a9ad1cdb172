"""Each channel that is no route: one thing that opens it, refuted; nothing there, proven; nothing read, unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import answer_keys
import pytest
from networks import ACCOUNT, ALLOW, REGION, answers, vpc

from airgap.egress.boundary import Boundary
from airgap.egress.channels import RULES
from airgap.egress.facts import Document, Facts
from airgap.egress.network import Network
from airgap.egress.standing import STANDING
from airgap.egress.verdict import Proof, prove
from airgap.model.channels import CHANNELS

FOREIGN = "444455556666"
OPENINGS = [
    json.loads(line) for line in (Path(__file__).parent / "openings.jsonl").read_text().splitlines() if line.strip()
]


def proof(more: list[Document]) -> Proof:
    return prove(Network(Facts(answers(vpc([], ALLOW), more))), Boundary())


def verdict(found: Proof, channel: str) -> str:
    return next(one.verdict for one in found.channels if one.channel.id == channel)


def document(call: str, body: dict[str, Any], params: dict[str, Any] | None = None) -> Document:
    return Document(ACCOUNT, REGION, params or {}, body, call)


def test_where_nothing_is_every_channel_is_proven() -> None:
    found = proof([])
    assert {one.channel.id: one.verdict for one in found.channels} == dict.fromkeys(CHANNELS, "proven")
    assert found.verdict == "proven"


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_call_that_was_refused_makes_its_channel_unknown(channel: str) -> None:
    for call in CHANNELS[channel].calls:
        if call == "cloudtrail:LookupEvents":
            continue
        whole = [one for one in answers(vpc([], ALLOW)) if one.call != call]
        refused = Document(ACCOUNT, REGION, {}, {}, call, "denied")
        found = prove(Network(Facts([*whole, refused])), Boundary())
        assert verdict(found, channel) == "unknown", call
        assert found.verdict == "unknown"
        assert call in {one.needs for one in found.missing}


@pytest.mark.parametrize("one", OPENINGS, ids=[f"{one['channel']}-{one['call']}" for one in OPENINGS])
def test_one_thing_opens_its_channel_and_no_other(one: dict[str, Any]) -> None:
    found = proof([document(each["call"], each["body"], each.get("params")) for each in (*one.get("with", []), one)])
    opened = {each.channel.id for each in found.channels if each.verdict == "refuted"}
    assert opened == {one["channel"], *one.get("too", [])}, [each.as_data() for each in found.channels if each.ways]
    assert found.verdict == "refuted"


@pytest.mark.parametrize("row", STANDING, ids=[f"{row.channel}-{row.call}" for row in STANDING])
def test_what_stands_opens_its_channel_unless_it_is_named(row: Any) -> None:
    item: Any = {row.name: "thing-1"} if row.name else "thing-1"
    assert verdict(proof([document(row.call, {row.member: [item]})]), row.channel) == "refuted"
    named = prove(
        Network(Facts(answers(vpc([], ALLOW), [document(row.call, {row.member: [item]})]))),
        Boundary(gateways=("thing-1",)),
    )
    assert verdict(named, row.channel) == ("proven" if row.name else "refuted")


def test_every_rule_is_of_a_channel() -> None:
    assert set(RULES) | {row.channel for row in STANDING} <= set(CHANNELS)
    assert {row.call for row in STANDING} <= {call for one in CHANNELS.values() for call in one.calls}


def test_the_table_of_answers_is_the_one_that_botocore_gives() -> None:
    assert answer_keys.TABLE.read_text() == answer_keys.table()


FIREWALL = [
    document("ec2:DescribeVpcAttribute", {"VpcId": "vpc-1", "EnableDnsSupport": {"Value": True}}),
    document("route53resolver:GetFirewallConfig",
             {"FirewallConfig": {"ResourceId": "vpc-1", "FirewallFailOpen": "DISABLED"}}),
    document("route53resolver:ListFirewallRuleGroupAssociations", {"FirewallRuleGroupAssociations": [
        {"VpcId": "vpc-1", "FirewallRuleGroupId": "g", "Priority": 101, "Status": "COMPLETE"}]}),
    document("route53resolver:ListFirewallDomains", {"Domains": ["*"]}, {"FirewallDomainListId": "all"}),
    document("route53resolver:ListFirewallDomains", {"Domains": ["*.us-east-1.amazonaws.com."]},
             {"FirewallDomainListId": "aws"}),
    document("route53resolver:ListFirewallDomains", {"Domains": ["*.example.org."]}, {"FirewallDomainListId": "out"}),
]  # fmt: skip


def rule(priority: int, action: str, domains: str, **more: str) -> dict[str, Any]:
    return {"FirewallRuleGroupId": "g", "Priority": priority, "Action": action, "FirewallDomainListId": domains, **more}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule(1, "ALLOW", "aws"), rule(2, "BLOCK", "all")], "proven"),
        ([rule(1, "ALLOW", "out"), rule(2, "BLOCK", "all")], "refuted"),
        ([rule(3, "ALLOW", "out"), rule(2, "BLOCK", "all")], "proven"),
        ([rule(1, "ALERT", "all"), rule(2, "BLOCK", "all")], "refuted"),
        ([rule(1, "ALLOW", "aws"), rule(2, "BLOCK", "out")], "refuted"),
        ([rule(2, "BLOCK", "all", Qtype="A")], "refuted"),
        (
            [
                rule(1, "ALLOW", "aws", FirewallDomainRedirectionAction="TRUST_REDIRECTION_DOMAIN"),
                rule(2, "BLOCK", "all"),
            ],
            "unknown",
        ),
        ([], "refuted"),
    ],
)
def test_recursion_is_closed_by_the_order_of_a_firewalls_rules(rules: list[dict[str, Any]], expected: str) -> None:
    items = vpc([], ALLOW)
    more = [*FIREWALL, document("route53resolver:ListFirewallRules", {"FirewallRules": rules})]
    known = [one for one in answers(items, more) if (one.body.get("EnableDnsSupport") or {}).get("Value") is not False]
    assert verdict(prove(Network(Facts(known)), Boundary()), "D1") == expected


@pytest.mark.parametrize("mode", [None, "AWS_MANAGED", "CUSTOMER_ROUTED", "CUSTOMER_ISOLATED", "SOMETHING_NEW"])
def test_the_egress_mode_of_a_control_plane(mode: str | None) -> None:
    config = {"endpointPublicAccess": False, **({"controlPlaneEgressMode": mode} if mode else {})}
    found = proof([document("eks:DescribeCluster", {"cluster": {"name": "c", "resourcesVpcConfig": config}})])
    expected = {"CUSTOMER_ROUTED": "proven", "CUSTOMER_ISOLATED": "proven", "SOMETHING_NEW": "unknown"}
    assert verdict(found, "K2") == expected.get(str(mode), "refuted")
    assert any("control plane" in one for one in found.residual) == (mode == "CUSTOMER_ROUTED")


def test_a_declared_region_that_was_not_read_is_unknown() -> None:
    known = Network(Facts(answers(vpc([], ALLOW))))
    here = prove(known, Boundary(accounts=(ACCOUNT,), regions=(REGION,)))
    both = prove(known, Boundary(accounts=(ACCOUNT,), regions=(REGION, "eu-west-1")))
    assert (here.verdict, both.verdict) == ("proven", "unknown")
    assert any("eu-west-1" in one.what for one in both.missing)


def test_a_call_made_in_the_home_region_makes_it_no_region_in_question() -> None:
    more = Document(ACCOUNT, "us-west-2", {}, {"trailList": []}, "cloudtrail:DescribeTrails")
    known = Network(Facts([*answers(vpc([], ALLOW)), more]))
    assert prove(known, Boundary()).verdict == "proven"


def test_a_list_of_which_a_page_is_missing_may_hold_anything() -> None:
    routed = {"DestinationPrefixListId": "pl-1", "TransitGatewayId": "tgw-1", "State": "active"}
    call = "ec2:GetManagedPrefixListEntries"
    page = document(call, {"Entries": []}, {"PrefixListId": "pl-1"})
    lost = Document(ACCOUNT, REGION, {"PrefixListId": "pl-1"}, {}, call, "its page is missing")

    def judged(pages: list[Document]) -> str:
        return prove(Network(Facts(answers(vpc([routed], ALLOW), pages))), Boundary()).judged[0].verdict

    assert (judged([page]), judged([page, lost])) == ("proven", "unknown")


def test_acls_that_were_read_in_part_prove_nothing() -> None:
    out = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
    lost = Document(ACCOUNT, REGION, {}, {}, "ec2:DescribeNetworkAcls", "its page is missing")
    known = [Network(Facts(answers(vpc([out], []), more))) for more in ([], [lost])]
    assert [prove(one, Boundary()).judged[0].verdict for one in known] == ["proven", "unknown"]


def test_where_nothing_was_recorded_no_channel_is_proven() -> None:
    assert {one.verdict for one in prove(Network(Facts([])), Boundary()).channels} == {"unknown"}


def test_a_vpc_of_another_environment_is_not_in_question() -> None:
    """Two environments of one account may have the same ranges; the tags of the VPC tell them apart."""
    items = vpc([], ALLOW)
    other = {"VpcId": "vpc-2", "OwnerId": ACCOUNT, "CidrBlock": "10.0.0.0/16",
             "Tags": [{"Key": "airgap:environment", "Value": "other"}]}  # fmt: skip
    items["Vpcs"].append(other)
    items["Subnets"].append({**items["Subnets"][0], "SubnetId": "subnet-2", "VpcId": "vpc-2"})
    items["RouteTables"].append({"RouteTableId": "rtb-2", "VpcId": "vpc-2", "Associations": [{"SubnetId": "subnet-2"}],
                                 "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-2"}]})  # fmt: skip
    sealed = {"schema": "airgap/boundary/v1", "sealed_subnets": ["10.0.1.0/24"], "open_subnets": []}
    known = Network(Facts(answers(items)))
    assert prove(known, Boundary.from_data(sealed)).verdict == "refuted"
    named = prove(known, Boundary.from_data({**sealed, "environment": "demo"}))
    assert (named.verdict, [one.subnet for one in named.judged]) == ("proven", ["subnet-1"])
