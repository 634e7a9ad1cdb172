"""Every view of every step: with nothing read, with nothing there, with all in place, and with calls denied."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from typing import Any

import drawn_estates as drawn
import pytest

from airgap.cloud.queries import QUERIES
from airgap.model.finding import Finding
from airgap.model.intent import Waiver
from airgap.model.plan import Desired, ref
from airgap.views import VIEWS, Facts, Look, Picture, Shown, Table, reads

EVERY = [(step, name) for step, views in VIEWS.items() for name in views]
FROM_INTENT = {("preflight", "addresses"), ("preflight", "cost"), ("endpoints", "removal")}
FROM_INTENT |= {("ai", "trials")}
FROM_INTENT |= {("pipeline", name) for name in ("networks", "ways", "files")}
FROM_INTENT |= {("attest", name) for name in ("verdicts", "properties", "exceptions", "data-flows", "responsibility")}
STEP = {"title": "Network", "status": "completed", "mode": "apply", "verdict": "unknown", "changes": 3}
VOID = {"br", "rect", "line", "circle", "path"}


class Balance(HTMLParser):
    """A parser that sees that every element is closed in its turn, and keeps the names and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(shown: Shown) -> list[tuple[str, dict[str, Any]]]:
    balance = Balance()
    balance.feed(shown.html())
    assert balance.open == []
    return balance.seen


def seen(step: str, name: str, pages: drawn.Pages, **more: Any) -> Shown:
    denied = more.pop("denied", ())
    return VIEWS[step][name](Look(drawn.DEMO, drawn.estate(pages, denied=denied), **more))


@pytest.mark.parametrize(("step", "name"), EVERY)
def test_a_view_in_which_nothing_was_read_says_so(step: str, name: str) -> None:
    shown = seen(step, name, {})
    assert isinstance(shown, (Table, Facts, Picture))
    assert ("not read" in shown.text()) is ((step, name) not in FROM_INTENT)
    parsed(shown)


@pytest.mark.parametrize(("step", "name"), EVERY)
def test_a_view_of_an_empty_account_draws(step: str, name: str) -> None:
    shown = seen(step, name, drawn.empty())
    assert "not read" not in shown.text()
    parsed(shown)


@pytest.mark.parametrize("name", ["topology", "routes", "dns", "buckets"])
def test_what_does_not_exist_yet_is_known_after_apply(name: str) -> None:
    assert "known after apply" in seen("network", name, drawn.empty()).text()


@pytest.mark.parametrize(("step", "name"), EVERY)
def test_a_view_of_all_in_place_draws_and_is_escaped(step: str, name: str) -> None:
    shown = seen(step, name, drawn.deployed())
    assert "not read" not in shown.text()
    assert "known after apply" not in shown.text()
    parsed(shown)


@pytest.mark.parametrize(("step", "name"), [one for one in EVERY if one not in FROM_INTENT])
def test_a_view_whose_calls_were_denied_never_shows_them_as_empty(step: str, name: str) -> None:
    shown = seen(step, name, drawn.deployed(), denied=VIEWS[step][name].reads)
    assert "denied (AccessDenied)" in shown.text()


def test_the_calls_of_all_views_are_in_the_table_of_read_calls() -> None:
    known = {query.call for query in QUERIES}
    assert {call for step in VIEWS for call in reads(step)} <= known


def test_a_view_sees_no_page_that_it_did_not_name() -> None:
    look = Look(drawn.DEMO, drawn.estate(drawn.deployed()))
    narrow = dataclasses.replace(VIEWS["network"]["routes"], reads=("ec2:DescribeVpcs",))
    with pytest.raises(LookupError, match="DescribeSubnets"):
        narrow(look)


def cell_lines(shown: Shown, word: str) -> list[str]:
    return [line for line in shown.text().splitlines() if word in line]


def test_a_route_beyond_its_tier_is_marked() -> None:
    pages = drawn.deployed()
    table = pages["ec2:DescribeRouteTables", "{}"]["RouteTables"][-1]
    table["Routes"].append({"DestinationIpv6CidrBlock": "::/0", "TransitGatewayId": "tgw-1", "State": "active"})
    table["Routes"].append({"DestinationCidrBlock": "1.2.3.0/24", "NewGatewayId": "new-1"})
    shown = seen("network", "routes", pages)
    assert cell_lines(shown, "tgw-1")[0].endswith("✗ beyond its tier")
    assert cell_lines(shown, "unknown target")[0].endswith("✗ beyond its tier")


