"""What EKS refuses of a new cluster and of a change of its configuration.

EKS User Guide, "VPC and subnet requirements", "Cluster IAM role", "Control plane egress".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from airgap.rehearsal.catalogue import SPARSE_ZONE, zone_ids
from airgap.rehearsal.eks import versions
from airgap.rehearsal.eks.roles import lacking, role_of, trusts
from airgap.rehearsal.eks.state import CLUSTER, bad_request, in_use, invalid, kept
from airgap.rehearsal.mends.addresses import taken
from airgap.rehearsal.wire import Call, Refusal

NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
CLUSTERS_PER_REGION = 100
GROUPS_PER_CLUSTER = 4
FREE_ADDRESSES = 6
# Zones without the capacity for control planes.
WITHOUT_CONTROL_PLANES = {SPARSE_ZONE, "usw1-az2", "cac1-az3"}
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
# RFC 1918.
PRIVATE = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
ROUTED_ACTIONS = ("ec2:DescribeDhcpOptions", "ec2:DescribeVpcs")


def judge_creation(call: Call) -> None:
    """Judge name, version, role, network, encryption and logging of a new cluster."""
    name, existing = call.get("name"), kept(call).all(CLUSTER)
    if not NAME.fullmatch(name):
        raise invalid(f"The cluster name '{name}' is not valid")
    if any(x["name"] == name for x in existing):
        raise in_use(f"Cluster already exists with name: {name}", clusterName=name)
    if len(existing) >= CLUSTERS_PER_REGION:
        raise Refusal("ResourceLimitExceededException", "Cluster limit exceeded")
    version = call.get("version", versions.DEFAULT_VERSION)
    if not versions.offered(version):
        raise invalid(f"unsupported Kubernetes version {version}")
    judge_role(call, call.get("roleArn"))
    network = call.get("resourcesVpcConfig", {})
    vpc = judge_subnets(call, network.get("subnetIds", []))
    judge_groups(call, network.get("securityGroupIds", []), vpc)
    judge_endpoints(network)
    judge_service_range(call, vpc)
    judge_encryption(call, call.get("encryptionConfig"))
    judge_logging(call.get("logging", {}))
    judge_auto_mode(call)
    if network.get("controlPlaneEgressMode") == "CUSTOMER_ROUTED":
        judge_routed(call, call.get("roleArn"), vpc)


def judge_role(call: Call, arn: str) -> None:
    """The cluster's role exists and trusts EKS for this cluster."""
    role = role_of(call, arn)
    context = {"aws:SourceAccount": call.account, "aws:SourceArn": call.arn(f"cluster/{call.get('name')}")}
    if role is None or not trusts(role, "eks.amazonaws.com", context=context):
        message = f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not"
        raise invalid(f"{message} correct")


def judge_subnets(call: Call, subnet_ids: list[str], vpc: str = "") -> str:
    """Return the VPC of a control plane's subnets, which lie in two zones that EKS supports and have free addresses."""
    backend = call.backend("ec2")
    known = {subnet.id: subnet for zones in backend.subnets.values() for subnet in zones.values()}
    absent = [x for x in subnet_ids if x not in known]
    if absent:
        raise invalid(f"The subnet ID '{absent[0]}' does not exist")
    chosen = [known[x] for x in subnet_ids]
    if len({x.availability_zone for x in chosen}) < 2:
        raise invalid("Subnets specified must be in at least two different AZs")
    owners = {x.vpc_id for x in chosen}
    if len(owners) > 1 or (vpc and owners != {vpc}):
        raise invalid("Subnets specified must belong to the same VPC")
    _judge_zones(call, {x.availability_zone for x in chosen})
    full = [x for x in chosen if x.cidr.num_addresses - 5 - len(taken(backend, x)) < FREE_ADDRESSES]
    if full:
        message = f"Atleast one subnet in each AZ should have {FREE_ADDRESSES} free IPs. "
        raise bad_request(f"{message}Invalid AZs: {{ [{full[0].availability_zone}] }}, provided subnets: {full[0].id}")
    return str(chosen[0].vpc_id)


def _judge_zones(call: Call, zones: set[str]) -> None:
    ids = zone_ids(call.region)
    wrong = sorted(zone for zone in zones if ids.get(zone) in WITHOUT_CONTROL_PLANES)
    valid = sorted(zone for zone, identifier in ids.items() if identifier not in WITHOUT_CONTROL_PLANES)
    if wrong:
        message = (
            f"Cannot create cluster '{call.get('name')}' because {wrong[0]}, the targeted availability zone, does not "
            "currently have sufficient capacity to support the cluster. Retry and choose from these availability zones"
        )
        raise Refusal("UnsupportedAvailabilityZoneException", f"{message}: {', '.join(valid)}", 400, validZones=valid)


