"""The table of read calls: one row a call. Channels (P1, D1, ...) are those of the zero-egress proof."""

from __future__ import annotations

from airgap.cloud.query import Query

QUERIES: tuple[Query, ...] = (
    Query("sts:GetCallerIdentity"),
    Query("ec2:DescribeRegions", {"AllRegions": True}),
    Query("ec2:DescribeAvailabilityZones"),
    Query("ec2:DescribeVpcs"),
    Query(
        "ec2:DescribeVpcAttribute",
        each="ec2:DescribeVpcs",
        items="Vpcs",
        bind={"VpcId": "VpcId"},
        vary={"Attribute": ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")},
    ),
    Query("ec2:DescribeDhcpOptions"),
    Query("ec2:DescribeSubnets"),
    Query("ec2:DescribeRouteTables"),
)
