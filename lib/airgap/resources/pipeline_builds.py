"""CodePipeline and CodeBuild, where a release gets in by AWS's own services: builds in the private subnets alone.

The project has interfaces in the VPC, no privileged mode, no variables, no source but the pipeline's, and a log group
of ours; the pipeline keeps its artefacts in our bucket under our key, and waits for a person before it deploys. AWS:
CodeBuild User Guide, "Use CodeBuild with Amazon VPC"; CodePipeline User Guide, "Pipeline structure reference".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model import delivery
from airgap.model.canonical import encode, plain
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import names
from airgap.resources.kind import Call, Fields, Kind, declares
from airgap.resources.logs import LOG_GROUP, log_group
from airgap.resources.vpc import subnets, tier_of

MINUTES = 30
"""How long a deployment may take."""
# CodeBuild and CodePipeline ask STS for the role, and IAM knows a new one a little later.
_NEW_ROLE = ("is not authorized to perform", "Not authorized to perform")


def _pairs(f: Fields) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(f["tags"].items())]


def _project(f: Fields) -> dict[str, Any]:
    """Everything at once: what a change leaves out CodeBuild keeps."""
    return {
        "name": f["name"],
        "serviceRole": f["role"],
        "source": {"type": f["source"], "buildspec": encode(plain(f["buildspec"]))},
        "artifacts": {"type": f["artifacts"]},
        "secondarySources": f["secondary_sources"],
        "cache": {"type": "NO_CACHE"},
        "environment": {
            "type": f["platform"],
            "image": f["image"],
            "computeType": f["compute"],
            "privilegedMode": f["privileged"],
            "imagePullCredentialsType": f["credentials"],
            "environmentVariables": f["variables"],
        },
        "vpcConfig": {"vpcId": f["vpc"], "subnets": f["subnets"], "securityGroupIds": f["groups"]},
        "logsConfig": {
            "cloudWatchLogs": {"status": "ENABLED", "groupName": f["log_group"]},
            "s3Logs": {"status": f["log_bucket"]},
        },
        "encryptionKey": f["key_arn"],
        "badgeEnabled": f["badge"],
        "timeoutInMinutes": MINUTES,
        "tags": _pairs(f),
    }


_SET = (Call("codebuild:UpdateProject", _project, retry=_NEW_ROLE, actions=("iam:PassRole",)),)
_PROJECT_FIELDS = {
    "role": Field("serviceRole", risk="opens", why="builds act as it"),
    "source": Field("source.type", risk="opens", why="releases come from the pipeline and from nowhere else"),
    "secondary_sources": Field("secondarySources", absent=(), risk="opens", why="a second source is a second way in"),
    "buildspec": Field("source.buildspec", form="json", risk="opens", why="it is what is run inside"),
    "artifacts": Field("artifacts.type", risk="opens", why="a build leaves nothing behind"),
    "platform": Field("environment.type", why="what builds run on"),
    "image": Field("environment.image", risk="opens", why="what builds run in"),
    "compute": Field("environment.computeType"),
    "privileged": Field("environment.privilegedMode", absent=False, risk="opens", why="root of its machine"),
    "credentials": Field("environment.imagePullCredentialsType", why="as whom the image is pulled"),
    "variables": Field("environment.environmentVariables", absent=(), risk="opens", why="who reads it reads them"),
    "vpc": Field("vpcConfig.vpcId", risk="opens", why="without the VPC builds have the internet"),
    "subnets": Field("vpcConfig.subnets", form="set", risk="opens", why="the sealed ones"),
    "groups": Field("vpcConfig.securityGroupIds", form="set", risk="opens", why="the runner's group and no other"),
    "log_group": Field("logsConfig.cloudWatchLogs.groupName", risk="blinds", why="what builds did is written there"),
    "log_bucket": Field("logsConfig.s3Logs.status", absent="DISABLED", risk="opens", why="logs go to one place"),
    "key_arn": Field("encryptionKey", why="what builds leave is under the data key"),
    "badge": Field("badge.badgeEnabled", absent=False, risk="opens", why="a badge is public"),
}

BUILD_PROJECT = Kind(
    "build-project",
    "CodeBuild project",
    Reading(
        "codebuild:BatchGetProjects",
        "projects",
        "name",
        owner="name",
        natural=("name",),
        tags="tags",
        attrs={"arn": "arn"},
        fields={
            "name": Field("name", change=NEVER, why="a project is its name"),
            **_PROJECT_FIELDS,
            "webhook": Field("webhook", form="present", risk="opens", why="somebody outside could start builds"),
            "visibility": Field("projectVisibility", absent="PRIVATE", risk="opens", why="anybody could read its logs"),
        },
    ),
    create=(Call("codebuild:CreateProject", _project, result="project", retry=_NEW_ROLE, actions=("iam:PassRole",)),),
    updates={
        **dict.fromkeys(_PROJECT_FIELDS, _SET),
        "webhook": (Call("codebuild:DeleteWebhook", lambda f: {"projectName": f["name"]}),),
        "visibility": (
            Call(
                "codebuild:UpdateProjectVisibility",
                lambda f: {"projectArn": f["arn"], "projectVisibility": f["visibility"]},
            ),
        ),
    },
    delete=(Call("codebuild:DeleteProject", lambda f: {"name": f["name"]}),),
)


def _definition(f: Fields) -> dict[str, Any]:
    return {
        "name": f["name"],
        "roleArn": f["role"],
        "artifactStore": f["store"],
        "stages": f["stages"],
        "pipelineType": f["type"],
        "executionMode": f["mode"],
    }


_REDEFINE = (Call("codepipeline:UpdatePipeline", lambda f: {"pipeline": _definition(f)}, actions=("iam:PassRole",)),)

PIPELINE = Kind(
    "pipeline",
    "CodePipeline pipeline",
    Reading(
        "codepipeline:GetPipeline",
        "pipeline",
        "name",
        owner="name",
        natural=("name",),
        tags="codepipeline:ListTagsForResource|resourceArn=^.metadata.pipelineArn|tags",
        fields={
            "name": Field("name", change=NEVER, why="a pipeline is its name"),
            "type": Field("pipelineType", change=NEVER, why="a pipeline keeps its type"),
            "role": Field("roleArn", risk="opens", why="the pipeline acts as it"),
            "store": Field("artifactStore", risk="opens", why="releases lie there on their way"),
            "stages": Field("stages", risk="opens", why="what is deployed, from where, and who is asked before"),
            "mode": Field("executionMode", absent="SUPERSEDED"),
        },
    ),
    create=(
        Call(
            "codepipeline:CreatePipeline",
            lambda f: {"pipeline": _definition(f), "tags": _pairs(f)},
            result="pipeline",
            retry=_NEW_ROLE,
            actions=("iam:PassRole", "codepipeline:TagResource"),
        ),
    ),
    updates=dict.fromkeys(("role", "store", "stages", "mode"), _REDEFINE),
    delete=(Call("codepipeline:DeletePipeline", lambda f: {"name": f["name"]}),),
)


@declares(LOG_GROUP, BUILD_PROJECT, PIPELINE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the builds' log group, their project, and the pipeline that asks a person before it starts them."""
    if not delivery.has_builds(intent):
        return
    group = delivery.build_log_group(intent)
    yield log_group("builds", group, intent.logs.retention_days, why="what deployments did")
    sealed = [ref(f"subnet:{name}") for name in subnets(intent) if tier_of(name) == "private"]
    fields = {
        "name": intent.name("deploy"),
        "role": ref("role:runner", "arn"),
        "source": "CODEPIPELINE",
        "secondary_sources": [],
        "buildspec": delivery.buildspec(intent),
        "artifacts": "CODEPIPELINE",
        "platform": "LINUX_CONTAINER",
        "image": intent.pipeline.build_image,
        "compute": "BUILD_GENERAL1_SMALL",
        "privileged": False,
        "credentials": "CODEBUILD" if intent.pipeline.build_image.startswith("aws/") else "SERVICE_ROLE",
        "variables": [],
        "vpc": ref("vpc:main"),
        "subnets": sealed,
        "groups": [ref("security-group:runner")],
        "log_group": group,
        "log_bucket": "DISABLED",
        "key_arn": ref("kms-key:data", "arn"),
        "badge": False,
        "webhook": False,
        "visibility": "PRIVATE",
    }
    needs = ("log-group:builds", "role-policy:runner-rights")
    yield Desired("build-project", "deploy", fields, needs=needs, why="deployments run in it, in the sealed subnets")
    key = {"id": ref("kms-key:data", "arn"), "type": "KMS"}
    pipeline = {
        "name": intent.name("deploy"),
        "type": "V2",
        "role": ref("role:pipeline", "arn"),
        "store": {"type": "S3", "location": names.bucket(intent, "artifacts"), "encryptionKey": key},
        "stages": delivery.stages(intent, ref("build-project:deploy")),
        "mode": "SUPERSEDED",
    }
    needs = ("bucket:artifacts", "role-policy:pipeline-rights")
    yield Desired("pipeline", "deploy", pipeline, needs=needs, why="a release is deployed after somebody said so")
