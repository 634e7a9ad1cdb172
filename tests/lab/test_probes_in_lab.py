"""Probes in a lab that stands: by kind of refusal, beside their controls, and each of them can succeed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_networks import NETWORKS, group, interface, to

from airgap import params
from airgap.egress.facts import Document, Facts
from airgap.egress.network import Network
from airgap.lab import standing
from airgap.lab.kernel import inside
from airgap.model.probe_list import IMDS, probes_of
from airgap.model.probes import ANSWERED, REFUSED, about, told
from airgap.probes import script

# The networks of the proof's own tests; small_networks has put them on the path.
from networks import ACCOUNT, ALLOW, REGION, answers, entry, vpc  # isort: skip

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
RESOLVER, STS = "169.254.169.253", "sts.us-east-1.amazonaws.com"
BLOCK = {"Action": "BLOCK", "BlockResponse": "NXDOMAIN", "Priority": 200, "FirewallDomainListId": "all"}
ALLOWED = {"Action": "ALLOW", "Priority": 100, "FirewallDomainListId": "own"}
PROBES = [
    {"name": "endpoint", "kind": "tcp", "wants": ANSWERED, "to": STS, "port": 443},
    {"name": "own-name", "kind": "dns", "wants": ANSWERED, "ask": STS},
    {"name": "gateway-endpoint", "kind": "tcp", "wants": ANSWERED, "to": "52.216.0.9", "port": 443},
    {"name": "tcp", "kind": "tcp", "wants": REFUSED, "control": "endpoint", "to": "1.1.1.1", "port": 443},
    {"name": "udp", "kind": "udp", "wants": REFUSED, "control": "own-name", "to": "8.8.8.8", "ask": "example.com"},
    {"name": "icmp", "kind": "icmp", "wants": REFUSED, "control": "endpoint", "to": "1.1.1.1"},
    {"name": "ipv6", "kind": "tcp", "wants": REFUSED, "control": "endpoint", "to": "2600::1", "port": 443},
    {"name": "name", "kind": "dns", "wants": REFUSED, "control": "own-name", "ask": "example.com"},
]


def firewall(*rules: dict[str, Any]) -> list[Document]:
    """A DNS Firewall of these rules, over a resolver that answers."""
    said = {
        "ec2:DescribeVpcAttribute": ({}, {"VpcId": "vpc-1", "EnableDnsSupport": {"Value": True}}),
        "route53resolver:ListFirewallRuleGroupAssociations": ({}, {"FirewallRuleGroupAssociations": [
            {"VpcId": "vpc-1", "FirewallRuleGroupId": "g", "Priority": 1, "Status": "COMPLETE"}]}),
        "route53resolver:ListFirewallRules": ({}, {"FirewallRules": [
            {**one, "FirewallRuleGroupId": "g"} for one in rules]}),
    }  # fmt: skip
    lists = [({"FirewallDomainListId": "all"}, {"Domains": ["*."]}),
             ({"FirewallDomainListId": "own"}, {"Domains": ["*.amazonaws.com."]})]  # fmt: skip
    found = [Document(ACCOUNT, REGION, params, body, call) for call, (params, body) in said.items()]
    return found + [Document(ACCOUNT, REGION, *one, "route53resolver:ListFirewallDomains") for one in lists]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Brings labs up and takes them down again."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    standing.install(print)

    def up(items: dict[str, Any], *rules: dict[str, Any]) -> standing.Lab:
        return standing.up(Network(Facts(answers(items, firewall(*rules)))), "test-probes")

    yield up
    standing.down("test-probes")


def tried(lab: standing.Lab, space: str, probes: Sequence[Mapping[str, Any]] = PROBES) -> dict[str, dict[str, Any]]:
    """What comes of every probe from a space."""
    authority = standing.authority_file(lab.name).read_text()
    asked = json.dumps({"resolver": RESOLVER, "probes": probes, "authorities": {"": authority}})
    with inside(lab.prefix + space):
        done = subprocess.run([sys.executable, "-I", "-", asked], input=script(), capture_output=True, text=True,
                              check=True)  # fmt: skip
    return {one["name"]: one for one in json.loads(done.stdout)}


def outcomes(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["outcome"] for name, one in found.items()}


def test_a_sealed_host_reaches_its_endpoints_and_nothing_else(lab: Any) -> None:
    items = NETWORKS["sealed"]()
    items["NetworkAcls"][0]["Entries"].append({**entry(110, "allow", "52.216.0.0/15"), "Egress": False})
    found = tried(lab(items, ALLOWED, BLOCK), "eni-2")
    assert outcomes(found) == {
        "endpoint": "answered", "own-name": "answered", "gateway-endpoint": "answered", "tcp": "dropped",
        "udp": "dropped", "icmp": "dropped", "ipv6": "dropped", "name": "refused",
    }  # fmt: skip
    assert {told(one, found)[0] for one in found.values()} == {"pass"}


def test_an_acl_that_admits_no_answers_closes_what_it_lets_out(lab: Any) -> None:
    """It keeps no state: what goes to the gateway endpoint is let out, and its answer is not let in."""
    assert tried(lab(NETWORKS["sealed"](), ALLOWED, BLOCK), "eni-2")["gateway-endpoint"]["outcome"] == "dropped"


def test_whoever_stands_outside_is_answered(lab: Any) -> None:
    """What is tried does answer: a refusal is the network's own."""
    stands = lab(NETWORKS["sealed"](), ALLOWED, BLOCK)
    assert {name for name, one in tried(stands, "internet").items() if one["outcome"] == "answered"} >= {
        "tcp", "udp", "icmp", "ipv6", "name"}  # fmt: skip


