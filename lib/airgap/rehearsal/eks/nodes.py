"""The nodes of a managed node group: an Auto Scaling group with a launch template of EKS's own, and what keeps the
instances from joining the cluster.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal.answers.node_images import image_of
from airgap.rehearsal.eks.roles import lacking, role_of
from airgap.rehearsal.eks.state import (
    ADDON,
    ASSOCIATION,
    ENTRY,
    NODEGROUP,
    SERVICE,
    cluster,
    kept,
    key,
    parts,
)
from airgap.rehearsal.hook import before
from airgap.rehearsal.reach import Place, connects, reaches
from airgap.rehearsal.store import Record, store
from airgap.rehearsal.wire import Call, backend_of

FLEET = "fleet"
# What nodeadm and the kubelet ask before a node is ready.
NEEDED = ("ec2", "ecr.api", "ecr.dkr", "s3")
JOIN_ACTIONS = ("ec2:DescribeInstances", "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
CNI_ACTIONS = ("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:AttachNetworkInterface")
AUTOSCALER = "k8s.io/cluster-autoscaler"


def own_tags(record: Record) -> dict[str, str]:
    """Return the tags by which EKS marks what it makes for a node group."""
    names = {"eks:cluster-name": record["clusterName"], "eks:nodegroup-name": record["nodegroupName"]}
    return {**names, f"kubernetes.io/cluster/{record['clusterName']}": "owned"}


def launch(call: Call, record: Record, version: Any) -> None:
    """Make instance profile, launch template and Auto Scaling group of a node group; its instances start with it."""
    unique = str(uuid.uuid4())
    ec2, name = call.backend("ec2"), f"eks-{unique}"
    fleet = {"key": record["_key"], "name": f"eks-{record['nodegroupName']}-{unique}", "unique": name}
    iam, role = call.backend("iam"), record["nodeRole"].rpartition("/")[2]
    iam.create_instance_profile(name, "/", [])
    iam.add_role_to_instance_profile(name, role)
    tagged = {"launch-template": own_tags(record)}
    made = ec2.create_launch_template(name, "", _data(call, record, version, name), tagged)
    store(call.account, call.region, SERVICE).put(FLEET, record["_key"], fleet | {"template": made.id})
    record["resources"] = {"autoScalingGroups": [{"name": fleet["name"]}]}
    _scale(call, record, fleet["name"], made.id)


def _data(call: Call, record: Record, version: Any, profile: str) -> Record:
    """Return the data of EKS's launch template: the user's, with image, profile, groups and tags."""
    data: Record = copy.deepcopy(version.data) if version is not None else {}
    others = [x for x in data.get("TagSpecifications", []) if x["ResourceType"] != "instance"]
    own = [x for x in data.get("TagSpecifications", []) if x["ResourceType"] == "instance"]
    marks = [{"Key": k, "Value": v} for k, v in own_tags(record).items()]
    marked = {"ResourceType": "instance", "Tags": [*(tag for x in own for tag in x["Tags"]), *marks]}
    data["TagSpecifications"] = [*others, marked]
    data["IamInstanceProfile"] = {"Name": profile}
    data.setdefault("ImageId", image_of(call.region, record["version"], record["amiType"]))
    if not data.get("SecurityGroupIds") and not data.get("NetworkInterfaces"):
        data["SecurityGroupIds"] = [cluster(call)["resourcesVpcConfig"]["clusterSecurityGroupId"]]
    if version is None:
        data["MetadataOptions"] = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
        disk = {"VolumeSize": record["diskSize"], "VolumeType": "gp3", "DeleteOnTermination": True}
        data["BlockDeviceMappings"] = [{"DeviceName": "/dev/xvda", "Ebs": disk}]
    return data


def _scale(call: Call, record: Record, name: str, template: str) -> None:
    sizes = record["scalingConfig"]
    source = {"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}
    overrides = [{"InstanceType": kind} for kind in record.get("instanceTypes", [])]
    discovery = {f"{AUTOSCALER}/enabled": "true", f"{AUTOSCALER}/{record['clusterName']}": "owned"}
    tags = {**own_tags(record), **discovery}
    call.backend("autoscaling").create_auto_scaling_group(
        name=name,
        availability_zones=[],
        desired_capacity=sizes["desiredSize"],
        max_size=sizes["maxSize"],
        min_size=sizes["minSize"],
        launch_config_name="",
        launch_template={} if overrides else source["LaunchTemplateSpecification"],
        vpc_zone_identifier=",".join(record["subnets"]),
        default_cooldown=300,
        health_check_period=15,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        tags=[{"Key": k, "Value": v, "PropagateAtLaunch": True} for k, v in tags.items()],
        capacity_rebalance=True,
        mixed_instances_policy={"LaunchTemplate": {**source, "Overrides": overrides}} if overrides else None,
    )


def group_of(account: str, region: str, record: Record) -> Any:
    """Return moto's Auto Scaling group of a node group, None where somebody deleted it."""
    names = [x["name"] for x in record.get("resources", {}).get("autoScalingGroups", [])]
    return backend_of("autoscaling", account, region).autoscaling_groups.get(names[0]) if names else None


def instances(account: str, region: str, record: Record) -> list[Any]:
    """Return moto's running instances of a node group, oldest first."""
    group = group_of(account, region, record)
    found = [state.instance for state in group.instance_states] if group else []
    return sorted((x for x in found if x.state == "running"), key=lambda x: (x.launch_time, x.id))


