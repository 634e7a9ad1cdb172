"""What would fail later, told before the first write: zones, services, quotas, addresses, versions, models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.scope import Item, every, is_ours, strings
from airgap.model.budget import QuotaNeed, SubnetBudget, address_budget, quota_needs
from airgap.model.canonical import dig
from airgap.model.components import service_name
from airgap.model.derived import endpoint_services
from airgap.model.estate import Estate
from airgap.model.intent import Intent

ZONES = "ec2:DescribeAvailabilityZones"
SERVICES = "ec2:DescribeVpcEndpointServices"
QUOTAS = ("service-quotas:ListServiceQuotas", "service-quotas:ListAWSDefaultServiceQuotas")
# Zones in which EKS puts no control plane (EKS User Guide, "VPC and subnet requirements").
NOT_FOR_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
# Quota -> what in the account counts towards it, by call and list; what is ours is counted as needed already.
IN_USE = {
    "L-F678F1CE": ("ec2:DescribeVpcs", "Vpcs"),
    "L-A4707A72": ("ec2:DescribeInternetGateways", "InternetGateways"),
    "L-0263D0A3": ("ec2:DescribeAddresses", "Addresses"),
    "L-DF5E4CA3": ("ec2:DescribeNetworkInterfaces", "NetworkInterfaces"),
    "L-7B6409FD": ("rds:DescribeDBInstances", "DBInstances"),
    "L-53DA6B97": ("elbv2:DescribeLoadBalancers", "LoadBalancers"),
}
USE_READS = ("ec2:DescribeVpcs", *(call for call, _ in IN_USE.values()))


@check(
    "preflight-zones",
    "The zone exists, is available, and EKS takes it",
    severity="high",
    properties=(),
    reads=(ZONES,),
    remedy="choose another zone; names of zones differ per account, ids do not",
    over=lambda intent, estate: [(f"zone {one}", one) for one in intent.zones],
)
def zones(name: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why nodes or the control plane could not stand in the zone."""
    found = {one["ZoneName"]: one for one in estate.items(ZONES, "AvailabilityZones")}
    if name not in found:
        yield f"{intent.region} has no zone {name} for this account"
    elif found[name].get("ZoneId") in NOT_FOR_EKS:
        yield f"EKS puts no control plane into {found[name]['ZoneId']}"
    elif found[name].get("State") != "available":
        yield f"it is {found[name].get('State')}"


