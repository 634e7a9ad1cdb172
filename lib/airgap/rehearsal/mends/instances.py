"""EC2 instances: what a launch template says of them, interfaces that end with them, members as AWS shows them.

moto launches from a template with a disk of its own beside the template's, forgets metadata options and profile, and
leaves the interfaces of terminated instances behind.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance, InstanceState
from moto.ec2.responses.instances import InstanceResponse

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after, before
from airgap.rehearsal.wire import Call, Refusal

_run = EC2Backend.run_instances
_end = Instance.terminate
_modify_metadata = EC2Backend.modify_instance_metadata_options
_modify_groups = EC2Backend.modify_instance_security_groups
# moto's argument: its member of the options
_METADATA = {
    "http_tokens": "http_tokens",
    "hop_limit": "http_put_response_hop_limit",
    "http_endpoint": "http_endpoint",
    "http_protocol": "http_protocol_ipv6",
    "metadata_tags": "instance_metadata_tags",
}
# member of launch template data: moto's argument
_FROM_TEMPLATE = {"MetadataOptions": "metadata_options", "EbsOptimized": "ebs_optimized"}
ROOT = "/dev/xvda"
_DISK = {"DeviceName": ROOT, "Ebs": {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True}}


def _launch(self: Any, image_id: str, count: int, user_data: Any, security_group_names: list[str], **named: Any) -> Any:
    """Launch with everything that the request leaves to its template."""
    version = self._get_template_from_args(named["launch_template"]) if named.get("launch_template") else None
    data = version.data if version is not None else {}
    for member, argument in _FROM_TEMPLATE.items():
        if data.get(member) and not named.get(argument):
            named[argument] = data[member]
    mappings = named.get("block_device_mappings") or data.get("BlockDeviceMappings") or [_DISK]
    named["block_device_mappings"] = [_sized(mapping) for mapping in mappings]
    tags = named.get("tags") or {}
    named["tags"] = {**tags, "volume": _tags_of(data, "volume") | tags.get("volume", {})}
    made = _run(self, image_id or data.get("ImageId", ""), count, user_data, security_group_names, **named)
    asked = bool(named.get("iam_instance_profile_name") or named.get("iam_instance_profile_arn"))
    profile = {} if asked else data.get("IamInstanceProfile", {})
    for instance in made.instances:
        _complete(self, instance, profile)
    return made


def _sized(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return a block device that is deleted with its instance unless the request says otherwise."""
    disk = {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True, **(mapping.get("Ebs") or {})}
    return {**mapping, "Ebs": disk}


def _tags_of(data: dict[str, Any], kind: str) -> dict[str, str]:
    found = [x for x in data.get("TagSpecifications", []) if x["ResourceType"] == kind]
    return {tag["Key"]: tag["Value"] for one in found for tag in one["Tags"]}


def _complete(backend: Any, instance: Any, profile: dict[str, str]) -> None:
    instance.virtualization_type, instance.ena_support = "hvm", True
    instance.agent_due = settling.due("ssm:UpdateInstanceInformation")
    instance.root_device_name = next(iter(dict(instance.get_block_device_mapping)), ROOT)
    for interface in instance.nics.values():
        interface.delete_on_termination = True
    if profile:
        asked = {f"iam_instance_profile_{key.lower()}": value for key, value in profile.items()}
        backend.associate_iam_instance_profile(instance_id=instance.id, **asked)


def _terminate(self: Any) -> InstanceState:
    """Let go of the interfaces that end with the instance; moto would keep them, or refuse to delete them in use."""
    for interface in self.nics.values():
        if interface.delete_on_termination:
            interface.attachment_id = None
    before: InstanceState = _end(self)
    return before


@before("ec2", "RunInstances")
def judge_launch(call: Call) -> None:
    """The security groups exist, in the VPC of the subnet."""
    backend = call.backend("ec2")
    subnet_id = call.get("SubnetId")
    subnet = next((zones[subnet_id] for zones in backend.subnets.values() if subnet_id in zones), None)
    if subnet is None:
        return
    for identifier in call.get("SecurityGroupIds", []):
        if backend.get_security_group_from_id(identifier) is None:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{identifier}' does not exist")
        if identifier not in backend.groups.get(subnet.vpc_id, {}):
            message = f"Security group {identifier} and subnet {subnet_id} belong to different networks."
            raise Refusal("InvalidParameter", message)


@after("ec2", "RunInstances", "DescribeInstances")
def as_shown(call: Call, result: dict[str, Any]) -> None:
    """An interface without a public address has no association; a profile has the id of the profile."""
    profiles = {x.arn: x.id for x in call.backend("iam").instance_profiles.values()}
    for reservation in result.get("Reservations", [result]):
        for instance in reservation.get("Instances", []):
            profile = instance.get("IamInstanceProfile")
            if profile and profile.get("Arn") in profiles:
                profile["Id"] = profiles[profile["Arn"]]
            for interface in instance.get("NetworkInterfaces", []):
                if not interface.get("Association"):
                    interface.pop("Association", None)
                interface.get("Attachment", {})["DeleteOnTermination"] = True


def _change_metadata(self: Any, instance_id: str, **named: Any) -> Any:
    """Keep the options that a change does not name; moto forgets them."""
    options = self.get_instance(instance_id).metadata_options
    present = {argument: getattr(options, member) for argument, member in _METADATA.items()}
    asked = {argument: value for argument, value in named.items() if value is not None}
    return _modify_metadata(self, instance_id, **{**present, **asked})


def _change_groups(self: Any, instance_id: str, groups: list[str]) -> Instance:
    """The groups of an instance are those of its first interface."""
    instance: Any = _modify_groups(self, instance_id, groups)
    instance.nics[0]._group_set = list(instance.security_groups)
    changed: Instance = instance
    return changed


def _mappings(self: Any) -> list[dict[str, Any]]:
    """Return the block devices as the request has them; moto wants a size, which AWS takes from the image."""
    asked: list[dict[str, Any]] = self._get_param("BlockDeviceMappings", [])
    return asked


EC2Backend.run_instances = _launch
EC2Backend.modify_instance_metadata_options = _change_metadata
EC2Backend.modify_instance_security_groups = _change_groups
InstanceResponse._parse_block_device_mapping = _mappings
Instance.terminate = _terminate
