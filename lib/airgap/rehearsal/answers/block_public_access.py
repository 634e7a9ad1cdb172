"""VPC Block Public Access: the account's options in a Region, and exclusions of VPCs and subnets.

https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html. Changes are asynchronous: *in-progress*, then
*complete*. A declarative policy of the organization takes the options out of the account's hands.
"""

from __future__ import annotations

from typing import Any

import moto.ec2.models

from airgap.rehearsal.filters import matching
from airgap.rehearsal.hook import answers
from airgap.rehearsal.organization import DECLARATIVE, effective
from airgap.rehearsal.store import Record, Store, new_id, now, store
from airgap.rehearsal.tagging import requested_tags
from airgap.rehearsal.wire import Call, Refusal

OPTIONS, EXCLUSION = "bpa-options", "bpa-exclusion"
MODES = ("off", "block-bidirectional", "block-ingress")
EXCLUSION_MODES = ("allow-bidirectional", "allow-egress")
PREFIX = "vpcbpa-exclude-"


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "ec2")


def _options(call: Call) -> Record:
    kept = _kept(call)
    options = kept.get(OPTIONS, call.region) or kept.put(
        OPTIONS,
        call.region,
        {
            "AwsAccountId": call.account,
            "AwsRegion": call.region,
            "State": "default-state",
            "InternetGatewayBlockMode": "off",
            "ManagedBy": "account",
            "ExclusionsAllowed": "allowed",
        },
    )
    return _declared(call, options)


def _declared(call: Call, options: Record) -> Record:
    """A declarative policy of the organization overrides what the account has set.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_declarative_syntax.html
    """
    policy = effective(call.account, call.partition, DECLARATIVE) or {}
    gateway = policy.get("ec2_attributes", {}).get("vpc_block_public_access", {}).get("internet_gateway_block")
    if not gateway:
        options["ManagedBy"] = "account"
        return options
    allowed = "allowed" if gateway.get("exclusions_allowed") == "enabled" else "not-allowed"
    options.update(
        InternetGatewayBlockMode=gateway["mode"].replace("_", "-"),
        ManagedBy="declarative-policy",
        ExclusionsAllowed=allowed,
        State="update-complete",
    )
    return options


@answers("ec2", "DescribeVpcBlockPublicAccessOptions")
def describe_options(call: Call) -> dict[str, Any]:
    """Return the options; an account that never set them has mode *off* in *default-state*."""
    return {"VpcBlockPublicAccessOptions": dict(_options(call))}


@answers("ec2", "ModifyVpcBlockPublicAccessOptions")
def modify_options(call: Call) -> dict[str, Any]:
    """Set the mode; refused under a declarative policy."""
    options, mode = _options(call), call.get("InternetGatewayBlockMode")
    _own(options)
    if mode not in MODES:
        raise Refusal("InvalidParameterValue", f"Invalid value '{mode}' for InternetGatewayBlockMode")
    options.update(InternetGatewayBlockMode=mode, State="update-in-progress", LastUpdateTimestamp=now())
    _kept(call).later(OPTIONS, call.region, call.name, {"State": "update-complete"})
    return {"VpcBlockPublicAccessOptions": dict(options)}


def _own(options: Record) -> None:
    if options["ManagedBy"] != "account":
        message = "VPC Block Public Access is managed by a declarative policy of the organization"
        raise Refusal("OperationNotPermitted", message)


@answers("ec2", "CreateVpcBlockPublicAccessExclusion")
def create_exclusion(call: Call) -> dict[str, Any]:
    """Exclude one VPC or one subnet; a second exclusion of the same resource is refused."""
    arn, mode = _excluded(call), call.get("InternetGatewayExclusionMode")
    if _options(call)["ExclusionsAllowed"] != "allowed":
        raise Refusal("OperationNotPermitted", "The organization's declarative policy does not allow exclusions")
    if mode not in EXCLUSION_MODES:
        raise Refusal("InvalidParameterValue", f"Invalid value '{mode}' for InternetGatewayExclusionMode")
    kept = _kept(call)
    if any(x["ResourceArn"] == arn and not x["State"].startswith("delete") for x in kept.all(EXCLUSION)):
        raise Refusal("VpcBlockPublicAccessExclusionAlreadyExists", f"An exclusion for {arn} exists already")
    exclusion = {
        "ExclusionId": new_id(PREFIX),
        "InternetGatewayExclusionMode": mode,
        "ResourceArn": arn,
        "State": "create-in-progress",
        "CreationTimestamp": now(),
    }
    tags = requested_tags(call, "vpc-block-public-access-exclusion")
    call.backend("ec2").create_tags([exclusion["ExclusionId"]], {tag["Key"]: tag["Value"] for tag in tags})
    kept.put(EXCLUSION, exclusion["ExclusionId"], exclusion)
    kept.later(EXCLUSION, exclusion["ExclusionId"], call.name, {"State": "create-complete"})
    return {"VpcBlockPublicAccessExclusion": {**exclusion, "Tags": tags}}