def judge_groups(call: Call, groups: Iterable[str], vpc: str) -> None:
    """The additional security groups are few, and of the cluster's VPC."""
    backend, groups = call.backend("ec2"), list(groups)
    if len(groups) > GROUPS_PER_CLUSTER:
        raise invalid(f"At most {GROUPS_PER_CLUSTER} additional security groups can be specified")
    for identifier in groups:
        if identifier not in backend.groups.get(vpc, {}):
            raise invalid(f"The security group ID '{identifier}' does not exist in VPC '{vpc}'")


def judge_endpoints(network: dict[str, Any]) -> None:
    """One way to the API stays open, and public ranges are public."""
    if not network.get("endpointPublicAccess", True) and not network.get("endpointPrivateAccess", False):
        raise invalid("Private and public endpoint access cannot both be disabled.")
    for cidr in network.get("publicAccessCidrs", []):
        if _is_private(cidr):
            raise invalid(f"The following CIDRs are invalid in publicAccessCidrs: [{cidr}]")


def _is_private(cidr: str) -> bool:
    asked = ipaddress.ip_network(cidr, strict=False)
    return isinstance(asked, ipaddress.IPv4Network) and any(asked.subnet_of(one) for one in PRIVATE)


def judge_service_range(call: Call, vpc: str) -> None:
    """A range for services is private, /12 to /24, and outside of the VPC."""
    cidr = call.get("kubernetesNetworkConfig", {}).get("serviceIpv4Cidr")
    if not cidr:
        return
    services = ipaddress.ip_network(cidr, strict=False)
    if not _is_private(cidr) or not 12 <= services.prefixlen <= 24:
        raise invalid(f"serviceIpv4Cidr {cidr} must be a private range between /12 and /24")
    if services.overlaps(ipaddress.ip_network(call.backend("ec2").vpcs[vpc].cidr_block)):
        raise invalid(f"serviceIpv4Cidr {cidr} overlaps with the VPC's range")


def judge_encryption(call: Call, configuration: list[dict[str, Any]] | None) -> None:
    """Secrets are encrypted with one symmetric key of this Region that exists and is enabled."""
    for one in configuration or []:
        arn, resources = one.get("provider", {}).get("keyArn", ""), one.get("resources")
        if resources != ["secrets"]:
            raise invalid("The only supported resource for encryption is secrets")
        key = call.backend("kms").keys.get(arn.rpartition("/")[2])
        if key is None or key.arn != arn:
            raise invalid(f"Invalid keyArn: {arn} does not exist in this Region")
        if key.key_state != "Enabled" or key.key_spec != "SYMMETRIC_DEFAULT":
            raise invalid(f"Invalid keyArn: {arn} must be an enabled symmetric key")


def judge_logging(logging: dict[str, Any]) -> None:
    """Every log type is one that EKS knows, and is switched one way."""
    named = [kind for entry in logging.get("clusterLogging", []) for kind in entry.get("types", [])]
    unknown = [kind for kind in named if kind not in LOG_TYPES]
    if unknown:
        raise invalid(f"Invalid log type {unknown[0]}")
    if len(named) != len(set(named)):
        raise invalid("The same log type cannot be enabled and disabled")


def judge_auto_mode(call: Call) -> None:
    """The three parts of Auto Mode are switched together."""
    balancing = call.get("kubernetesNetworkConfig", {}).get("elasticLoadBalancing", {}).get("enabled")
    storage = call.get("storageConfig", {}).get("blockStorage", {}).get("enabled")
    if len({bool(call.get("computeConfig", {}).get("enabled")), bool(balancing), bool(storage)}) > 1:
        raise invalid("For EKS Auto Mode, compute, block storage and load balancing are enabled or disabled together")


def judge_routed(call: Call, role_arn: str, vpc_id: str) -> None:
    """For customer-routed egress EKS looks up the VPC, whose name servers are Amazon's."""
    missing = lacking(call, role_of(call, role_arn), ROUTED_ACTIONS)
    if missing:
        raise invalid(f"The cluster role {role_arn} lacks {', '.join(missing)}, which CUSTOMER_ROUTED needs")
    options = call.backend("ec2").vpcs[vpc_id].dhcp_options
    servers = options._options["domain-name-servers"] or [] if options else []
    if "AmazonProvidedDNS" not in servers:
        raise invalid(f"The DHCP options of {vpc_id} must include AmazonProvidedDNS for CUSTOMER_ROUTED")
