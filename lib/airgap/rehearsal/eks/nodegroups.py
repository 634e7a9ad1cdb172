"""Managed node groups: creation, description, changes and deletion.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
"""

from __future__ import annotations

import uuid
from typing import Any

from airgap.rehearsal.answers.node_images import release
from airgap.rehearsal.eks import versions
from airgap.rehearsal.eks.access import admit_nodes, forget
from airgap.rehearsal.eks.nodegroup_rules import judge_creation, judge_machines, judge_sizes, template
from airgap.rehearsal.eks.nodes import group_of, launch, obstacles, replace
from airgap.rehearsal.eks.roles import linked_role
from airgap.rehearsal.eks.state import (
    NODEGROUP,
    bad_request,
    cluster,
    invalid,
    kept,
    key,
    part,
    parts,
    shown,
    tags,
    touched,
)
from airgap.rehearsal.eks.updates import begin, refuse_while_busy
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call

DEFAULT_TYPES, DISK_SIZE = ["t3.medium"], 20
AMI_TYPE = "AL2023_x86_64_STANDARD"


@answers("eks", "CreateNodegroup")
def create(call: Call) -> dict[str, Any]:
    """Create a node group: its instances start at once, and in the end it is ACTIVE or CREATE_FAILED."""
    judge_creation(call)
    for service in ("eks-nodegroup", "autoscaling"):
        linked_role(call, service)
    version = template(call, call.get("launchTemplate"))
    record = _record(call, version)
    kept(call).put(NODEGROUP, record["_key"], record)
    admit_nodes(call, record["clusterName"], record["nodeRole"])
    launch(call, record, version)
    kept(call).later(NODEGROUP, record["_key"], "eks:CreateNodegroup", _outcome(call, record))
    return {"nodegroup": shown(record)}


def _record(call: Call, version: Any) -> Record:
    of, name = cluster(call), call.get("nodegroupName")
    custom = version is not None and version.data.get("ImageId")
    record = {
        "nodegroupName": name,
        "nodegroupArn": call.arn(f"nodegroup/{of['name']}/{name}/{uuid.uuid4()}"),
        "clusterName": of["name"],
        "version": of["version"],
        "releaseVersion": version.data["ImageId"] if custom else call.get("releaseVersion", release(of["version"])),
        "createdAt": now(),
        "modifiedAt": now(),
        "status": "CREATING",
        "capacityType": call.get("capacityType", "ON_DEMAND"),
        "scalingConfig": _sizes(call.get("scalingConfig", {})),
        "subnets": call.get("subnets"),
        "amiType": "CUSTOM" if custom else call.get("amiType", AMI_TYPE),
        "nodeRole": call.get("nodeRole"),
        "labels": call.get("labels", {}),
        "taints": call.get("taints", []),
        "health": {"issues": []},
        "updateConfig": call.get("updateConfig", {"maxUnavailable": 1}),
        "nodeRepairConfig": call.get("nodeRepairConfig", {"enabled": False}),
        "tags": tags(call),
        "_key": key(of["name"], name),
    }
    return record | _machines(call, version)


def _sizes(asked: Record) -> Record:
    least = asked.get("minSize", 1)
    return {"minSize": least, "maxSize": asked.get("maxSize", 2), "desiredSize": asked.get("desiredSize", least)}


def _machines(call: Call, version: Any) -> Record:
    """Return what says which machines: launch template and types, or types and disk."""
    asked = call.get("instanceTypes")
    if version is None:
        return {"instanceTypes": asked or DEFAULT_TYPES, "diskSize": call.get("diskSize", DISK_SIZE)}
    of = version.template
    named = {"launchTemplate": {"id": of.id, "name": of.name, "version": str(version.number)}}
    types = asked or ([] if version.data.get("InstanceType") else DEFAULT_TYPES)
    return {**named, **({"instanceTypes": types} if types else {})}


def _outcome(call: Call, record: Record) -> Record:
    issues = [{"code": code, "message": text, "resourceIds": ids} for code, text, ids in obstacles(call, record)]
    return {"status": "CREATE_FAILED", "health": {"issues": issues}} if issues else {"status": "ACTIVE"}


def _found(call: Call) -> Record:
    name = call.get("nodegroupName")
    return part(call, NODEGROUP, name, f"No node group found for name: {name}.")


def _shown(call: Call, record: Record) -> Record:
    """Return a node group whose desired size is its Auto Scaling group's, which the autoscaler moves."""
    answer, group = shown(record), group_of(call.account, call.region, record)
    if group is not None:
        answer["scalingConfig"]["desiredSize"] = group.desired_capacity
    elif record["status"] == "ACTIVE":
        name = record["resources"]["autoScalingGroups"][0]["name"]
        message = f"AutoScalingGroup {name} was not found"
        issue = {"code": "AutoScalingGroupNotFound", "message": message, "resourceIds": [name]}
        answer |= {"status": "DEGRADED", "health": {"issues": [issue]}}
    return answer


