"""Application load balancers: where they may stand, their interfaces and states, and what keeps them from going.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
"""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer
from moto.utilities.utils import get_partition

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after, before
from airgap.rehearsal.mends.addresses import managed_interface, release
from airgap.rehearsal.principals import admits
from airgap.rehearsal.wire import Call, Refusal, backend_of

DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"
# What an Application Load Balancer has where nobody has set anything.
DEFAULTS = {
    "access_logs.s3.bucket": "",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "health_check_logs.s3.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
_create = ELBv2Backend.create_load_balancer
_delete = ELBv2Backend.delete_load_balancer
_set_groups = ELBv2Backend.set_security_groups
_set_subnets = ELBv2Backend.set_subnets
_deleting: list[tuple[str, str, float, list[str]]] = []


def _create_balancer(self: Any, *positional: Any, **named: Any) -> FakeLoadBalancer:
    balancer: Any = _create(self, *positional, **named)
    balancer.attrs = dict(DEFAULTS)
    balancer.scheme = balancer.scheme or "internet-facing"
    suffix = "amazonaws.com.cn" if get_partition(self.region_name) == "aws-cn" else "amazonaws.com"
    inner = "internal-" if balancer.scheme == "internal" else ""
    number = int(balancer.arn.rpartition("/")[2], 16) % 10**10
    balancer.dns_name = f"{inner}{balancer.name}-{number}.{self.region_name}.elb.{suffix}"
    balancer.state = "active"
    balancer.interfaces = {subnet.id: _interface(self, balancer, subnet.id) for subnet in balancer.subnets}
    return balancer


def _interface(backend: Any, balancer: Any, subnet: str) -> str:
    """Return the id of a new interface of a load balancer; one that faces the internet has a public address."""
    ec2 = backend.ec2_backend
    description = f"ELB {balancer.arn.partition(':loadbalancer/')[2]}"
    eni = managed_interface(ec2, subnet, "load_balancer", description, balancer.security_groups)
    eni.interface_type = "interface"
    if balancer.scheme == "internet-facing":
        eni.public_ip = f"203.0.113.{int(eni.id[-4:], 16) % 254 + 1}"
    return str(eni.id)


def _delete_balancer(self: Any, arn: str) -> None:
    balancer: Any = self.load_balancers.get(arn)
    if balancer is None:
        return
    _deleting.append(
        (self.account_id, self.region_name, settling.due("elbv2:DeleteLoadBalancer"), [*balancer.interfaces.values()])
    )
    for wacl in backend_of("wafv2", self.account_id, self.region_name).wacls.values():
        wacl.associated_resources = [one for one in wacl.associated_resources if one != arn]
    _delete(self, arn)


@after("ec2", "DescribeNetworkInterfaces")
def whose_addresses(call: Call, result: dict[str, Any]) -> None:
    """A load balancer's public addresses are Elastic Load Balancing's."""
    for one in result.get("NetworkInterfaces", []):
        if one.get("RequesterId") == "amazon-elb":
            held = [one, *one.get("PrivateIpAddresses", [])]
            for link in [each["Association"] for each in held if each.get("Association")]:
                link["IpOwnerId"] = "amazon-elb"


@before("ec2", "*")
def end_deletions(call: Call) -> None:
    """A load balancer that is gone gives its interfaces back some time later."""
    for one in [one for one in _deleting if one[:2] == (call.account, call.region) and settling.passed(one[2])]:
        for eni in one[3]:
            release(call.backend("ec2"), eni)
        _deleting.remove(one)


def _change_groups(self: Any, arn: str, sec_groups: list[str]) -> None:
    _set_groups(self, arn, sec_groups)
    balancer = self.load_balancers[arn]
    for eni in balancer.interfaces.values():
        found = [self.ec2_backend.get_security_group_from_id(one) for one in sec_groups]
        self.ec2_backend.enis[eni]._group_set = found


def _change_subnets(self: Any, arn: str, subnets: list[str], subnet_mappings: list[dict[str, Any]]) -> Any:
    zones = _set_subnets(self, arn, subnets, subnet_mappings)
    balancer: Any = self.load_balancers[arn]
    placed = {subnet.id for subnet in balancer.subnets}
    for gone in set(balancer.interfaces) - placed:
        release(self.ec2_backend, balancer.interfaces.pop(gone))
    for new in placed - set(balancer.interfaces):
        balancer.interfaces[new] = _interface(self, balancer, new)
    return zones


@before("elbv2", "CreateLoadBalancer")
def judge_place(call: Call) -> None:
    """Two zones of one VPC, groups of that VPC, and an internet gateway where it is to face the internet."""
    ec2 = call.backend("ec2")
    named = [*call.get("Subnets", []), *(one["SubnetId"] for one in call.get("SubnetMappings", []))]
    subnets = [one for zone in ec2.subnets.values() for one in zone.values() if one.id in named]
    if len(subnets) < len(set(named)):
        raise Refusal(
            "SubnetNotFound", f"The subnet ID '{next(iter(set(named) - {one.id for one in subnets}))}' does not exist"
        )
    if len({one.availability_zone for one in subnets}) < 2:
        message = "At least two subnets in two different Availability Zones must be specified"
        raise Refusal("ValidationError", message)
    if len({one.vpc_id for one in subnets}) > 1:
        raise Refusal("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    vpc = subnets[0].vpc_id
    for one in call.get("SecurityGroups", []):
        if one not in ec2.groups.get(vpc, {}):
            raise Refusal("InvalidConfigurationRequest", "One or more security groups are invalid")
    attached = {getattr(one.vpc, "id", None) for one in ec2.internet_gateways.values()}
    if call.get("Scheme", "internet-facing") == "internet-facing" and vpc not in attached:
        raise Refusal("InvalidSubnet", f"VPC {vpc} has no internet gateway")
    same = [one for one in call.backend("elbv2").load_balancers.values() if one.name == call.get("Name")]
    if same:
        message = f"A load balancer with the same name '{call.get('Name')}' exists, but with different settings"
        raise Refusal("DuplicateLoadBalancerName", message)


@before("elbv2", "DeleteLoadBalancer")
def judge_deletion(call: Call) -> None:
    """Deletion protection comes off first."""
    balancer = call.backend("elbv2").load_balancers.get(call.get("LoadBalancerArn"))
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled"
        raise Refusal("OperationNotPermitted", message)


@before("elbv2", "ModifyLoadBalancerAttributes")
def judge_logs(call: Call) -> None:
    """A test file is written before access logs are on: the bucket admits the delivery and has S3's own key."""
    balancer = call.backend("elbv2").load_balancers.get(call.get("LoadBalancerArn"))
    changed = {one["Key"]: one.get("Value", "") for one in call.get("Attributes", [])}
    wanted = {**(balancer.attrs if balancer else {}), **changed}
    if wanted.get("access_logs.s3.enabled") != "true":
        return
    name = wanted.get("access_logs.s3.bucket", "")
    bucket = call.backend("s3").buckets.get(name)
    if bucket is None or bucket.region_name != call.region:
        message = f"S3Bucket: {name} is not located in the same region with ELB: {call.region}"
        raise Refusal("InvalidConfigurationRequest", message)
    policy = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
    if not policy or not admits(policy, DELIVERY, "s3:PutObject") or _by_kms(bucket):
        message = f"Access Denied for bucket: {name}. Please check S3bucket permission"
        raise Refusal("InvalidConfigurationRequest", message)


def _by_kms(bucket: Any) -> bool:
    return "aws:kms" in str(bucket.encryption or "")


@after("elbv2", "DescribeListeners", "CreateListener", "ModifyListener")
def without_tls(call: Call, result: dict[str, Any]) -> None:
    """A listener without TLS has no policy; one that forwards names its group in both forms."""
    for one in result.get("Listeners", []):
        if one.get("Protocol") == "HTTP":
            one.pop("SslPolicy", None)
            one.pop("Certificates", None)
        for action in one.get("DefaultActions", []):
            if action.get("TargetGroupArn") and not action.get("ForwardConfig"):
                group = {"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}
                off = {"Enabled": False}
                action["ForwardConfig"] = {"TargetGroups": [group], "TargetGroupStickinessConfig": off}


ELBv2Backend.create_load_balancer = _create_balancer
ELBv2Backend.delete_load_balancer = _delete_balancer
ELBv2Backend.set_security_groups = _change_groups
ELBv2Backend.set_subnets = _change_subnets
FakeLoadBalancer.activate = lambda self: None
FakeLoadBalancer.state = settling.Settling("state", {"active": ("provisioning", "elbv2:CreateLoadBalancer")})
