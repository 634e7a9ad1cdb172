"""Auto Scaling groups: instances spread over the zones, of the group's types, with volumes that its role may encrypt.

moto starts all instances in the first subnet.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG, FakeAutoScalingGroup, InstanceState

from airgap.rehearsal.hook import before
from airgap.rehearsal.principals import listed, statements
from airgap.rehearsal.wire import Call, Refusal, backend_of

ROLE = "/aws-service-role/autoscaling.amazonaws.com/"


def _launch(self: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
    """Start instances one by one in the subnet that has the fewest; none whose volumes could not be encrypted."""
    subnets = (self.vpc_zone_identifier or "").split(",")
    if not _may_encrypt(self):
        return
    placed = Counter(dict.fromkeys(subnets, 0))
    placed.update(state.instance.subnet_id for state in self.instance_states)
    for _ in range(count_needed):
        subnet = min(subnets, key=lambda x: placed[x])
        placed[subnet] += 1
        _start(self, subnet, {**propagated_tags, **self.instance_tags, ASG_NAME_TAG: self.name})


def _start(self: Any, subnet: str, tags: dict[str, str]) -> None:
    template = {"LaunchTemplateId": self.ec2_launch_template.id, "Version": self.launch_template_version}
    made = self.autoscaling_backend.ec2_backend.run_instances(
        self.image_id,
        1,
        self.user_data,
        [],
        instance_type=_instance_type(self),
        tags={"instance": tags},
        launch_template=template,
        is_instance_type_default=False,
        region_name=self.region,
        subnet_id=subnet,
        associate_public_ip=None,
        launch_config=None,
    )
    for instance in made.instances:
        instance.autoscaling_group = self
        protected = self.new_instances_protected_from_scale_in
        self.instance_states.append(InstanceState(instance, protected_from_scale_in=protected))


def _instance_type(self: Any) -> str:
    overrides = (self.mixed_instances_policy or {}).get("LaunchTemplate", {}).get("Overrides", [])
    return str(overrides[0]["InstanceType"] if overrides else _version(self).instance_type)


def _version(self: Any) -> Any:
    return self.ec2_launch_template.get_version(self.launch_template_version)


def _may_encrypt(self: Any) -> bool:
    """Customer's keys of volumes admit Auto Scaling's service-linked role in their policy, which IAM cannot give it.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    keys = backend_of("kms", self.account_id, self.region).keys
    for mapping in _version(self).data.get("BlockDeviceMappings", []):
        named = mapping.get("Ebs", {}).get("KmsKeyId", "")
        key = keys.get(named.rpartition("/")[2])
        if named and (key is None or not _admits_role(key.policy)):
            return False
    return True


def _admits_role(document: str) -> bool:
    granted = {
        action.lower()
        for one in statements(document)
        if one.get("Effect") == "Allow" and isinstance(one.get("Principal"), dict)
        if any(ROLE in arn for arn in listed(one["Principal"].get("AWS")))
        for action in listed(one.get("Action"))
    }
    return bool(granted & {"*", "kms:*", "kms:creategrant"})


@before("autoscaling", "SetDesiredCapacity")
def within_sizes(call: Call) -> None:
    """The desired capacity lies between the group's sizes."""
    group = call.backend("autoscaling").autoscaling_groups.get(call.get("AutoScalingGroupName"))
    wanted = int(call.get("DesiredCapacity", 0))
    if group is None or group.min_size <= wanted <= group.max_size:
        return
    side, bound = ("below min", group.min_size) if wanted < group.min_size else ("above max", group.max_size)
    message = f"New SetDesiredCapacity value {wanted} is {side} value {bound} for the AutoScalingGroup."
    raise Refusal("ValidationError", message)


_by_moto = FakeAutoScalingGroup.replace_autoscaling_group_instances


def _replace(self: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
    launch = _launch if self.ec2_launch_template is not None and self.vpc_zone_identifier else _by_moto
    launch(self, count_needed, propagated_tags)


FakeAutoScalingGroup.replace_autoscaling_group_instances = _replace