@answers("eks", "DescribeNodegroup")
def describe(call: Call) -> dict[str, Any]:
    """Return one node group."""
    return {"nodegroup": _shown(call, _found(call))}


@answers("eks", "ListNodegroups")
def list_nodegroups(call: Call) -> dict[str, Any]:
    """Return the names of the node groups of a cluster."""
    return {"nodegroups": [record["nodegroupName"] for record in parts(call, NODEGROUP)]}


@answers("eks", "UpdateNodegroupConfig")
def update_config(call: Call) -> dict[str, Any]:
    """Change sizes, labels, taints, or how the group is updated and repaired."""
    record = _found(call)
    refuse_while_busy(call, NODEGROUP, record["_key"])
    change: Record = {"modifiedAt": now()}
    group = group_of(call.account, call.region, record)
    if call.get("scalingConfig"):
        present = {**record["scalingConfig"], **({"desiredSize": group.desired_capacity} if group else {})}
        change["scalingConfig"] = {**present, **call.get("scalingConfig")}
        judge_sizes(change["scalingConfig"])
    if call.get("labels"):
        kept_labels = {k: v for k, v in record["labels"].items() if k not in call.get("labels").get("removeLabels", [])}
        change["labels"] = {**kept_labels, **call.get("labels").get("addOrUpdateLabels", {})}
    if call.get("taints"):
        change["taints"] = _taints(record["taints"], call.get("taints"))
    change |= {name: call.get(name) for name in ("updateConfig", "nodeRepairConfig") if call.get(name)}
    if len(change) == 1:
        raise invalid("No changes are requested for the nodegroup")
    if "scalingConfig" in change and group is not None:
        sizes = change["scalingConfig"]
        group.min_size, group.max_size = sizes["minSize"], sizes["maxSize"]
        group.set_desired_capacity(sizes["desiredSize"])
    params = {name[0].upper() + name[1:]: value for name, value in change.get("scalingConfig", {}).items()}
    return begin(call, NODEGROUP, record, change, "ConfigUpdate", **params)


def _taints(present: list[Record], asked: Record) -> list[Record]:
    gone = [(x["key"], x["effect"]) for x in (*asked.get("removeTaints", []), *asked.get("addOrUpdateTaints", []))]
    return [*(x for x in present if (x["key"], x["effect"]) not in gone), *asked.get("addOrUpdateTaints", [])]


@answers("eks", "UpdateNodegroupVersion")
def update_version(call: Call) -> dict[str, Any]:
    """Go to the cluster's version, a newer image, or another version of the same launch template, node by node."""
    record, of = _found(call), cluster(call)
    refuse_while_busy(call, NODEGROUP, record["_key"])
    wanted = call.get("version", record["version"])
    if versions.minor(wanted) > versions.minor(of["version"]) or versions.minor(wanted) < versions.minor(
        record["version"]
    ):
        raise invalid(f"Requested Nodegroup version {wanted} is invalid. Allowed version is {of['version']}")
    change: Record = {"version": wanted, "modifiedAt": now()}
    if record["amiType"] != "CUSTOM":
        change["releaseVersion"] = call.get("releaseVersion", release(wanted))
    params = {"Version": wanted, "ReleaseVersion": change.get("releaseVersion", record["releaseVersion"])}
    version = _next_template(call, record)
    if version is not None:
        change["launchTemplate"] = {**record["launchTemplate"], "version": str(version.number)}
        params |= {"LaunchTemplateName": version.template.name, "LaunchTemplateVersion": str(version.number)}
    if all(record.get(name) == value for name, value in change.items() if name != "modifiedAt"):
        raise bad_request("No changes are requested for the nodegroup")
    replace(call, {**record, **change}, version or template(call, _named(record)))
    return begin(call, NODEGROUP, record, change, "VersionUpdate", **params)


def _named(record: Record) -> Record | None:
    of = record.get("launchTemplate")
    return {"id": of["id"], "version": of["version"]} if of else None


def _next_template(call: Call, record: Record) -> Any:
    asked = call.get("launchTemplate")
    if not asked:
        return None
    version = template(call, asked)
    if version.template.id != record.get("launchTemplate", {}).get("id"):
        raise invalid("The launch template of a nodegroup cannot be changed, only its version")
    judge_machines(call, version)
    return version


@answers("eks", "DeleteNodegroup")
def delete(call: Call) -> dict[str, Any]:
    """Delete a node group with its instances; the access entry of its role goes with the last group that uses it."""
    record = _found(call)
    refuse_while_busy(call, NODEGROUP, record["_key"])
    record["status"] = "DELETING"
    others = [x for x in parts(call, NODEGROUP) if x["_key"] != record["_key"] and x["nodeRole"] == record["nodeRole"]]
    if not others:
        forget(call, record["clusterName"], record["nodeRole"])
    kept(call).later(NODEGROUP, record["_key"], "eks:DeleteNodegroup", None)
    return {"nodegroup": _shown(call, touched(record))}
