"""What the environment will use up: quotas of the account, addresses of its subnets, money a month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airgap.checks import scope
from airgap.model import prices
from airgap.model.budget import QuotaNeed, address_budget, monthly_cost, quota_needs
from airgap.views.look import Look, attempt
from airgap.views.table import STATUS, Code, Mark, Table, not_read

QUOTA_READS = (
    "service-quotas:ListServiceQuotas",
    "service-quotas:ListAWSDefaultServiceQuotas",
    "ec2:DescribeVpcs",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeAddresses",
    "ec2:DescribeNetworkInterfaces",
    "eks:ListClusters",
    "rds:DescribeDBInstances",
    "elasticache:DescribeCacheClusters",
    "elbv2:DescribeLoadBalancers",
)
# Quota -> what in the account already counts towards it, by call and list; ours are not counted.
IN_USE = {
    "L-F678F1CE": ("ec2:DescribeVpcs", "Vpcs"),
    "L-A4707A72": ("ec2:DescribeInternetGateways", "InternetGateways"),
    "L-0263D0A3": ("ec2:DescribeAddresses", "Addresses"),
    "L-DF5E4CA3": ("ec2:DescribeNetworkInterfaces", "NetworkInterfaces"),
    "L-1194D53C": ("eks:ListClusters", "clusters"),
    "L-7B6409FD": ("rds:DescribeDBInstances", "DBInstances"),
    "L-DFE45DF3": ("elasticache:DescribeCacheClusters", "CacheClusters"),
    "L-53DA6B97": ("elbv2:DescribeLoadBalancers", "LoadBalancers"),
}


def quotas(look: Look) -> Table:
    """Return what each quota must allow, what it allows, and what others in the account already use of it."""
    limits, reason = attempt(lambda: _limits(look), {})
    rows = [_quota(look, need, limits, reason) for need in quota_needs(look.intent) if need.needed]
    note = "Used: what is in the account and is not this environment's."
    return Table("Quotas", ("quota", "code", "needed", "used", "allowed", "judged"), rows, note)


def _limits(look: Look) -> dict[str, float]:
    """Applied values over defaults."""
    defaults = look.every("service-quotas:ListAWSDefaultServiceQuotas", "Quotas")
    applied = look.every("service-quotas:ListServiceQuotas", "Quotas")
    return {one["QuotaCode"]: one["Value"] for one in (*defaults, *applied)}


def _quota(look: Look, need: QuotaNeed, limits: Mapping[str, float], reason: str) -> tuple[Any, ...]:
    used, unread = attempt(lambda: _used(look, need.code), None)
    head = (need.name, Code(need.code), need.needed, not_read(unread) if unread else "" if used is None else used)
    if reason:
        return (*head, not_read(reason), STATUS["unknown"])
    limit = limits.get(need.code)
    if limit is None:
        return (*head, "not listed", STATUS["unknown"])
    status = "unknown" if unread else "pass" if need.needed + (used or 0) <= limit else "fail"
    return (*head, f"{limit:g}", STATUS[status])


def _used(look: Look, code: str) -> int | None:
    if code not in IN_USE:
        return None
    call, path = IN_USE[code]
    ours = scope.vpc_ids(look.intent, look.estate)
    return sum(1 for one in look.every(call, path) if not (isinstance(one, Mapping) and _is_ours(one, look, ours)))


def _is_ours(item: Mapping[str, Any], look: Look, vpcs: set[str]) -> bool:
    """Tell whether an item is tagged as ours or stands in our VPC (interfaces that AWS makes carry no tags)."""
    return scope.is_ours(item, look.intent) or item.get("VpcId") in vpcs


def addresses(look: Look) -> Table:
    """Return the address budget of every declared subnet at its largest declared size."""
    rows = []
    for one in address_budget(look.intent):
        uses = tuple(f"{use.what}: {use.addresses}" for use in one.uses)
        rows.append(
            (Code(one.cidr), one.tier, one.zone, one.usable, uses, one.used, one.free, _fit(one.fits, one.fits_at_peak))
        )
    columns = ("subnet", "tier", "zone", "usable", "users", "used", "free", "judged")
    note = (
        "Every node holds the addresses of two interfaces from the start; full of pods it takes those of all of them."
    )
    return Table("Address budget", columns, rows, note)


def _fit(fits: bool, peak: bool) -> Mark:
    if not fits:
        return Mark("too small", "✗", "bad")
    return Mark("fits", "✓", "good") if peak else Mark("fits until nodes are full of pods", "!", "unknown")


def cost(look: Look) -> Table:
    """Return an estimate of what stands there all month, by list price; what is billed by use is not in it."""
    rows: list[tuple[Any, ...]] = []
    total, unpriced = 0.0, 0
    for one in monthly_cost(look.intent):
        if one.quantity:
            total += one.monthly or 0.0
            unpriced += one.monthly is None
            amount = Mark("no price known", "?", "unknown") if one.monthly is None else f"{one.monthly:,.2f}"
            rows.append(
                (one.item, f"{one.quantity:g}", one.unit, "" if one.price is None else f"{one.price:,.2f}", amount)
            )
    rows.append(("together", "", "", "", f"{total:,.2f}" + (f" and {unpriced} unpriced" if unpriced else "")))
    note = f"US dollars: {prices.ESTIMATE}. Traffic, requests, logs, taxes and discounts are not in it."
    if look.intent.region != prices.REGION:
        note += f" Prices in {look.intent.region} differ."
    return Table("Cost a month", ("item", "quantity", "unit", "price", "a month"), rows, note)