def test_without_the_firewall_a_stranger_is_asked(lab: Any) -> None:
    found = tried(lab(NETWORKS["sealed"](), ALLOWED), "eni-2")
    assert found["name"]["outcome"] == "answered"
    assert told(found["name"], found)[0] == "fail"


def test_no_route_says_so_and_an_acl_does_not(lab: Any) -> None:
    """Without a route the network says that there is none; what a filter drops is never heard of again."""
    items = vpc(
        [],
        [*ALLOW, {**entry(100, "allow", "0.0.0.0/0"), "Egress": False}],
        SecurityGroups=[group("sg-1", [], [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])],
        NetworkInterfaces=[interface("eni-1", "10.0.1.8", "sg-1")],
    )
    assert tried(lab(items, BLOCK), "eni-1")["tcp"]["outcome"] == "unreachable"


def test_every_way_out_is_found(lab: Any) -> None:
    """An internet gateway, a public address, open filters and no DNS Firewall: each probe of IPv4 succeeds."""
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    items = vpc(
        [to("0.0.0.0/0", GatewayId="igw-1")],
        [*ALLOW, {**entry(100, "allow", "0.0.0.0/0"), "Egress": False}],
        InternetGateways=[{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}],
        SecurityGroups=[group("sg-1", [], [everything])],
        NetworkInterfaces=[interface("eni-1", "10.0.1.8", "sg-1", Association={"PublicIp": "203.0.113.8"})],
    )
    found = tried(lab(items), "eni-1")
    for name in ("tcp", "udp", "icmp", "name"):
        assert found[name]["outcome"] == "answered", found[name]
        assert told(found[name], found)[0] == "fail"


def test_a_nat_gateway_brings_the_answers_back(lab: Any) -> None:
    """It stands in a subnet of its own, whose table leads to the internet gateway."""
    items = NETWORKS["open"]()
    sealed, world = items["RouteTables"][0], [to("0.0.0.0/0", GatewayId="igw-1")]
    sealed["Routes"] = [*sealed["Routes"][:2], to("0.0.0.0/0", NatGatewayId="nat-1")]
    items["Subnets"].append({**items["Subnets"][0], "SubnetId": "subnet-2", "CidrBlock": "10.0.2.0/24",
                             "Ipv6CidrBlockAssociationSet": []})  # fmt: skip
    items["RouteTables"].append({"RouteTableId": "rtb-2", "VpcId": "vpc-1", "Routes": [sealed["Routes"][0], *world],
                                 "Associations": [{"SubnetId": "subnet-2"}]})  # fmt: skip
    items["NetworkAcls"][0]["Associations"].append({"SubnetId": "subnet-2"})
    items["NatGateways"][0].update(
        SubnetId="subnet-2", NatGatewayAddresses=[{"PrivateIp": "10.0.2.5", "PublicIp": "203.0.113.5"}]
    )
    del items["NetworkInterfaces"][0]["Association"]
    found = tried(lab(items), "eni-1")
    assert found["tcp"]["outcome"] == "answered"
    assert told(found["tcp"], found)[0] == "fail"