def _excluded(call: Call) -> str:
    """Return the ARN of the VPC or subnet that the request names; exactly one, and it must exist."""
    subnet, vpc = call.get("SubnetId"), call.get("VpcId")
    if bool(subnet) == bool(vpc):
        raise Refusal("InvalidParameterCombination", "Specify either a VpcId or a SubnetId")
    backend = call.backend("ec2")
    if subnet:
        backend.get_subnet(subnet)
        return call.arn(f"subnet/{subnet}")
    if vpc not in backend.vpcs:
        raise Refusal("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    return call.arn(f"vpc/{vpc}")


def _exclusion(call: Call) -> Record:
    identifier = call.get("ExclusionId")
    found = _kept(call).get(EXCLUSION, identifier)
    if found is None or found["State"].startswith("delete"):
        message = f"The exclusion ID '{identifier}' does not exist"
        raise Refusal("InvalidVpcBlockPublicAccessExclusionId.NotFound", message)
    return found


@answers("ec2", "ModifyVpcBlockPublicAccessExclusion")
def modify_exclusion(call: Call) -> dict[str, Any]:
    """Change the mode of an exclusion."""
    exclusion, mode = _exclusion(call), call.get("InternetGatewayExclusionMode")
    if mode not in EXCLUSION_MODES:
        raise Refusal("InvalidParameterValue", f"Invalid value '{mode}' for InternetGatewayExclusionMode")
    exclusion.update(InternetGatewayExclusionMode=mode, State="update-in-progress", LastUpdateTimestamp=now())
    _kept(call).later(EXCLUSION, exclusion["ExclusionId"], call.name, {"State": "update-complete"})
    return {"VpcBlockPublicAccessExclusion": dict(exclusion)}


@answers("ec2", "DeleteVpcBlockPublicAccessExclusion")
def delete_exclusion(call: Call) -> dict[str, Any]:
    """Take an exclusion away; it stays in listings as *delete-in-progress*, then *delete-complete*."""
    exclusion = _exclusion(call)
    exclusion.update(State="delete-in-progress", DeletionTimestamp=now())
    _kept(call).later(EXCLUSION, exclusion["ExclusionId"], call.name, {"State": "delete-complete"})
    return {"VpcBlockPublicAccessExclusion": dict(exclusion)}


@answers("ec2", "DescribeVpcBlockPublicAccessExclusions")
def describe_exclusions(call: Call) -> dict[str, Any]:
    """Return the exclusions, by id and filter."""
    found, wanted = _kept(call).all(EXCLUSION), call.get("ExclusionIds", [])
    for exclusion in found:
        tags = call.backend("ec2").tags.get(exclusion["ExclusionId"], {})
        exclusion["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    missing = set(wanted) - {x["ExclusionId"] for x in found}
    if missing:
        message = f"The exclusion ID '{min(missing)}' does not exist"
        raise Refusal("InvalidVpcBlockPublicAccessExclusionId.NotFound", message)
    chosen = [x for x in found if not wanted or x["ExclusionId"] in wanted]
    return {"VpcBlockPublicAccessExclusions": matching(chosen, call.get("Filters", []))}


def mode_for(account: str, region: str, vpc: str, subnet: str | None = None) -> str:
    """Return the block mode in effect for a VPC, or a subnet of it: exclusions take it off."""
    kept = store(account, region, "ec2")
    options = kept.get(OPTIONS, region)
    mode: str = options["InternetGatewayBlockMode"] if options else "off"
    names = {f"vpc/{vpc}"} | ({f"subnet/{subnet}"} if subnet else set())
    for exclusion in kept.all(EXCLUSION):
        live = exclusion["State"] in ("create-complete", "update-complete", "update-in-progress")
        if live and exclusion["ResourceArn"].rpartition(":")[2] in names:
            return "off" if exclusion["InternetGatewayExclusionMode"] == "allow-bidirectional" else "block-ingress"
    return mode


def _taggable(identifier: str) -> bool:
    """CreateTags refuses ids that moto does not know the form of."""
    return identifier.startswith(PREFIX) or bool(_known_form(identifier))


_known_form = moto.ec2.models.is_valid_resource_id
moto.ec2.models.is_valid_resource_id = _taggable
