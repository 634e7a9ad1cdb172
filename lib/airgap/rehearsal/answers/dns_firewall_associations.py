"""Associations of DNS Firewall rule groups with VPCs: priority, mutation protection, asynchronous states."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.answers.dns_firewall import ASSOCIATION, GROUP, SERVICE, create, found, invalid, kept
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call, Refusal

# The numbers up to 100 and from 9900 belong to Firewall Manager.
FIRST_PRIORITY, LAST_PRIORITY = 101, 9899
GROUPS_PER_VPC = 5
PROTECTED = (
    "[RSLVR-02307] The DNS Firewall rule group association is under mutation protection. "
    "Remove the mutation protection and try again."
)


def _judge(priority: Any, others: list[Record]) -> None:
    if not FIRST_PRIORITY <= priority <= LAST_PRIORITY:
        raise invalid(f"The priority {priority} is not between 100 and 9900")
    if any(other["Priority"] == priority for other in others):
        raise invalid(f"The priority {priority} is used by another association of the VPC")


@answers(SERVICE, "AssociateFirewallRuleGroup")
def associate(call: Call) -> dict[str, Any]:
    """Associate a rule group with a VPC; it is UPDATING first."""
    group, vpc = found(call, GROUP), call.get("VpcId")
    if vpc not in call.backend("ec2").vpcs:
        raise Refusal("ResourceNotFoundException", f"The VPC '{vpc}' does not exist")
    others = [x for x in kept(call).all(ASSOCIATION) if x["VpcId"] == vpc]
    if any(x["FirewallRuleGroupId"] == group["Id"] for x in others):
        raise Refusal("ConflictException", f"The rule group {group['Id']} is associated with {vpc} already")
    if len(others) >= GROUPS_PER_VPC:
        raise Refusal("LimitExceededException", f"A VPC has at most {GROUPS_PER_VPC} rule groups")
    _judge(call.get("Priority"), others)
    result = create(
        call,
        ASSOCIATION,
        FirewallRuleGroupId=group["Id"],
        VpcId=vpc,
        Priority=call.get("Priority"),
        MutationProtection=call.get("MutationProtection", "DISABLED"),
        Status="UPDATING",
    )
    kept(call).later(ASSOCIATION, result["FirewallRuleGroupAssociation"]["Id"], call.name, {"Status": "COMPLETE"})
    return result


@answers(SERVICE, "GetFirewallRuleGroupAssociation")
def get_association(call: Call) -> dict[str, Any]:
    """Return one association."""
    return {"FirewallRuleGroupAssociation": dict(found(call, ASSOCIATION))}


@answers(SERVICE, "ListFirewallRuleGroupAssociations")
def list_associations(call: Call) -> dict[str, Any]:
    """Return the associations, by group, VPC, priority or status."""
    records = kept(call).all(ASSOCIATION)
    for member in ("FirewallRuleGroupId", "VpcId", "Priority", "Status"):
        if call.get(member) is not None:
            records = [x for x in records if x[member] == call.get(member)]
    return {"FirewallRuleGroupAssociations": records}


@answers(SERVICE, "UpdateFirewallRuleGroupAssociation")
def update(call: Call) -> dict[str, Any]:
    """Change an association; under mutation protection only the protection itself can be taken off."""
    record = found(call, ASSOCIATION)
    names = ("Priority", "MutationProtection", "Name")
    changes: dict[str, Any] = {name: call.params[name] for name in names if name in call.params}
    freed = changes.get("MutationProtection") == "DISABLED"
    if record["MutationProtection"] == "ENABLED" and not freed and set(changes) != {"MutationProtection"}:
        raise invalid(PROTECTED)
    others = [x for x in kept(call).all(ASSOCIATION) if x["VpcId"] == record["VpcId"] and x["Id"] != record["Id"]]
    _judge(changes.get("Priority", record["Priority"]), others)
    record.update(changes, Status="UPDATING", ModificationTime=now())
    kept(call).later(ASSOCIATION, record["Id"], call.name, {"Status": "COMPLETE"})
    return {"FirewallRuleGroupAssociation": dict(record)}


@answers(SERVICE, "DisassociateFirewallRuleGroup")
def disassociate(call: Call) -> dict[str, Any]:
    """Take a rule group off a VPC; it is DELETING first. Refused under mutation protection."""
    record = found(call, ASSOCIATION)
    if record["MutationProtection"] == "ENABLED":
        raise invalid(PROTECTED)
    record.update(Status="DELETING", ModificationTime=now())
    kept(call).later(ASSOCIATION, record["Id"], call.name, None)
    return {"FirewallRuleGroupAssociation": dict(record)}