def test_an_open_way_out_of_a_group_is_marked() -> None:
    shown = seen("network", "security-groups", drawn.deployed())
    assert "✗ 0.0.0.0/0" in shown.text()
    assert "no rule: nothing passes" in shown.text()


def test_entries_of_an_acl_stand_in_the_order_in_which_they_are_tried() -> None:
    shown = seen("network", "acls", drawn.deployed())
    assert isinstance(shown, Table)
    assert [row[1] for row in shown.rows if isinstance(row, tuple)] == [100, "*"]
    assert "serves private-a, private-b, public-a, public-b" in shown.text()


def test_rules_of_names_stand_in_their_order_and_the_fail_mode_is_judged() -> None:
    pages = drawn.deployed()
    shown = seen("network", "dns", pages)
    assert shown.text().index("100 allow") < shown.text().index("200 block")
    about = f'{{"ResourceId": "{drawn.VPC}"}}'
    pages["route53resolver:GetFirewallConfig", about] = {"FirewallConfig": {"FirewallFailOpen": "ENABLED"}}
    assert "names resolve (ENABLED)" in seen("network", "dns", pages).text()


def test_the_role_matrix_says_who_and_what_in_words() -> None:
    said = seen("identity", "roles", drawn.deployed()).text()
    assert "✗ anybody" in said
    assert "aws:MultiFactorAuthPresent = true" in said
    assert "ec2: 1 to read" in said
    assert "kms: 1 to use" in said
    assert "✗ s3: everything" in said
    assert "somebody-else" not in said


def test_a_declared_role_is_shown_before_it_exists() -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ref("role:runner", "arn")}}]}
    document = {"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:x"}]}
    declared = (
        Desired("role", "cicd", {"name": "cicd-deploy-role", "trust": trust}),
        Desired("role-policy", "cicd-rights", {"role": ref("role:cicd"), "name": "cicd-rights", "document": document}),
    )
    assert "<arn of role:runner>" in seen("identity", "roles", drawn.empty(), declared=declared).text()
    assert "all but iam:*" in seen("identity", "policies", drawn.empty(), declared=declared).text()


def test_a_key_open_to_another_account_is_marked() -> None:
    assert "✗ arn:aws:iam::999999999999:root" in seen("identity", "keys", drawn.deployed()).text()


def test_endpoints_missing_a_zone_surplus_or_open_are_marked() -> None:
    pages = drawn.deployed()
    found = pages["ec2:DescribeVpcEndpoints", "{}"]["VpcEndpoints"]
    by_name = {one["VpcEndpointId"]: one for one in found}
    by_name["vpce-sts"]["SubnetIds"] = ["subnet-private-a"]
    by_name["vpce-kms"]["PrivateDnsEnabled"] = False
    by_name["vpce-ec2"]["PolicyDocument"] = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}'
    found.append({**by_name["vpce-eks"], "VpcEndpointId": "vpce-new", "ServiceName": "com.amazonaws.us-east-1.new"})
    shown = seen("endpoints", "endpoints", pages)
    assert "✗ not in us-east-1b" in cell_lines(shown, "vpce-sts")[0]
    assert "✗ off" in cell_lines(shown, "vpce-kms")[0]
    assert "✗ not limited to what is ours" in cell_lines(shown, "vpce-ec2")[0]
    assert "✗ nobody: surplus" in cell_lines(shown, "vpce-new")[0]


def test_endpoint_policies_are_judged_by_requests_before_and_after_they_exist() -> None:
    for pages in (drawn.empty(), drawn.deployed()):
        shown = seen("endpoints", "endpoint-policies", pages)
        assert isinstance(shown, Table)
        judged = {row[0]: (str(row[1]), row[2]) for row in shown.rows if isinstance(row, tuple)}
        assert judged["s3"][0] == "✓ pass"
        assert judged["s3"][1] > 100
        assert judged["oidc-eks"] == ("– not applicable", 0)


def test_an_endpoint_without_a_policy_document_is_judged_as_open() -> None:
    pages = drawn.deployed()
    for one in pages["ec2:DescribeVpcEndpoints", "{}"]["VpcEndpoints"]:
        one.pop("PolicyDocument", None)
    shown = seen("endpoints", "endpoint-policies", pages)
    assert isinstance(shown, Table)
    assert {str(row[1]) for row in shown.rows if isinstance(row, tuple)} == {"✗ fail", "– not applicable"}


def test_the_removal_table_names_what_stops() -> None:
    assert "nodeadm asks DescribeInstances" in seen("endpoints", "removal", {}).text()


