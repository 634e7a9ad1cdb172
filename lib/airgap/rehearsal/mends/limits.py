"""Quotas that a network deployment meets, at the values of ``answers.quotas``."""

from __future__ import annotations

from airgap.rehearsal.hook import before
from airgap.rehearsal.wire import Call, Refusal

RULES_PER_ACL = 20
RULES_PER_GROUP = 60
VPCS_PER_REGION = 5
ADDRESSES_PER_REGION = 5
GROUPS_PER_INTERFACE = 5


def _exceeded(code: str, what: str) -> Refusal:
    return Refusal(code, f"The maximum number of {what} has been reached.")


@before("ec2", "CreateNetworkAclEntry")
def acl_entries(call: Call) -> None:
    """20 entries in each direction, beside the final one that denies."""
    acl = call.backend("ec2").network_acls.get(call.get("NetworkAclId"))
    egress = str(call.get("Egress", False)).lower()
    entries = [x for x in acl.network_acl_entries if str(x.egress).lower() == egress] if acl else []
    if len([x for x in entries if str(x.rule_number) != "32767"]) >= RULES_PER_ACL:
        raise _exceeded("NetworkAclEntryLimitExceeded", "network ACL entries")


@before("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def group_rules(call: Call) -> None:
    """60 rules in each direction; every address range, group and prefix list of a permission counts as one."""
    group = call.backend("ec2").get_security_group_from_id(call.get("GroupId", ""))
    if group is None:
        return
    outward = call.operation.endswith("Egress")
    present = group.egress_rules if outward else group.ingress_rules
    members = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds")
    added = sum(len(x.get(member) or []) for x in call.get("IpPermissions", []) for member in members)
    if len(present) + max(1, added) > RULES_PER_GROUP:
        raise _exceeded("RulesPerSecurityGroupLimitExceeded", "rules per security group")


@before("ec2", "CreateVpc")
def vpcs(call: Call) -> None:
    """5 VPCs in a Region."""
    if len(call.backend("ec2").vpcs) >= VPCS_PER_REGION:
        raise _exceeded("VpcLimitExceeded", "VPCs")


@before("ec2", "AllocateAddress")
def addresses(call: Call) -> None:
    """5 Elastic IP addresses in a Region."""
    if len(call.backend("ec2").addresses) >= ADDRESSES_PER_REGION:
        raise _exceeded("AddressLimitExceeded", "addresses")


@before("ec2", "CreateNetworkInterface", "ModifyNetworkInterfaceAttribute")
def interface_groups(call: Call) -> None:
    """5 groups on an interface."""
    if len(call.get("Groups", [])) > GROUPS_PER_INTERFACE:
        raise _exceeded("SecurityGroupsPerInterfaceLimitExceeded", "security groups per interface")
