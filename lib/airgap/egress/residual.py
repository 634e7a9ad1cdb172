"""What remains by AWS's design or by what was not asked for: named in the statement, and no part of the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.egress.channels import scope
from airgap.egress.door_ways import service_of
from airgap.egress.ways import View, alive
from airgap.model.components import takes_policy

ALWAYS = (
    "AWS's own addresses in every VPC (resolver, time, instance metadata, DHCP) pass no security group and no ACL",
    "connections that were open when a rule changed may outlive it; the proof holds for the moment of the pages",
)


def residual(view: View) -> Iterator[str]:
    """Yield each path that stays on AWS's side, and each place that was not judged."""
    yield from ALWAYS
    for one in view.items("ec2:DescribeVpcEndpoints", "VpcEndpoints"):
        service = service_of(str(one.get("ServiceName", "")), view.network.facts.home(one)[1])
        if alive(one) and not takes_policy(service):
            yield f"{one.get('VpcEndpointId')} leads to {one.get('ServiceName')}, which takes no policy"
    for answer in view.answers("eks:DescribeCluster"):
        cluster = answer.body.get("cluster") or {}
        if (cluster.get("resourcesVpcConfig") or {}).get("controlPlaneEgressMode") == "CUSTOMER_ROUTED":
            yield f"the control plane of {cluster.get('name')} sends by the VPC; what AWS sends to it stays AWS's"
    regions = {region for _, region in scope(view)}
    enabled = {
        str(one.get("RegionName"))
        for one in view.items("ec2:DescribeRegions", "Regions")
        if one.get("OptInStatus") in ("opted-in", "opt-in-not-required")
    }
    if enabled - regions:
        yield f"enabled Regions that were not judged: {', '.join(sorted(enabled - regions))}"
