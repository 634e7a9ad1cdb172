"""CodeBuild and CodePipeline: builds in the sealed subnets alone, and a pipeline that keeps everything at home.

Properties NET-05, NET-11, SUP-01, KEY-02; not applicable where the params choose another way in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, keys
from airgap.checks.pipeline import RULES, callers
from airgap.checks.scope import SUBNET_READS, Item, Named, is_ours, label, tiers, vpc_ids
from airgap.model import delivery, names
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

PROJECT_READS = ("codebuild:ListProjects", "codebuild:BatchGetProjects")
PIPELINE_READS = ("codepipeline:ListPipelines", "codepipeline:GetPipeline")


def projects(intent: Intent, estate: Estate) -> Named:
    """Return the environment's build projects: the declared one, and what else bears its tag."""
    if not delivery.has_builds(intent):
        raise NotApplicable(f"nothing is built by CodeBuild: {delivery.variant(intent).title}")
    estate.pages("codebuild:ListProjects")
    found = [one for _, body in estate.pages("codebuild:BatchGetProjects") for one in body.get("projects", [])]
    return [(label(one, "name"), one) for one in found if is_ours(one, intent) or one["name"] == intent.name("deploy")]


@check(
    "builds-sealed",
    "Builds run in the sealed subnets, unprivileged, from the pipeline alone, and nothing may call them",
    severity="critical",
    properties=("NET-05", "NET-11"),
    reads=(*PROJECT_READS, *SUBNET_READS, RULES),
    remedy="apply the step pipeline; a build outside the VPC has the internet",
    over=projects,
)
def builds_sealed(project: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what of a project leads out of the VPC, lets others in, or makes it root of its machine."""
    place, tier = project.get("vpcConfig") or {}, tiers(intent, estate)
    if place.get("vpcId") not in vpc_ids(intent, estate):
        yield f"it runs in {place.get('vpcId') or 'no VPC'}"
    for one in place.get("subnets") or []:
        if tier.get(one) != "private":
            yield f"it has interfaces in {one}, a {tier.get(one, 'foreign')} subnet"
    yield from callers(set(place.get("securityGroupIds") or []), estate)
    if dig(project, "environment.privilegedMode"):
        yield "its builds are privileged"
    for one in (project.get("source") or {}, *(project.get("secondarySources") or [])):
        if one.get("type") != "CODEPIPELINE":
            yield f"it takes source from {one.get('location') or one.get('type')}"
    if project.get("webhook"):
        yield "a webhook starts builds"
    if project.get("projectVisibility") == "PUBLIC_READ":
        yield "everybody may read its builds"


@check(
    "builds-rendered",
    "What a build runs is what the params render, and it holds no value of its own",
    severity="critical",
    properties=("SUP-01", "KEY-02"),
    reads=PROJECT_READS,
    remedy="find out who changed the project; then apply the step pipeline",
    over=projects,
)
def builds_rendered(project: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the build specification is another, and each variable: what is in one is in the open."""
    text = dig(project, "source.buildspec") or "null"
    try:
        held = json.loads(text)
    except ValueError:
        held = text
    if held != delivery.buildspec(intent):
        yield "its build specification is not what the params render"
    for one in dig(project, "environment.environmentVariables") or []:
        yield f"it sets the variable {one.get('name')}"


def pipelines(intent: Intent, estate: Estate) -> Named:
    """Return the environment's pipeline, with what its definition says."""
    if not delivery.has_builds(intent):
        raise NotApplicable(f"there is no pipeline of CodePipeline: {delivery.variant(intent).title}")
    estate.pages("codepipeline:ListPipelines")
    found = [body["pipeline"] for _, body in estate.pages("codepipeline:GetPipeline")]
    return [("pipeline:deploy", one) for one in found if one["name"] == intent.name("deploy")]


@check(
    "pipeline-at-home",
    "The pipeline keeps releases in the environment's bucket under its key, and runs AWS's own actions here",
    severity="critical",
    properties=("NET-11", "SUP-01"),
    reads=(*PIPELINE_READS, *KEY_READS),
    remedy="apply the step pipeline",
    over=pipelines,
)
def at_home(pipeline: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each place outside, each action that is not AWS's own or elsewhere, and that nobody is asked."""
    bucket, key = names.bucket(intent, "artifacts"), dict(keys(intent, estate))["kms-key:data"].get("Arn")
    stores = [pipeline.get("artifactStore") or {}, *(pipeline.get("artifactStores") or {}).values()]
    for store in [one for one in stores if one]:
        if store.get("location") != bucket:
            yield f"it keeps releases in {store.get('location')}"
        if dig(store, "encryptionKey.id") != key:
            yield "it keeps releases under another key than the environment's"
    held = [one for stage in pipeline.get("stages", []) for one in stage.get("actions", [])]
    for one in held:
        said = one.get("actionTypeId") or {}
        if said.get("owner") != "AWS" or one.get("region") not in (None, intent.region):
            where = one.get("region") or "here"
            yield f"its action {one['name']} is {said.get('owner')}'s {said.get('provider')}, {where}"
        if said.get("category") == "Source" and dig(one, "configuration.S3Bucket") != bucket:
            yield f"its action {one['name']} takes releases from elsewhere"
    if not any(dig(one, "actionTypeId.category") == "Approval" for one in held):
        yield "it asks nobody before it deploys"


CHECKS = (builds_sealed, builds_rendered, at_home)
