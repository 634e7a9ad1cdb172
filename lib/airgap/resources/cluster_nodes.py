"""Managed node groups and their launch templates: IMDSv2, one hop, encrypted volumes, no SSH key, private subnets.

A node group is judged by the version of the template that it runs, so that what its nodes were started with is what
drifts. AWS: EKS User Guide, "Customize managed nodes with launch templates", "Update a managed node group".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.cluster import addons, equal_sizes
from airgap.model.estate import Estate
from airgap.model.intent import Intent, NodeGroup
from airgap.model.plan import Desired, ref
from airgap.model.reading import FORWARD, NEVER, ONCE, Field, Reading
from airgap.resources.cluster_control_plane import BUSY, GONE, NEW_ROLE
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list, tag_specifications
from airgap.resources.vpc import subnets, tier_of

_TEMPLATE = "ec2:DescribeLaunchTemplateVersions"
_IN_USE = {"LaunchTemplateId": "launchTemplate.id", "Versions": "[launchTemplate.version]"}
_TAGGED = ("instance", "volume", "network-interface")
_DEVICE = "/dev/xvda"


def _of_template(member: str, why: str, form: str = "one", absent: Any = None) -> Field:
    """Return a field that stands in the version of the launch template that the node group runs."""
    path = f"LaunchTemplateVersions[].LaunchTemplateData.{member}"
    return Field(
        path,
        call=_TEMPLATE,
        by=_IN_USE,
        form=form,
        risk="rolls",
        why=f"{why}; nodes are replaced one by one",
        absent=absent,
    )


def _data(f: Fields) -> dict[str, Any]:
    """Return the content of a launch template; what it starts carries the key of its node group."""
    group = f["key"].partition(":")[2]
    tags = tag_list({"tags": {**f["tags"], "airgap:key": f"node-group:{group}"}})
    disk = {
        "VolumeSize": f["volume_gib"],
        "VolumeType": "gp3",
        "Encrypted": f["volume_encrypted"],
        "KmsKeyId": f["volume_key"],
        "DeleteOnTermination": True,
    }
    return {
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": f["metadata_tokens"],
            "HttpPutResponseHopLimit": f["metadata_hops"],
        },
        "BlockDeviceMappings": [{"DeviceName": _DEVICE, "Ebs": disk}],
        "SecurityGroupIds": f["groups"],
        "TagSpecifications": [{"ResourceType": one, "Tags": tags} for one in _TAGGED],
    }


LAUNCH_TEMPLATE = Kind(
    "launch-template",
    "Launch template",
    Reading(
        "ec2:DescribeLaunchTemplates",
        "LaunchTemplates",
        "LaunchTemplateId",
        fields={"name": Field("LaunchTemplateName", change=NEVER, why="a launch template keeps its name")},
    ),
    create=(
        Call(
            "ec2:CreateLaunchTemplate",
            lambda f: {
                "LaunchTemplateName": f["name"],
                "LaunchTemplateData": _data(f),
                "TagSpecifications": tag_specifications("launch-template")(f),
            },
            result="LaunchTemplate",
        ),
    ),
    delete=(
        Call(
            "ec2:DeleteLaunchTemplate",
            lambda f: {"LaunchTemplateId": f["id"]},
            ignore=("InvalidLaunchTemplateId.NotFound",),
        ),
    ),
)


def _scaling(f: Fields) -> dict[str, Any]:
    """Return the sizes; the desired one is the autoscaler's once the group exists."""
    return {"minSize": f["min_size"], "maxSize": f["max_size"]}


def _named(f: Fields) -> dict[str, Any]:
    return {"clusterName": f["cluster"], "nodegroupName": f["name"]}


def _template(f: Fields) -> dict[str, Any]:
    return {"id": f["template"], "version": "$Latest"}


_ROLLED = (
    Call(
        "ec2:CreateLaunchTemplateVersion",
        lambda f: {"LaunchTemplateId": f["template"], "LaunchTemplateData": _data(f)},
    ),
    Call(
        "eks:UpdateNodegroupVersion",
        lambda f: {**_named(f), "version": f["version"], "launchTemplate": _template(f)},
        retry=BUSY,
        actions=("ec2:RunInstances",),
    ),
)
_SCALED = (Call("eks:UpdateNodegroupConfig", lambda f: {**_named(f), "scalingConfig": _scaling(f)}, retry=BUSY),)
_ROLLING = {
    "groups": _of_template("SecurityGroupIds[]", "EKS's group and the nodes' own", form="set"),
    "metadata_tokens": _of_template("MetadataOptions.HttpTokens", "IMDSv2 alone"),
    "metadata_hops": _of_template("MetadataOptions.HttpPutResponseHopLimit", "pods do not reach the node's role"),
    "volume_gib": _of_template("BlockDeviceMappings[].Ebs.VolumeSize", "the root volume"),
    "volume_encrypted": _of_template("BlockDeviceMappings[].Ebs.Encrypted", "the root volume"),
    "volume_key": _of_template("BlockDeviceMappings[].Ebs.KmsKeyId", "the root volume"),
    "ssh_key": _of_template("KeyName", "nobody signs in to nodes", absent=""),
}
_REPLACED = "a node group is replaced, not changed: its pods move"

