"""What an environment will use up, in numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from airgap.model import prices
from airgap.model.budget import address_budget, interfaces, monthly_cost, quota_needs
from airgap.model.intent import Intent, NodeGroup, Subnet, decode
from airgap.run.deriving import endpoint_table

DEMO: Intent = decode(yaml.safe_load((Path(__file__).parents[2] / "params" / "demo.yaml").read_text()))


def with_network(**fields: object) -> Intent:
    return dataclasses.replace(DEMO, network=dataclasses.replace(DEMO.network, **fields))  # type: ignore[arg-type]


def with_nodes(*groups: NodeGroup) -> Intent:
    return dataclasses.replace(DEMO, cluster=dataclasses.replace(DEMO.cluster, node_groups=groups))


def test_the_demonstration_fits_until_its_nodes_are_full_of_pods() -> None:
    first, second, *public = address_budget(DEMO)
    # /24 less five; ten nodes over two zones, two interfaces of fifteen addresses each; nineteen endpoints.
    assert (first.usable, first.used, first.free) == (251, 5 * 30 + 19 + 6 + 2 + 2 + 1 + 2, 69)
    assert second.used == first.used - 2
    assert first.peak == 5 * 2 * 15
    assert (first.fits, first.fits_at_peak) == (True, False)
    assert [one.used for one in public] == [9, 9]
    assert all(one.fits_at_peak for one in public)


def test_a_subnet_that_is_too_small_says_so() -> None:
    small = (Subnet("10.0.10.0/26", "us-east-1a"), Subnet("10.0.11.0/24", "us-east-1b"))
    assert [one.fits for one in address_budget(with_network(private_subnets=small))[:2]] == [False, True]


def test_tiers_without_nat_or_with_ingress_have_their_own_users() -> None:
    intent = with_network(public_tier="ingress", ingress_subnets=(Subnet("10.0.50.0/28", "us-east-1a"),))
    by_tier = {one.tier: one for one in address_budget(intent)}
    assert by_tier["public"].used == 8
    assert (by_tier["ingress"].usable, by_tier["ingress"].free) == (11, 3)


def test_an_unknown_instance_type_is_counted_large_and_has_no_price() -> None:
    intent = with_nodes(NodeGroup("odd", ("z9.mega",), max_size=2, desired_size=1))
    assert address_budget(intent)[0].uses[0].addresses == 2 * 30
    assert [one.monthly for one in monthly_cost(intent) if one.item == "nodes of odd"] == [None]
    assert prices.size("z9.mega") is None
    assert prices.hourly("z9.mega") is None


def test_quotas_follow_the_declared_sizes() -> None:
    needs = {one.code: one.needed for one in quota_needs(DEMO)}
    assert needs["L-1216C47A"] == 10 * 8 + 4
    assert needs["L-29B6F2EB"] == len(interfaces(DEMO)) == 19
    assert needs["L-1B52E74A"] == 2
    assert needs["L-0263D0A3"] == 2
    sealed = {one.code: one.needed for one in quota_needs(with_network(public_tier="none", public_subnets=()))}
    assert (sealed["L-0263D0A3"], sealed["L-A4707A72"], sealed["L-FE5A380F"]) == (0, 0, 0)


def test_the_bill_is_quantity_times_price() -> None:
    bill = {one.item: one.monthly for one in monthly_cost(DEMO)}
    assert bill["interface endpoints, one a zone"] == pytest.approx(19 * 2 * 0.01 * 730)
    assert bill["nodes of general"] == pytest.approx(3 * 0.192 * 730)
    assert bill["EKS cluster"] == pytest.approx(73.0)


def test_the_endpoints_cost_what_they_cost_by_zone_and_hour() -> None:
    table = endpoint_table("demo")
    paid = [one for one in table["endpoints"] if one["kind"] == "interface"]
    assert {one["monthly_usd"] for one in paid} == {round(2 * 0.01 * 730, 2)}
    assert {one["monthly_usd"] for one in table["endpoints"] if one["kind"] == "gateway"} == {0.0}
    assert table["monthly_usd"] == pytest.approx(len(paid) * 14.6)
    assert table["prices"].startswith("an estimate by public AWS list prices")
    assert prices.AS_OF in table["prices"]


def test_prices_are_dated_and_sizes_double() -> None:
    assert prices.AS_OF.count("-") == 2
    assert prices.hourly("m6i.2xlarge") == pytest.approx(2 * (prices.hourly("m6i.xlarge") or 0))
    assert prices.size("m6i.xlarge") == (4, 4, 15)
    assert prices.size("t3.small") == (2, 3, 4)