@check(
    "preflight-endpoint-services",
    "The endpoint service is offered in every zone of the sealed subnets",
    severity="high",
    properties=(),
    reads=(SERVICES,),
    remedy="choose other zones, or accept its absence under endpoints.unavailable",
    over=lambda intent, estate: [(f"endpoint service {one}", one) for one in endpoint_services(intent)],
)
def services(service: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the Region, or a zone, does not offer the service."""
    name = service_name(service, intent.region, intent.partition)
    offered = [one for one in estate.items(SERVICES, "ServiceDetails") if one["ServiceName"] == name]
    if not offered:
        yield f"{intent.region} does not offer {name}"
        return
    lacking = sorted(set(intent.zones) - {zone for one in offered for zone in one.get("AvailabilityZones", [])})
    if lacking:
        yield f"{', '.join(lacking)} does not offer {name}"


@check(
    "preflight-quotas",
    "The quota leaves room for what the environment needs",
    severity="high",
    properties=(),
    reads=(*QUOTAS, *dict.fromkeys(USE_READS)),
    remedy="ask for a raise in Service Quotas",
    over=lambda intent, estate: [(f"{one.service} {one.name}", one) for one in quota_needs(intent) if one.needed],
)
def quotas(need: QuotaNeed, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that what others use and what is needed exceed the quota."""
    limit = _limit(need, estate)
    if limit is None:
        raise Undecided(f"Service Quotas lists no {need.code}")
    call, path = IN_USE.get(need.code, ("", ""))
    others = [one for one in every(estate, call, path) if not _own(one, intent, estate)] if call else []
    if need.needed + len(others) > limit:
        yield f"{need.needed} are needed and {len(others)} are in use by others; {need.code} allows {limit:g}"
    elif need.shared and not call and not intent.exclusive_account:
        raise NotApplicable(f"{need.needed} fit into {limit:g}; what others in the account use of it is not counted")


def _limit(need: QuotaNeed, estate: Estate) -> Optional[float]:
    """The applied value, else the default: a quota that was never raised may be listed among the defaults alone."""
    for call in QUOTAS:
        for one in estate.items(call, "Quotas", ServiceCode=need.service):
            if one["QuotaCode"] == need.code:
                return float(one["Value"])
    return None


def _own(item: Item, intent: Intent, estate: Estate) -> bool:
    """Whether an item is ours, by its tags or by standing in our VPC."""
    ours = {one["VpcId"] for one in estate.items("ec2:DescribeVpcs", "Vpcs") if is_ours(one, intent)}
    return is_ours(item, intent) or bool(ours & set(strings(item)))


@check(
    "preflight-addresses",
    "The subnet has addresses for everything that will stand in it at its largest declared size",
    severity="high",
    properties=(),
    reads=(),
    remedy="declare a larger subnet or smaller node groups",
    over=lambda intent, estate: [(f"subnet {one.cidr}", one) for one in address_budget(intent)],
)
def addresses(budget: SubnetBudget, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield by how much the subnet is too small."""
    if not budget.fits:
        uses = ", ".join(f"{use.what}: {use.addresses}" for use in budget.uses)
        yield f"{budget.used} addresses are needed ({uses}), {budget.usable} are usable"


@check(
    "preflight-kubernetes-version",
    "The declared Kubernetes version is in standard support",
    severity="high",
    properties=("EKS-04",),
    reads=("eks:DescribeClusterVersions",),
    remedy="declare a version that EKS lists as in standard support",
    over=lambda intent, estate: [(f"Kubernetes {intent.cluster.version}", intent.cluster.version)],
)
def kubernetes_version(version: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that EKS does not list the version, or that its standard support ended before the pages were taken."""
    found = {one["clusterVersion"]: one for one in estate.items("eks:DescribeClusterVersions", "clusterVersions")}
    known = found.get(version)
    if known is None:
        yield f"EKS does not offer it; it offers {', '.join(sorted(found))}"
        return
    status, end = known.get("versionStatus"), str(known.get("endOfStandardSupportDate", ""))
    if status != "STANDARD_SUPPORT":
        yield f"it is in {status}"
    elif end and end[:10] < estate.taken_at[:10]:
        yield f"its standard support ended on {end[:10]}"


@check(
    "preflight-models",
    "The model is offered here, active, and can be invoked on demand",
    severity="high",
    properties=(),
    reads=("bedrock:ListFoundationModels",),
    remedy="declare an active model; where one exists only through inference profiles, declare their Regions",
    over=lambda intent, estate: [(f"model {one}", one) for one in _models(intent)],
)
def models(model: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the model is not offered, is legacy, or needs a profile that leads to other Regions."""
    found = {one["modelId"]: one for one in estate.items("bedrock:ListFoundationModels", "modelSummaries")}
    if model not in found:
        yield f"{intent.region} does not offer it"
        return
    status = dig(found[model], "modelLifecycle.status")
    if status != "ACTIVE":
        yield f"it is {status}"
    kinds = found[model].get("inferenceTypesSupported", [])
    if "ON_DEMAND" not in kinds and not intent.ai.inference_regions:
        yield f"it is invoked through {', '.join(kinds)} only, and ai.inference_regions is empty"


def _models(intent: Intent) -> tuple[str, ...]:
    if not {"bedrock-inference", "bedrock-verify"} & set(intent.components):
        raise NotApplicable("no component uses Bedrock")
    return tuple(dict.fromkeys((*intent.ai.models, intent.ai.embedding_model)))


CHECKS = (zones, services, quotas, addresses, kubernetes_version, models)
