"""CodeBuild projects: complete, changed member by member, and refused where role, subnets or groups do not do.

moto cannot change a project, and looks at nothing that one names.
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from __future__ import annotations

import copy
import re
from typing import Any

from airgap.rehearsal.eks.roles import lacking, role_of, trusts
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, Store, now, store
from airgap.rehearsal.wire import Call, Refusal

PROJECT = "project"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,149}")
# What CodeBuild needs of the role before it takes a project in a VPC.
_NETWORK = (
    *("ec2:CreateNetworkInterface", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs"),
    *("ec2:DeleteNetworkInterface", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"),
    "ec2:CreateNetworkInterfacePermission",
)
_DEFAULTS: Record = {
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "cache": {"type": "NO_CACHE"},
    "projectVisibility": "PRIVATE",
    "secondarySources": [],
    "secondaryArtifacts": [],
    "secondarySourceVersions": [],
}


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "codebuild")


def _complete(call: Call, asked: Record) -> Record:
    """Return a project as AWS shows it, with what it fills in."""
    project = {**_DEFAULTS, **asked}
    project["source"] = {"insecureSsl": False, **project["source"]}
    project["artifacts"] = {"encryptionDisabled": False, "name": project["name"], **project["artifacts"]}
    project["environment"] = {
        "privilegedMode": False,
        "environmentVariables": [],
        "imagePullCredentialsType": "CODEBUILD",
        **project["environment"],
    }
    project["badge"] = {"badgeEnabled": bool(project.pop("badgeEnabled", False))}
    project.setdefault("encryptionKey", call.arn("alias/aws/s3", "kms"))
    return project


@answers("codebuild", "CreateProject")
def create(call: Call) -> dict[str, Any]:
    """Take a project, once its role and its place in the VPC hold."""
    name = str(call.get("name", ""))
    if not _NAME.fullmatch(name):
        raise Refusal("InvalidInputException", f"Project name {name} is not valid")
    if _kept(call).get(PROJECT, name) is not None:
        raise Refusal("ResourceAlreadyExistsException", f"Project already exists: {call.arn(f'project/{name}')}")
    _judge(call, call.params)
    made = {"arn": call.arn(f"project/{name}"), "created": now(), "lastModified": now()}
    return {"project": _kept(call).put(PROJECT, name, {**_complete(call, copy.deepcopy(call.params)), **made})}


@answers("codebuild", "UpdateProject")
def update(call: Call) -> dict[str, Any]:
    """Change the members that are named; an empty ``vpcConfig`` takes the project out of the VPC."""
    project = _one(call, call.get("name"))
    _judge(call, {**project, **call.params})
    asked = {"badgeEnabled": project["badge"]["badgeEnabled"], **project, **copy.deepcopy(call.params)}
    project.update({**_complete(call, asked), "lastModified": now()})
    return {"project": copy.deepcopy(project)}


@answers("codebuild", "UpdateProjectVisibility")
def show(call: Call) -> dict[str, Any]:
    """Let everybody, or nobody, see a project's builds."""
    arn = str(call.get("projectArn"))
    _one(call, arn.rpartition("/")[2])["projectVisibility"] = call.get("projectVisibility")
    return {"projectArn": arn, "projectVisibility": call.get("projectVisibility")}


@answers("codebuild", "DeleteProject")
def delete(call: Call) -> dict[str, Any]:
    """Remove a project; one that is not there is removed too."""
    _kept(call).remove(PROJECT, str(call.get("name")))
    return {}


@answers("codebuild", "ListProjects")
def listing(call: Call) -> dict[str, Any]:
    """The names of the projects."""
    return {"projects": sorted(one["name"] for one in _kept(call).all(PROJECT))}


@answers("codebuild", "BatchGetProjects")
def details(call: Call) -> dict[str, Any]:
    """The projects of these names, and the names that are none."""
    found = {one["name"]: one for one in _kept(call).all(PROJECT)}
    names = [str(name).rpartition("/")[2] for name in call.get("names", [])]
    return {
        "projects": [found[one] for one in names if one in found],
        "projectsNotFound": [one for one in names if one not in found],
    }


def _one(call: Call, name: Any) -> Record:
    found = _kept(call).get(PROJECT, str(name))
    if found is None:
        raise Refusal("ResourceNotFoundException", f"Project cannot be found: {call.arn(f'project/{name}')}")
    return found


def _judge(call: Call, project: Record) -> None:
    role = role_of(call, project.get("serviceRole"))
    if role is None or not trusts(role, "codebuild.amazonaws.com"):
        message = f"CodeBuild is not authorized to perform: sts:AssumeRole on service role {project.get('serviceRole')}"
        raise Refusal("InvalidInputException", message)
    place = project.get("vpcConfig") or {}
    if not place.get("vpcId"):
        return
    if lacks := lacking(call, role, _NETWORK):
        raise Refusal("InvalidInputException", f"Not authorized to perform {lacks[0].partition(':')[2]}")
    ec2 = call.backend("ec2")
    known = {key for zones in ec2.subnets.values() for key, one in zones.items() if one.vpc_id == place["vpcId"]}
    for one in place.get("subnets", []):
        if one not in known:
            raise Refusal("InvalidInputException", f"Invalid vpc config: subnet {one} is not in {place['vpcId']}")
    for one in place.get("securityGroupIds", []):
        if one not in ec2.groups.get(place["vpcId"], {}):
            raise Refusal("InvalidInputException", f"Invalid vpc config: group {one} is not in {place['vpcId']}")
