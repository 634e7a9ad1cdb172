"""What EKS refuses of a managed node group.

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html and "Amazon EKS node IAM role".
"""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from airgap.rehearsal.eks.roles import role_of, trusts
from airgap.rehearsal.eks.state import NODEGROUP, bad_request, born, in_use, invalid, kept, key, parts
from airgap.rehearsal.store import Record
from airgap.rehearsal.wire import Call, Refusal

NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}")
NODEGROUPS_PER_CLUSTER = 30
NODES_PER_GROUP = 450
# Members of launch template data that a managed node group does not take.
PROHIBITED = ("IamInstanceProfile", "InstanceInitiatedShutdownBehavior", "HibernationOptions", "InstanceMarketOptions")
# Members of the request that belong into the template, where there is one, with the words of the refusal.
IN_TEMPLATE = {
    "diskSize": "Disk size must be specified within the launch template.",
    "remoteAccess": "Remote access configuration cannot be specified with a launch template.",
}


def judge_creation(call: Call) -> None:
    """Judge name, role, subnets, sizes, versions, instance types and launch template of a new node group."""
    record, name = born(call), call.get("nodegroupName")
    if record["status"] != "ACTIVE":
        raise bad_request(f"Cluster '{record['name']}' is not in ACTIVE status", clusterName=record["name"])
    if not NAME.fullmatch(name):
        raise invalid(f"The nodegroup name '{name}' is not valid")
    if kept(call).get(NODEGROUP, key(record["name"], name)) is not None:
        raise in_use(f"NodeGroup already exists with name {name} and cluster name {record['name']}")
    if len(parts(call, NODEGROUP)) >= NODEGROUPS_PER_CLUSTER:
        raise Refusal("ResourceLimitExceededException", "Nodegroup limit exceeded")
    judge_role(call, record)
    judge_subnets(call, record)
    judge_sizes(call.get("scalingConfig", {}))
    if call.get("version", record["version"]) != record["version"]:
        raise invalid(f"Nodegroup version {call.get('version')} must be the cluster's version {record['version']}")
    judge_machines(call, template(call, call.get("launchTemplate")))


def judge_role(call: Call, record: Record) -> None:
    """The node role exists, trusts EC2 and is not the cluster's."""
    arn = call.get("nodeRole")
    role = role_of(call, arn)
    if role is None:
        name = arn.rpartition("/")[2]
        raise invalid(
            f"The role with name {name} cannot be found. (Service: AmazonIdentityManagement; Status Code: 404)"
        )
    service = "ec2.amazonaws.com.cn" if call.partition == "aws-cn" else "ec2.amazonaws.com"
    if not trusts(role, service):
        message = f"Following required service principals [{service}] were not found in the trust relationships"
        raise invalid(f"{message} of nodeRole {arn}")
    if arn == record["roleArn"]:
        raise invalid("The role of the cluster cannot be the role of its nodes")


def judge_subnets(call: Call, record: Record) -> None:
    """The subnets exist in the cluster's VPC."""
    known = {x.id: x for zones in call.backend("ec2").subnets.values() for x in zones.values()}
    asked = call.get("subnets", [])
    absent = [x for x in asked if x not in known]
    if absent or not asked:
        raise invalid(f"The subnet ID '{(absent or [''])[0]}' does not exist (Service: AmazonEC2; Status Code: 400)")
    if {known[x].vpc_id for x in asked} != {record["resourcesVpcConfig"]["vpcId"]}:
        raise invalid("Subnets are not in the VPC of the cluster")


def judge_sizes(asked: Record) -> None:
    """The desired size lies between the smallest and the largest."""
    least, most = asked.get("minSize", 1), asked.get("maxSize", 2)
    wanted = asked.get("desiredSize", least)
    if most < 1 or most > NODES_PER_GROUP:
        raise invalid(f"maxSize must be between 1 and {NODES_PER_GROUP}")
    if least > wanted:
        raise invalid(f"Minimum capacity {least} can't be greater than desired size {wanted}")
    if wanted > most:
        raise invalid(f"desired capacity {wanted} can't be greater than max size {most}")


def template(call: Call, named: Record | None) -> Any:
    """Return moto's version of the launch template that a request names, None where it names none."""
    if not named:
        return None
    identifier, name = named.get("id"), named.get("name")
    if bool(identifier) == bool(name):
        raise invalid("Either the id or the name of the launch template must be specified")
    backend = call.backend("ec2")
    try:
        found = backend.get_launch_template(identifier) if identifier else backend.get_launch_template_by_name(name)
        return found.get_version(named.get("version", "$Default"))
    except (EC2ClientError, ValueError) as error:
        text = str(getattr(error, "message", "") or error)
        raise invalid(f"Launch template {identifier or name} or its version not found: {text}") from error


def judge_machines(call: Call, version: Any) -> None:
    """Instance types, image and disk stand in the launch template or in the request, not in both."""
    types = call.get("instanceTypes", [])
    absent = [x for x in types if x not in INSTANCE_TYPES]
    if absent:
        raise invalid(f"The following supplied instance types do not exist: [{', '.join(absent)}]")
    if version is None:
        return
    data = version.data
    for member, words in IN_TEMPLATE.items():
        if call.get(member) is not None:
            raise invalid(words)
    if types and data.get("InstanceType"):
        raise invalid("You cannot specify instance types both in the launch template and in the nodegroup.")
    wrong = [member for member in PROHIBITED if data.get(member)]
    if wrong:
        raise invalid(f"Launch template {version.template.id} should not specify {wrong[0]}.")
    if any(interface.get("SubnetId") for interface in data.get("NetworkInterfaces", [])):
        raise invalid("Launch template should not specify a subnet in network interfaces.")
    _judge_image(call, data)


def _judge_image(call: Call, data: Record) -> None:
    custom = call.get("amiType", "CUSTOM" if data.get("ImageId") else "") == "CUSTOM"
    if data.get("ImageId") and not custom:
        message = "You cannot specify an image id within the launch template, since your nodegroup is configured to use"
        raise invalid(f"{message} an EKS AMI.")
    if custom and not data.get("ImageId"):
        raise invalid("You must specify an image id within the launch template for a nodegroup of custom AMIs.")
    if custom and (call.get("version") or call.get("releaseVersion")):
        raise invalid("You cannot specify the field(s) releaseVersion, version when using custom AMIs.")