def test_a_zone_that_eks_refuses_and_a_service_that_is_not_offered_are_marked() -> None:
    pages = drawn.empty()
    pages["ec2:DescribeAvailabilityZones", "{}"]["AvailabilityZones"][0]["ZoneId"] = "use1-az3"
    pages["ec2:DescribeAvailabilityZones", "{}"]["AvailabilityZones"].pop()
    pages["ec2:DescribeVpcEndpointServices", "{}"]["ServiceDetails"][0]["AvailabilityZones"].remove("us-east-1a")
    said = seen("preflight", "zones", pages).text()
    assert "✗ refused" in said
    assert "✗ the Region has no such zone" in said
    assert "✗ com.amazonaws.us-east-1.autoscaling is not offered" in said


def test_quotas_count_what_others_use_and_never_pass_unread() -> None:
    pages = drawn.deployed()
    quotas = {"Quotas": [{"QuotaCode": "L-F678F1CE", "Value": 5.0}]}
    pages["service-quotas:ListServiceQuotas", "{}"] = quotas
    others = [{"VpcId": f"vpc-{number}"} for number in range(5)]
    pages["ec2:DescribeVpcs", "{}"]["Vpcs"] += others
    shown = seen("preflight", "quotas", pages)
    assert isinstance(shown, Table)
    rows = {str(row[1]): row for row in shown.rows if isinstance(row, tuple)}
    assert rows["L-F678F1CE"][2:5] == (1, 5, "5")
    assert str(rows["L-F678F1CE"][5]) == "✗ fail"
    assert str(rows["L-29B6F2EB"][5]) == "? unknown"


def test_the_scope_names_enabled_regions_that_were_not_judged() -> None:
    pages = drawn.deployed()
    names = {"us-east-1": "opt-in-not-required", "eu-west-1": "opt-in-not-required", "af-south-1": "not-opted-in"}
    pages["ec2:DescribeRegions", "{}"] = {
        "Regions": [{"RegionName": name, "OptInStatus": status} for name, status in names.items()]
    }
    line = cell_lines(seen("attest", "scope", pages), "not judged")[0]
    assert line.endswith("  eu-west-1")


def finding(check: str, status: str, resource: str, *properties: str) -> Finding:
    return Finding(check, f"{check} holds", status, "high", resource, f"{resource} is {status}", "", (), properties)


def test_verdicts_and_properties_state_their_population() -> None:
    found = (finding("a", "pass", "x", "NET-03"), finding("a", "unknown", "y", "NET-03"))
    steps = [STEP, {**STEP, "title": "Endpoints", "status": "failed"}]
    said = seen("attest", "verdicts", {}, findings=found, judged={"steps": steps}).text()
    assert "judged 1 of 2" in said
    assert "3 changes" in said
    assert re.search("Endpoints.*✗ broke", said)
    shown = seen("attest", "properties", {}, findings=found)
    assert isinstance(shown, Table)
    assert len(shown.rows) == 45
    assert "judged 1 of 2" in shown.text()


@pytest.mark.parametrize("name", ["verdicts", "properties"])
def test_before_the_attestation_has_judged_it_shows_what_the_steps_said(name: str) -> None:
    said = finding("a", "fail", "x", "NET-03").as_data()
    shown = seen("attest", name, {}, judged={"steps": [STEP], "findings": [said]})
    assert isinstance(shown, Table)
    assert "✗ fail" in shown.text()
    assert "As the other steps of this run judged" in shown.note
    alone = seen("attest", name, {})
    assert isinstance(alone, Table)
    assert not alone.rows, "45 rows of which none was looked at say nothing"
    assert "No step of this run has judged anything yet" in alone.note


def test_exceptions_are_told_by_the_day_of_the_reading() -> None:
    base = Waiver("NET-14", "*", "o", "a", "reason", "control", "T-1", "2026-01-01", "2026-12-31")
    register = (base, dataclasses.replace(base, expires="2026-11-01"), dataclasses.replace(base, created="2026-12-01"))
    intent = dataclasses.replace(drawn.DEMO, exceptions=register)
    shown = VIEWS["attest"]["exceptions"](Look(intent, drawn.estate({})))
    assert isinstance(shown, Table)
    assert [str(row[2]) for row in shown.rows if isinstance(row, tuple)] == [
        "✗ expired", "! in force", "– not yet in force"
    ]  # fmt: skip


def test_the_inventory_groups_what_is_tagged() -> None:
    said = seen("attest", "inventory", drawn.deployed()).text()
    assert "[ec2: 1]" in said
    assert "vpc:main" in said