def node(options: dict[str, Any], policy: Any = None) -> dict[str, Any]:
    """The sealed network, whose host is a node with these metadata options; its buckets have this endpoint policy."""
    items = NETWORKS["sealed"]()
    items["NetworkAcls"][0]["Entries"].append({**entry(110, "allow", "52.216.0.0/15"), "Egress": False})
    tags = [{"Key": "eks:nodegroup-name", "Value": "general"}]
    items["Reservations"] = [{"Instances": [{"InstanceId": "i-2", "Tags": tags, "MetadataOptions": options}]}]
    if policy is not None:
        items["VpcEndpoints"][1]["PolicyDocument"] = json.dumps(policy)
    return items


SAFE = {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}
OWNED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::amazon-ssm-us-east-1/*",
        }
    ],
}


def beside(role: str) -> list[dict[str, Any]]:
    """The probes of metadata and buckets that a role makes, with the endpoint that is in the small network."""
    every = [one for one in probes_of(params.load("demo"), role) if about(one) in ("metadata", "bucket")]
    moved = [{**one, "control": "endpoint"} if one["control"].startswith("endpoint-") else one for one in every]
    return [PROBES[0], *moved]


def statuses(lab: standing.Lab, space: str, role: str) -> dict[str, str]:
    found = tried(lab, space, beside(role))
    return {name: told(one, found)[0] for name, one in found.items()}


def test_credentials_are_for_the_node_alone_and_buckets_of_strangers_are_refused(lab: Any) -> None:
    stands = lab(node(SAFE, OWNED))
    assert statuses(stands, "eni-2", "node") == dict.fromkeys(
        ("endpoint", "metadata-second-version", "metadata-first-version", "bucket-admitted", "bucket-foreign"), "pass"
    )
    found = tried(stands, "pod-eni-2", beside("pod"))
    assert outcomes(found) == {
        "endpoint": "answered", "pod-metadata-second-version": "dropped", "pod-metadata-first-version": "refused",
        "bucket-admitted": "answered", "bucket-foreign": "refused"}  # fmt: skip


def test_a_door_that_everybody_may_use_is_found(lab: Any) -> None:
    """Without a policy of its own, no token, and one hop more: each probe says so."""
    stands = lab(node({"HttpTokens": "optional", "HttpPutResponseHopLimit": 2}))
    found = statuses(stands, "eni-2", "node")
    assert (found["metadata-first-version"], found["bucket-foreign"]) == ("fail", "fail")
    found = statuses(stands, "pod-eni-2", "pod")
    assert (found["pod-metadata-first-version"], found["pod-metadata-second-version"]) == ("fail", "fail")


def test_an_endpoint_that_admits_nobody_shows_nothing_of_strangers(lab: Any) -> None:
    nobody = {**OWNED, "Statement": [{**OWNED["Statement"][0], "Effect": "Deny"}]}
    found = statuses(lab(node(SAFE, nobody)), "eni-2", "node")
    assert (found["bucket-admitted"], found["bucket-foreign"]) == ("fail", "unknown")


def test_a_service_that_is_off_gives_nobody_anything(lab: Any) -> None:
    found = tried(lab(node({**SAFE, "HttpEndpoint": "disabled"})), "eni-2", beside("node"))
    assert outcomes(found)["metadata-second-version"] == "refused"
    assert found["metadata-second-version"]["to"] == IMDS