def replace(call: Call, record: Record, version: Any) -> None:
    """Put every instance of a node group on another version of the launch template, as a rolling update ends up."""
    group = group_of(call.account, call.region, record)
    fleet = store(call.account, call.region, SERVICE).get(FLEET, record["_key"])
    if group is None or fleet is None:
        return
    ec2 = call.backend("ec2")
    template = ec2.get_launch_template(fleet["template"])
    made = template.create_version(_data(call, record, version, fleet["unique"]), "")
    template.default_version_number, group.launch_template_version = made.number, str(made.number)
    wanted = group.desired_capacity
    group.set_desired_capacity(0)
    group.set_desired_capacity(wanted)


def joined(call: Call) -> list[Any]:
    """Return the instances that have joined the request's cluster."""
    ready = [x for x in parts(call, NODEGROUP) if x["status"] in ("ACTIVE", "UPDATING", "DELETING")]
    return [one for record in ready for one in instances(call.account, call.region, record)]


def obstacles(call: Call, record: Record) -> Iterator[tuple[str, str, list[str]]]:
    """Yield code, message and resources of what keeps the instances of a node group from joining its cluster."""
    found = instances(call.account, call.region, record)
    if len(found) < record["scalingConfig"]["desiredSize"]:
        message = "Instances failed to launch: the Auto Scaling group's role may not use the key of their volumes"
        yield "AsgInstanceLaunchFailures", message, [x["name"] for x in record["resources"]["autoScalingGroups"]]
    reasons = [*_missing_software(call, record), *_missing_rights(call, record), *_missing_paths(call, record, found)]
    if reasons and found:
        message = f"Instances failed to join the kubernetes cluster ({'; '.join(reasons)})"
        yield "NodeCreationFailure", message, [x.id for x in found]


def _missing_software(call: Call, record: Record) -> Iterator[str]:
    if cluster(call)["_self_managed"]:
        return
    present = {x["addonName"] for x in parts(call, ADDON)}
    yield from (f"no {name}" for name in ("vpc-cni", "kube-proxy") if name not in present)
    by_agent = any(x["serviceAccount"] == "aws-node" for x in parts(call, ASSOCIATION))
    if by_agent and "eks-pod-identity-agent" not in present:
        yield "no eks-pod-identity-agent, through which aws-node gets its role"


def _missing_rights(call: Call, record: Record) -> Iterator[str]:
    role = role_of(call, record["nodeRole"])
    yield from (f"the node role lacks {action}" for action in lacking(call, role, JOIN_ACTIONS))
    entry = kept(call).get(ENTRY, key(record["clusterName"], record["nodeRole"]))
    if entry is None and cluster(call)["accessConfig"]["authenticationMode"] == "API":
        yield "the node role has no access entry"
    cni = kept(call).get(ADDON, key(record["clusterName"], "vpc-cni")) or {}
    named = any(x["serviceAccount"] == "aws-node" for x in parts(call, ASSOCIATION)) or "serviceAccountRoleArn" in cni
    if not named:
        yield from (f"aws-node lacks {action}" for action in lacking(call, role, CNI_ACTIONS))


def _missing_paths(call: Call, record: Record, found: list[Any]) -> Iterator[str]:
    backend, network = call.backend("ec2"), cluster(call)["resourcesVpcConfig"]
    vpc = backend.vpcs[network["vpcId"]]
    if not (str(vpc.enable_dns_support).lower() == str(vpc.enable_dns_hostnames).lower() == "true"):
        yield "DNS support and DNS hostnames of the VPC are not both on"
    control = next(
        (x for x in backend.enis.values() if x.description == f"Amazon EKS {record['clusterName']}"),
        None,
    )
    for place in {x.subnet_id: Place.of(x.nics[0]) for x in found}.values():
        yield from (f"no way to {name} from {place.subnet.id}" for name in NEEDED if not reaches(backend, place, name))
        private = network["endpointPrivateAccess"] and control is not None
        if private and not connects(backend, place, Place.of(control)):
            yield f"no way to the cluster's API from {place.subnet.id}"


@before("ec2", "*")
@before("autoscaling", "*")
@before("iam", "*")
def give_back(call: Call) -> None:
    """A node group that is gone leaves neither instances nor Auto Scaling group, launch template or profile."""
    kept_here = store(call.account, call.region, SERVICE)
    alive = {record["_key"] for record in kept_here.all(NODEGROUP)}
    for fleet in kept_here.all(FLEET):
        if fleet["key"] not in alive:
            _dissolve(call.account, call.region, fleet)
            kept_here.remove(FLEET, fleet["key"])


def _dissolve(account: str, region: str, fleet: Record) -> None:
    scaling, ec2 = backend_of("autoscaling", account, region), backend_of("ec2", account, region)
    if fleet["name"] in scaling.autoscaling_groups:
        scaling.delete_auto_scaling_group(fleet["name"])
    if fleet["template"] in ec2.launch_templates:
        ec2.delete_launch_template("", fleet["template"])
    iam = backend_of("iam", account, region)
    profile = next((x for x in iam.instance_profiles.values() if x.name == fleet["unique"]), None)
    if profile is not None:
        profile.roles.clear()
        iam.delete_instance_profile(profile.name)
