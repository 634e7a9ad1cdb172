"""Single operations of services that moto has, each too small for a module of its own."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import PassOn, answers, before
from airgap.rehearsal.store import now
from airgap.rehearsal.wire import Call, Refusal


@answers("route53", "ListVPCAssociationAuthorizations")
def authorizations(call: Call) -> dict[str, Any]:
    """No zone here has been offered to another account's VPC."""
    zone = call.get("HostedZoneId", "").rpartition("/")[2]
    if zone not in call.backend("route53").zones:
        raise Refusal("NoSuchHostedZone", f"No hosted zone found with ID: {zone}", 404)
    return {"HostedZoneId": zone, "VPCs": []}


@answers("ram", "GetResourceShares")
def shares(call: Call) -> dict[str, Any] | PassOn:
    """Nobody shares anything with this account; its own shares are moto's."""
    if call.get("resourceOwner") == "SELF":
        return PassOn.TO_MOTO
    own = {x.arn for x in call.backend("ram").resource_shares}
    unknown = [arn for arn in call.get("resourceShareArns", []) if arn not in own]
    if unknown:
        raise Refusal("UnknownResourceException", f"ResourceShare {unknown[0]} could not be found.")
    return {"resourceShares": []}


@answers("lambda", "ListFunctionUrlConfigs")
def function_urls(call: Call) -> dict[str, Any]:
    """The URL of a function, where it has one."""
    function = call.backend("lambda").get_function(call.get("FunctionName"))
    config = getattr(function, "url_config", None)
    return {"FunctionUrlConfigs": [config.to_dict()] if config else []}


@answers("backup", "GetBackupVaultAccessPolicy")
def vault_policy(call: Call) -> dict[str, Any]:
    """No vault here has a policy."""
    name = call.get("BackupVaultName")
    known = name in call.backend("backup").vaults
    message = f"No policy found for vault {name}" if known else f"Backup vault {name} not found"
    raise Refusal("ResourceNotFoundException", message)


@answers("ssm", "DescribeInstanceInformation")
def instances(call: Call) -> dict[str, Any]:
    """Every running instance with an instance profile has a working agent."""
    running = [
        instance
        for reservation in call.backend("ec2").reservations.values()
        for instance in reservation.instances
        if instance.state == "running" and instance.iam_instance_profile
    ]
    return {"InstanceInformationList": [_information(instance) for instance in running if _asked(call, instance)]}


def _information(instance: Any) -> dict[str, Any]:
    return {
        "InstanceId": instance.id,
        "PingStatus": "Online",
        "LastPingDateTime": now(),
        "AgentVersion": "3.3.3050.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip,
        "ComputerName": instance.private_dns_name,
    }


def _asked(call: Call, instance: Any) -> bool:
    wanted = [x for x in call.get("Filters", []) if x["Key"] == "InstanceIds"]
    listed = [value for one in wanted for value in one["Values"]]
    old = [x for x in call.get("InstanceInformationFilterList", []) if x["key"] == "InstanceIds"]
    listed += [value for one in old for value in one["valueSet"]]
    return not listed or instance.id in listed


@answers("s3", "GetObjectRetention")
def retention(call: Call) -> dict[str, Any]:
    """The retention of one version of an object."""
    backend = call.backend("s3")
    key = backend.get_object(call.get("Bucket"), call.get("Key"), version_id=call.get("VersionId"))
    if key is None:
        raise Refusal("NoSuchKey", "The specified key does not exist.", 404)
    if not key.lock_mode:
        message = "The specified object does not have a ObjectLock configuration"
        raise Refusal("NoSuchObjectLockConfiguration", message, 404)
    return {"Retention": {"Mode": key.lock_mode, "RetainUntilDate": key.lock_until}}


@before("kms", "ListGrants", "ListResourceTags", "GetKeyRotationStatus")
def known_key(call: Call) -> None:
    """KMS names the key that does not exist."""
    backend, identifier = call.backend("kms"), call.get("KeyId", "")
    if "alias/" not in identifier and identifier.rpartition("/")[2] not in backend.keys:
        raise Refusal("NotFoundException", f"Key '{identifier}' does not exist")


@before("ec2", "DescribeImageAttribute")
def known_image(call: Call) -> None:
    """EC2 names the image that does not exist."""
    image = call.get("ImageId")
    if image not in call.backend("ec2").amis:
        raise Refusal("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")


@before("ec2", "GetManagedPrefixListEntries")
def known_list(call: Call) -> None:
    """EC2 names the prefix list that does not exist."""
    identifier = call.get("PrefixListId")
    if identifier not in call.backend("ec2").managed_prefix_lists:
        raise Refusal("InvalidPrefixListID.NotFound", f"The prefix list ID '{identifier}' does not exist")


@before("ec2", "SearchTransitGatewayRoutes")
def known_table(call: Call) -> None:
    """EC2 names the route table that does not exist."""
    identifier = call.get("TransitGatewayRouteTableId")
    if identifier not in call.backend("ec2").transit_gateways_route_tables:
        raise Refusal(
            "InvalidRouteTableID.NotFound", f"Transit Gateway Route Table {identifier} was deleted or is absent"
        )
