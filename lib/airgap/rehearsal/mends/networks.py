"""VPCs and subnets: ordinary subnets, default DHCP options, what Block Public Access does to them, flow log delivery.

moto makes the first subnet of a zone a default one that maps public addresses, whatever its VPC.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC

from airgap.rehearsal.answers.block_public_access import mode_for
from airgap.rehearsal.hook import after
from airgap.rehearsal.principals import exists
from airgap.rehearsal.tagging import requested_tags
from airgap.rehearsal.wire import Call

_create_subnet = EC2Backend.create_subnet
_create_vpc = EC2Backend.create_vpc
_delete_vpc = EC2Backend.delete_vpc
_delete_subnet = EC2Backend.delete_subnet
_create_flow_logs = EC2Backend.create_flow_logs
_begin_rule = SecurityGroupRule.__init__


def _ordinary_subnet(self: Any, vpc_id: str, *rest: Any, **named: Any) -> Subnet:
    subnet: Any = _create_subnet(self, vpc_id, *rest, **named)
    if str(self.vpcs[vpc_id].is_default).lower() != "true":
        subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return subnet


def _delete_subnet_and_links(self: Any, subnet_id: str) -> Subnet:
    """A subnet goes with its associations with a route table and a network ACL; moto would keep both."""
    for holder in (*self.route_tables.values(), *self.network_acls.values()):
        for key, link in list(holder._associations.items()):
            if subnet_id in (link, getattr(link, "subnet_id", None)):
                del holder._associations[key]
    return _delete_subnet(self, subnet_id)


def _with_dhcp_options(self: Any, *rest: Any, **named: Any) -> VPC:
    """A new VPC has the Region's default DHCP options: AmazonProvidedDNS and the Region's internal domain."""
    vpc: Any = _create_vpc(self, *rest, **named)
    default = next((x for x in self.dhcp_options_sets.values() if getattr(x, "is_regional_default", False)), None)
    if default is None:
        region = self.region_name
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        default = self.create_dhcp_options(domain_name_servers=["AmazonProvidedDNS"], domain_name=[domain])
        default.is_regional_default = True
    self.associate_dhcp_options(default, vpc)
    return vpc


def _delete_vpc_alone(self: Any, vpc_id: str) -> VPC:
    """DHCP options outlive their VPC and its default ACL does not; moto would have it the other way round."""
    if vpc_id in self.vpcs:
        self.disassociate_dhcp_options(self.vpcs[vpc_id])
    for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
        del self.network_acls[acl.id]
    return _delete_vpc(self, vpc_id)


def _flow_logs(self: Any, *rest: Any, **named: Any) -> Any:
    """A log group's flow log whose role does not exist is created and delivers nothing, as one without a group."""
    created, unsuccessful = _create_flow_logs(self, *rest, **named)
    for log in created:
        role = log.deliver_logs_permission_arn
        if log.log_destination_type == "cloud-watch-logs" and not exists(self.account_id, self.partition, role or ""):
            log.deliver_logs_status, log.deliver_logs_error_message = "FAILED", "Access error"
    return created, unsuccessful


def _described_rule(self: Any, *rest: Any, **named: Any) -> None:
    """Keep the description of a prefix list's rule, and show that of a referenced group's."""
    _begin_rule(self, *rest, **named)
    lists = named.get("prefix_list_id") or (rest[7] if len(rest) > 7 else None) or {}
    self.own_description = self.source_group.get("Description") or lists.get("Description")


def _subnet_arn(self: Any) -> str:
    """moto names the partition ``aws`` everywhere."""
    backend = self.ec2_backend
    return f"arn:{backend.partition}:ec2:{backend.region_name}:{self.owner_id}:subnet/{self.id}"


def _public_access(self: Any) -> dict[str, str]:
    subnet = self.id if isinstance(self, Subnet) else None
    vpc = self.vpc_id if isinstance(self, Subnet) else self.id
    backend = self.ec2_backend
    mode = mode_for(backend.account_id, backend.region_name, vpc, subnet)
    return {"InternetGatewayBlockMode": mode}


@after("ec2", "CreateDhcpOptions")
def tag_dhcp_options(call: Call, result: dict[str, Any]) -> None:
    """moto forgets the tags that the request names."""
    tags = requested_tags(call, "dhcp-options")
    made = call.backend("ec2").dhcp_options_sets[result["DhcpOptions"]["DhcpOptionsId"]]
    made.add_tags({tag["Key"]: tag["Value"] for tag in tags})
    result["DhcpOptions"]["Tags"] = tags


EC2Backend.create_subnet = _ordinary_subnet
EC2Backend.delete_subnet = _delete_subnet_and_links
EC2Backend.create_vpc = _with_dhcp_options
EC2Backend.delete_vpc = _delete_vpc_alone
EC2Backend.create_flow_logs = _flow_logs
SecurityGroupRule.__init__ = _described_rule
SecurityGroupRule.description = property(lambda self: self.ip_range.get("Description") or self.own_description)
Subnet.arn = property(_subnet_arn)
VPC.block_public_access_states = property(_public_access)
Subnet.block_public_access_states = property(_public_access)
