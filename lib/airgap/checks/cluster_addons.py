"""Add-ons: exactly the declared, supported and healthy, and the network plug-in enforces policies (EKS-04, EKS-05)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from airgap.checks.check import Undecided, check
from airgap.checks.cluster import READS, own_cluster
from airgap.checks.scope import Item
from airgap.model.canonical import dig
from airgap.model.cluster import Addon, addons
from airgap.model.estate import Estate
from airgap.model.intent import Intent

ADDON, OFFERED = "eks:DescribeAddon", "eks:DescribeAddonVersions"


class Installed(NamedTuple):
    """An add-on with what is declared of it and what is there of it."""

    declared: Optional[Addon]
    live: Optional[Item]


def installed(intent: Intent, estate: Estate) -> list[tuple[str, Installed]]:
    """Return every declared and every installed add-on of the cluster."""
    estate.pages("eks:ListAddons")
    bodies = [body["addon"] for _, body in estate.pages(ADDON)]
    live = {one["addonName"]: one for one in bodies if one["clusterName"] == intent.cluster.name}
    wanted = {one.name: one for one in addons(intent)}
    names = dict.fromkeys([*wanted, *live])
    return [(f"eks-addon:{name}", Installed(wanted.get(name), live.get(name))) for name in names]


@check(
    "addons-supported",
    "The add-on is declared, healthy, and of a version that the cluster's version supports",
    severity="high",
    properties=("EKS-04", "INV-01"),
    reads=(*READS, "eks:ListAddons", ADDON, OFFERED),
    remedy="apply the step cluster; a version that is no longer supported is replaced by EKS's default",
    over=installed,
)
def addons_supported(one: Installed, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that an add-on is one too many or missing, is not healthy, or does not fit the cluster."""
    if one.live is None:
        yield "it is declared and is not there"
        return
    if one.declared is None:
        yield "it is not declared"
    if one.live.get("status") not in ("ACTIVE", "UPDATING"):
        yield f"it is {one.live.get('status')}"
    for issue in dig(one.live, "health.issues") or []:
        yield f"EKS reports {issue.get('code')}: {issue.get('message')}"
    fitting = _fitting(one.live["addonName"], str(own_cluster(intent, estate).get("version")), estate)
    if one.live.get("addonVersion") not in fitting:
        choices = ", ".join(fitting) or "none"
        yield f"version {one.live.get('addonVersion')} does not fit the cluster, which supports {choices}"


def _fitting(name: str, kubernetes: str, estate: Estate) -> list[str]:
    page = estate.page(OFFERED, kubernetesVersion=kubernetes, owners=["aws"])
    if page is None:
        raise Undecided(f"the add-ons for Kubernetes {kubernetes} are not in the pages")
    offers = [each for one in page.get("addons", []) if one["addonName"] == name for each in one["addonVersions"]]
    return [
        each["addonVersion"]
        for each in offers
        if kubernetes in {fit["clusterVersion"] for fit in each["compatibilities"]}
    ]


def _network_plugin(intent: Intent, estate: Estate) -> list[tuple[str, Item]]:
    return [(name, one.live) for name, one in installed(intent, estate) if name == "eks-addon:vpc-cni" and one.live]


@check(
    "addons-network-policy",
    "The network plug-in enforces network policies",
    severity="high",
    properties=("EKS-05",),
    reads=("eks:ListAddons", ADDON),
    remedy="apply the step cluster; until then network policies are paper",
    over=_network_plugin,
)
def network_policy(addon: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the plug-in was not told to enforce network policies."""
    try:
        settings: Any = json.loads(addon.get("configurationValues") or "{}")
    except ValueError:
        raise Undecided("its configuration is not JSON") from None
    if str(dig(settings, "enableNetworkPolicy")).lower() != "true":
        yield "enableNetworkPolicy is not true"


CHECKS = (addons_supported, network_policy)
