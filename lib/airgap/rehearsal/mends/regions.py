"""Regions and zones: 17 Regions are enabled from the start, the others must be opted in to.

https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html. moto has 20 enabled in the commercial
partition, lists the Regions of every partition together, and breaks off in Regions that botocore's list does not name
for a service, which lags behind.
"""

from __future__ import annotations

from typing import Any

import moto.ec2.models.elastic_ip_addresses
import moto.ec2.models.elastic_network_interfaces
from moto.core.base_backend import AccountSpecificBackend
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call, Refusal

OPTED_IN = frozenset(
    [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ]
)


def _status(region: str) -> str:
    return "opt-in-not-required" if region in OPTED_IN or get_partition(region) != "aws" else "not-opted-in"


@answers("ec2", "DescribeRegions")
def describe_regions(call: Call) -> dict[str, Any]:
    """Return the enabled Regions of the partition, or all of them, by name and filter."""
    regions = [
        {"RegionName": x.name, "Endpoint": x.endpoint, "OptInStatus": _status(x.name)}
        for x in RegionsAndZonesBackend.regions
        if get_partition(x.name) == call.partition
    ]
    names = call.get("RegionNames", [])
    unknown = set(names) - {x["RegionName"] for x in regions}
    if unknown:
        raise Refusal("InvalidParameterValue", f"Invalid region name: {min(unknown)}")
    if not call.get("AllRegions") and not names:
        regions = [x for x in regions if x["OptInStatus"] != "not-opted-in"]
    members = {"region-name": "RegionName", "endpoint": "Endpoint", "opt-in-status": "OptInStatus"}
    for one in call.get("Filters", []):
        regions = [x for x in regions if x[members[one["Name"]]] in one["Values"]]
    return {"Regions": [x for x in regions if not names or x["RegionName"] in names]}


def _public_address() -> str:
    """An address of us-east-1's public ranges; moto's are of the loopback network, which no route treats as public."""
    return ".".join(["44", str(mock_random.randint(192, 223)), *(str(mock_random.randint(1, 254)) for _ in "ab")])


def _every_region(_: Any, service_name: str) -> list[str]:
    """Every Region has every service that the rehearsal has."""
    return [region.name for region in RegionsAndZonesBackend.regions]


AccountSpecificBackend._generate_regions = _every_region
moto.ec2.models.elastic_ip_addresses.random_ip = _public_address
moto.ec2.models.elastic_network_interfaces.random_public_ip = _public_address
