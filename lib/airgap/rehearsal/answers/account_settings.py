"""Switches of an account or Region that have a value without anybody having set one, and keep what is set."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import new_id, now, store
from airgap.rehearsal.wire import Call, Refusal

# operation: (setting, output members besides the setting)
_READ = {
    "GetSnapshotBlockPublicAccessState": ("State", "unblocked"),
    "GetImageBlockPublicAccessState": ("ImageBlockPublicAccessState", "block-new-sharing"),
    "GetSerialConsoleAccessStatus": ("SerialConsoleAccessEnabled", False),
}
_WRITE = {
    "EnableSnapshotBlockPublicAccess": ("State", None),
    "DisableSnapshotBlockPublicAccess": ("State", "unblocked"),
    "EnableImageBlockPublicAccess": ("ImageBlockPublicAccessState", None),
    "DisableImageBlockPublicAccess": ("ImageBlockPublicAccessState", "unblocked"),
    "EnableSerialConsoleAccess": ("SerialConsoleAccessEnabled", True),
    "DisableSerialConsoleAccess": ("SerialConsoleAccessEnabled", False),
}
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetServiceSetting.html
SSM_DEFAULTS = {
    "/ssm/appconfig/appconfig-lambda-extension-access": "Disabled",
    "/ssm/automation/customer-script-log-destination": "",
    "/ssm/automation/enable-concurrency-adaptive-throttling": "false",
    "/ssm/documents/console/public-sharing-permission": "Enable",
    "/ssm/managed-instance/activation-tier": "standard",
    "/ssm/managed-instance/default-ec2-instance-management-role": "$None",
    "/ssm/opsinsights/opscenter": "Disabled",
    "/ssm/parameter-store/default-parameter-tier": "Standard",
    "/ssm/parameter-store/high-throughput-enabled": "false",
}


@answers("ec2", "GetEbsDefaultKmsKeyId", "ModifyEbsDefaultKmsKeyId", "ResetEbsDefaultKmsKeyId")
def ebs_key(call: Call) -> dict[str, Any]:
    """The key for volumes whose creator names none: the service's own until somebody sets another."""
    kept = store(call.account, call.region, "ec2").settings
    if call.operation == "ResetEbsDefaultKmsKeyId":
        kept.pop("KmsKeyId", None)
    elif call.operation == "ModifyEbsDefaultKmsKeyId":
        kept["KmsKeyId"] = call.get("KmsKeyId")
    return {"KmsKeyId": kept.get("KmsKeyId", "alias/aws/ebs")}


@answers("ec2", *_READ)
def read_setting(call: Call) -> dict[str, Any]:
    """Return a switch of EC2; images may not be shared publicly from the start, as in accounts since October 2023."""
    member, default = _READ[call.operation]
    return {member: store(call.account, call.region, "ec2").settings.get(member, default), "ManagedBy": "account"}


@answers("ec2", *_WRITE)
def write_setting(call: Call) -> dict[str, Any]:
    """Set a switch of EC2."""
    member, fixed = _WRITE[call.operation]
    value = call.get(member) if fixed is None else fixed
    store(call.account, call.region, "ec2").settings[member] = value
    return {member: value}


def _service_setting(call: Call) -> dict[str, Any]:
    name = "/" + call.get("SettingId", "").rpartition(":servicesetting/")[2].lstrip("/")
    if name not in SSM_DEFAULTS:
        raise Refusal("ServiceSettingNotFound", f"The service setting {name} does not exist")
    kept = store(call.account, call.region, "ssm").settings
    status = "Customized" if name in kept else "Default"
    setting = {"SettingId": name, "ARN": call.arn(f"servicesetting{name}"), "Status": status, "LastModifiedDate": now()}
    return setting | {"SettingValue": kept.get(name, SSM_DEFAULTS[name]), "LastModifiedUser": call.caller.arn()}


@answers("ssm", "GetServiceSetting", "ResetServiceSetting", "UpdateServiceSetting")
def service_setting(call: Call) -> dict[str, Any]:
    """Read, set or reset a service setting of Systems Manager."""
    name = _service_setting(call)["SettingId"]
    kept = store(call.account, call.region, "ssm").settings
    if call.operation == "UpdateServiceSetting":
        kept[name] = call.get("SettingValue")
        return {}
    if call.operation == "ResetServiceSetting":
        kept.pop(name, None)
    return {"ServiceSetting": _service_setting(call)}


@answers("backup", "DescribeGlobalSettings", "UpdateGlobalSettings")
def backup_settings(call: Call) -> dict[str, Any]:
    """Whether backups may be copied to other accounts of the organization: off until somebody says otherwise."""
    kept = store(call.account, "global", "backup").settings
    if call.operation == "UpdateGlobalSettings":
        kept.update(call.get("GlobalSettings", {}))
        return {}
    return {"GlobalSettings": {"isCrossAccountBackupEnabled": "false", **kept}, "LastUpdateTime": now()}


def _resolver_config(call: Call, vpc: str) -> dict[str, Any]:
    if vpc not in call.backend("ec2").vpcs:
        raise Refusal("InvalidParameterException", f"The VPC '{vpc}' does not exist")
    kept = store(call.account, call.region, "route53resolver")
    fields = {"Id": new_id("rdsc-"), "ResourceId": vpc, "OwnerId": call.account, "AutodefinedReverse": "ENABLED"}
    return kept.get("resolver-config", vpc) or kept.put("resolver-config", vpc, fields)


@answers("route53resolver", "GetResolverConfig", "UpdateResolverConfig")
def resolver_config(call: Call) -> dict[str, Any]:
    """Whether the VPC resolver answers reverse look-ups by rules of its own."""
    config = _resolver_config(call, call.get("ResourceId"))
    if call.operation == "UpdateResolverConfig":
        config["AutodefinedReverse"] = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[call.get("AutodefinedReverseFlag")]
    return {"ResolverConfig": dict(config)}


@answers("route53resolver", "ListResolverConfigs")
def resolver_configs(call: Call) -> dict[str, Any]:
    """Return the setting of every VPC."""
    vpcs = call.backend("ec2").vpcs
    return {"ResolverConfigs": [dict(_resolver_config(call, vpc)) for vpc in vpcs]}
