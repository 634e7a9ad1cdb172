"""The endpoint services that AWS offers in a Region, from ``endpoint_services.tsv``.

Names, types and private DNS names are those of moto 5.2.5's list and of the names that it lacks; whether an endpoint
policy is possible follows the AWS PrivateLink documentation and aws-samples/data-perimeter-policy-examples.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.utilities.utils import get_partition

# Newer services are not offered in the oldest zone of us-east-1, which EKS refuses too.
SPARSE_ZONE = "use1-az3"
_NOT_IN_SPARSE_ZONE = ("eks", "oidc-eks", "bedrock", "transcribe", "guardduty-data", "acm-acme", "application-signals")
_ONE_REGION = {"com.amazonaws.iam", "com.amazonaws.route53", "com.amazonaws.{region}.ecr-public.api"}
_NEW_EKS_NAMES = {"com.amazonaws.{region}.oidc-eks", "com.amazonaws.{region}.eks-proxy"}
_WITHOUT_NEW_EKS_NAMES = {"ap-southeast-5", "ap-southeast-7", "mx-central-1", "ap-east-2"}
# Beijing and Ningxia name these otherwise (aws-cdk-lib, aws-ec2/lib/vpc-endpoint.ts).
_NAMED_IN_CHINA = {
    *("autoscaling", "cloudformation", "ebs", "ec2", "ecr.api", "ecr.dkr", "eks", "elasticache", "elasticfilesystem"),
    *("lambda", "monitoring", "rds", "sqs", "states", "sts", "transcribe", "transcribestreaming", "xray"),
}


@dataclass(frozen=True)
class EndpointService:
    """One endpoint service: name, type (Interface, Gateway), whether it takes a policy, private names, zone names."""

    name: str
    type: str
    policy: bool
    private_names: tuple[str, ...]
    zones: tuple[str, ...]

    @property
    def id(self) -> str:
        """The service id, stable for a name and type."""
        return "vpce-svc-" + hashlib.sha256(f"{self.name} {self.type}".encode()).hexdigest()[:17]


@lru_cache(maxsize=64)
def endpoint_services(region: str) -> tuple[EndpointService, ...]:
    """Return every endpoint service of a Region, by name."""
    lines = Path(__file__).with_name("endpoint_services.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return tuple(_service(region, *row) for row in rows if _offered(region, row[0]))


def find(region: str, name: str, kind: str) -> EndpointService | None:
    """Return the service of a name and type, None where the Region has none."""
    return next((x for x in endpoint_services(region) if x.name == name and x.type == kind), None)


def zone_ids(region: str) -> dict[str, str]:
    """Return the zone id of every zone name of a Region."""
    return {zone.name: zone.zone_id for zone in RegionsAndZonesBackend.zones.get(region, [])}


def _offered(region: str, template: str) -> bool:
    if template in _ONE_REGION:
        return region == "us-east-1"
    return not (template in _NEW_EKS_NAMES and region in _WITHOUT_NEW_EKS_NAMES)


def _service(region: str, template: str, kind: str, policy: str, names: str) -> EndpointService:
    short = template.rpartition("{region}.")[2]
    sparse = short.startswith(_NOT_IN_SPARSE_ZONE)
    zones = tuple(name for name, zone in zone_ids(region).items() if not (sparse and zone == SPARSE_ZONE))
    in_china = get_partition(region) == "aws-cn"
    suffix = "amazonaws.com.cn" if in_china else "amazonaws.com"
    private = () if names == "-" else tuple(names.format(region=region).replace("amazonaws.com", suffix).split(","))
    name = template.format(region=region)
    if in_china and short in _NAMED_IN_CHINA:
        name = f"cn.{name}.cn" if short == "transcribe" else f"cn.{name}"
    return EndpointService(name, kind, policy == "yes", private, zones)