NODE_GROUP = Kind(
    "node-group",
    "Managed node group",
    Reading(
        "eks:DescribeNodegroup",
        "nodegroup",
        "clusterName+nodegroupName",
        owner="parent",
        natural=("cluster", "name"),
        fields={
            "cluster": Field("clusterName", change=NEVER, why=_REPLACED),
            "name": Field("nodegroupName", change=NEVER, why=_REPLACED),
            "role": Field("nodeRole", change=NEVER, why=_REPLACED),
            "subnets": Field("subnets", form="set", change=NEVER, why=_REPLACED),
            "instance_types": Field("instanceTypes", change=NEVER, why=_REPLACED),
            "ami_type": Field("amiType", change=NEVER, why=_REPLACED),
            "template": Field("launchTemplate.id", change=NEVER, why=_REPLACED),
            "version": Field("version", change=FORWARD, risk="rolls", why="nodes follow the cluster, one by one"),
            "min_size": Field("scalingConfig.minSize", why="the autoscaler keeps to it"),
            "max_size": Field("scalingConfig.maxSize", why="the autoscaler keeps to it"),
            "desired_size": Field("scalingConfig.desiredSize", change=ONCE, why="the autoscaler moves it"),
            **_ROLLING,
        },
        state="status",
        settled=("ACTIVE",),
        failed=("CREATE_FAILED", "DELETE_FAILED", "DEGRADED"),
    ),
    create=(
        Call(
            "eks:CreateNodegroup",
            lambda f: {
                **_named(f),
                "scalingConfig": {**_scaling(f), "desiredSize": f["desired_size"]},
                "subnets": f["subnets"],
                "instanceTypes": f["instance_types"],
                "amiType": f["ami_type"],
                "capacityType": "ON_DEMAND",
                "nodeRole": f["role"],
                "launchTemplate": _template(f),
                "version": f["version"],
                "tags": f["tags"],
            },
            result="nodegroup",
            retry=NEW_ROLE,
            actions=("eks:TagResource", "iam:PassRole", "ec2:RunInstances", "ec2:CreateTags"),
        ),
    ),
    updates={
        **dict.fromkeys((*_ROLLING, "version"), _ROLLED),
        "min_size": _SCALED,
        "max_size": _SCALED,
    },
    delete=(Call("eks:DeleteNodegroup", _named, ignore=GONE, retry=BUSY),),
    poll=Call("eks:DescribeNodegroup", _named, result="nodegroup", ignore=GONE),
    seconds=180,
    limit=2400,
    gone=True,
    serial=True,
)


def settings(group: NodeGroup) -> dict[str, Any]:
    """Return what a launch template says of the nodes of a group."""
    return {
        "groups": [ref("cluster-security-group:main"), ref("security-group:nodes")],
        "metadata_tokens": "required",
        "metadata_hops": 1,
        "volume_gib": group.volume_gib,
        "volume_encrypted": True,
        "volume_key": ref("kms-key:data", "arn"),
        "ssh_key": "",
    }


@declares(LAUNCH_TEMPLATE, NODE_GROUP)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the node groups with their launch templates; nodes come once what makes them Ready is there."""
    private = [ref(f"subnet:{name}") for name in subnets(intent) if tier_of(name) == "private"]
    first = tuple(f"eks-addon:{one.name}" for one in addons(intent) if one.before_nodes)
    for group in intent.cluster.node_groups:
        template = {"name": intent.name(f"nodes-{group.name}"), **settings(group)}
        yield Desired("launch-template", group.name, template, why=f"how nodes of {group.name} start")
        fields = {
            "cluster": ref("eks-cluster:main"),
            "name": group.name,
            "role": ref("role:node", "arn"),
            "subnets": private,
            "instance_types": list(group.instance_types),
            "ami_type": group.ami_type,
            "template": ref(f"launch-template:{group.name}"),
            "version": intent.cluster.version,
            "min_size": group.min_size,
            "max_size": group.max_size,
            "desired_size": group.desired_size,
            **settings(group),
        }
        needs = (*first, "access-entry:nodes")
        unequal = "" if equal_sizes(group.instance_types) else "; the autoscaler assumes that its types are of one size"
        why = f"nodes, in the private subnets alone{unequal}"
        yield Desired("node-group", group.name, fields, needs=needs, why=why)
