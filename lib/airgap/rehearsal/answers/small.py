"""Single operations of services that moto has, each too small for a module of its own."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import PassOn, answers, before
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


def _own_shares(call: Call) -> list[Any]:
    wanted = call.get("resourceShareArns")
    live = [x for x in call.backend("ram").resource_shares if x.status == "ACTIVE"]
    return [x for x in live if call.get("resourceOwner") == "SELF" and (not wanted or x.arn in wanted)]


@answers("ram", "ListResources")
def shared_resources(call: Call) -> dict[str, Any]:
    """What this account shares; nobody shares anything with it."""
    found = [
        {"arn": arn, "type": _type(arn), "resourceShareArn": share.arn, "status": "AVAILABLE"}
        for share in _own_shares(call)
        for arn in share.resource_arns
    ]
    named, kind = call.get("resourceArns"), call.get("resourceType")
    return {"resources": [x for x in found if (not named or x["arn"] in named) and kind in (None, x["type"])]}


def _type(arn: str) -> str:
    """Return the type of a resource as RAM spells it, such as ``ec2:Subnet``."""
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    return f"{service}:{''.join(part.capitalize() for part in resource.split('/')[0].split('-'))}"


@answers("ram", "ListPrincipals")
def shared_with(call: Call) -> dict[str, Any]:
    """With whom this account shares; nobody shares anything with it."""
    found = [
        {"id": principal, "resourceShareArn": share.arn, "external": principal != call.account}
        for share in _own_shares(call)
        for principal in share.principals
    ]
    return {"principals": [x for x in found if not call.get("principals") or x["id"] in call.get("principals")]}


@answers("glue", "GetResourcePolicies")
def catalog_policies(call: Call) -> dict[str, Any]:
    """The policies of the data catalog and of its resources."""
    kept = call.backend("glue").resource_policies.values()
    return {"GetResourcePoliciesResponseList": [{"PolicyInJson": x["PolicyInJson"]} for x in kept]}


@answers("dynamodb", "ListExports")
def exports(call: Call) -> dict[str, Any]:
    """The exports of one table, or of all; moto wants a table."""
    found = call.backend("dynamodb").table_exports.values()
    of = call.get("TableArn")
    chosen = [x for x in found if of in (None, x.table.table_arn)]
    kind = "FULL_EXPORT"
    return {"ExportSummaries": [{"ExportArn": x.arn, "ExportStatus": x.status, "ExportType": kind} for x in chosen]}


@answers("cloudfront", "ListVpcOrigins")
def vpc_origins(call: Call) -> dict[str, Any]:
    """No distribution here reaches into a VPC."""
    empty = {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": 0, "Items": []}
    return {"VpcOriginList": empty}


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
