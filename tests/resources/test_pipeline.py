"""Step pipeline on the embedded AWS: the runner host and its documents, or builds; brought, judged, destroyed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded import AWS, DEMO

from airgap.checks import pipeline, pipeline_builds, role_tasks
from airgap.checks.check import Check
from airgap.model import delivery
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS
from airgap.resources.endpoints import ENDPOINTS
from airgap.resources.identity import IDENTITY
from airgap.resources.network import NETWORK
from airgap.resources.pipeline import PIPELINE

ALL = (*IDENTITY, *NETWORK, *ENDPOINTS, *PIPELINE)
CHECKS: tuple[Check, ...] = (*pipeline.CHECKS, *pipeline_builds.CHECKS, role_tasks.runner, role_tasks.deploy)
OURS = [{"Key": "Owner", "Values": ["Self"]}]

pytestmark = pytest.mark.timeout(300)


def choose(aws: AWS, variant: str, **more: Any) -> None:
    aws.change(pipeline=dataclasses.replace(DEMO.pipeline, variant=variant, **more))


def judged(aws: AWS) -> dict[str, str]:
    """The worst that each check of the step says of the account."""
    estate = aws.estate(*dict.fromkeys(call for one in CHECKS for call in one.reads))
    said = {one.id: {finding.status for finding in one.findings(aws.intent, estate)} for one in CHECKS}
    return {check: FAIL if FAIL in found else next(iter(found)) for check, found in said.items()}


def failing(aws: AWS) -> set[str]:
    return {check for check, status in judged(aws).items() if status == FAIL}


@pytest.fixture
def built(aws: AWS) -> AWS:
    """An account in which deployments are builds."""
    choose(aws, "codepipeline")
    aws.settled(*ALL)
    return aws


def keys(aws: AWS) -> list[str]:
    return sorted(one.key for one in aws.desired(*PIPELINE) if one.kind != "security-group-rule")


@pytest.mark.parametrize(
    ("variant", "wanted"),
    [
        ("ssm-runner", ["document:deploy", "document:rollback", "instance:runner"]),
        ("ghes", ["instance:runner"]),
        ("codepipeline", ["build-project:deploy", "log-group:builds", "pipeline:deploy"]),
    ],
)
def test_each_variant_wants_what_runs_inside_for_it(aws: AWS, variant: str, wanted: list[str]) -> None:
    choose(aws, variant)
    assert keys(aws) == wanted
    aws.change(components=tuple(one for one in DEMO.components if one != "ci-runner"))
    assert aws.desired(*PIPELINE) == []


def test_the_runner_and_its_documents_come_stay_and_go(aws: AWS) -> None:
    ssm, ec2 = aws.client("ssm"), aws.client("ec2")
    for _ in range(2):
        aws.settled(*ALL)
        said = judged(aws)
        assert {check for check, status in said.items() if status == NOT_APPLICABLE} == {
            one.id for one in pipeline_builds.CHECKS
        }
        assert set(said.values()) == {PASS, NOT_APPLICABLE}
        aws.destroy(*PIPELINE)
        assert ssm.list_documents(Filters=OURS)["DocumentIdentifiers"] == []
        states = [x["State"]["Name"] for r in ec2.describe_instances()["Reservations"] for x in r["Instances"]]
        assert set(states) == {"terminated"}


def test_the_runner_was_made_closed_and_told_nothing(aws: AWS) -> None:
    aws.apply(*ALL)
    made = next(data["params"] for event, data in aws.memory.lines if data.get("call") == "ec2:RunInstances")
    assert "UserData" not in made
    assert "KeyName" not in made
    assert made["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
    }
    assert made["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False
    assert made["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_whoever_changes_a_document_is_seen_and_the_document_put_right(aws: AWS) -> None:
    aws.settled(*ALL)
    ssm, name = aws.client("ssm"), "fintech-deploy"
    content = {**delivery.document(DEMO, "deploy"), "description": "anything"}
    ssm.update_document(Name=name, Content=json.dumps(content), DocumentVersion="$LATEST")
    # A version that is not the default runs nothing.
    assert aws.plan(*ALL).changes == {}
    assert failing(aws) == set()
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToAdd=["999999999999"])
    assert set(aws.plan(*ALL).changes["document:deploy"]) == {"content", "shared_with"}
    assert failing(aws) == {"documents-rendered", "documents-own"}
    aws.settled(*ALL)
    assert failing(aws) == set()
    found = ssm.describe_document(Name=name)["Document"]
    assert (found["DefaultVersion"], found["LatestVersion"]) == ("1", "2"), "the version that holds it runs again"


def test_a_release_of_other_params_is_a_new_version_that_runs_from_then_on(aws: AWS) -> None:
    aws.settled(*ALL)
    choose(aws, "ssm-runner", tools={"helm": "a" * 64})
    changed = {key for key in aws.plan(*ALL).changes if key.startswith("document:")}
    assert changed == {"document:deploy", "document:rollback"}
    aws.settled(*ALL)
    held = aws.client("ssm").list_document_versions(Name="fintech-rollback")["DocumentVersions"]
    assert [(one["DocumentVersion"], one["IsDefaultVersion"]) for one in held] == [("2", True), ("1", False)]
    assert all(one["VersionName"].startswith("sha256-") for one in held)


def test_a_document_that_was_shared_goes_too(aws: AWS) -> None:
    aws.settled(*ALL)
    ssm = aws.client("ssm")
    ssm.modify_document_permission(Name="fintech-deploy", PermissionType="Share", AccountIdsToAdd=["999999999999"])
    aws.destroy(*PIPELINE)
    assert ssm.list_documents(Filters=OURS)["DocumentIdentifiers"] == []


def test_a_document_of_ours_that_nobody_declares_is_planned_to_go(aws: AWS) -> None:
    aws.settled(*ALL)
    choose(aws, "ghes")
    gone = {key for key, fields in aws.plan(*ALL).changes.items() if {op for op, _, _ in fields.values()} == {"delete"}}
    assert {"document:deploy", "document:rollback"} <= gone


def test_a_session_may_be_started_with_the_document_and_its_content_is_held_to_the_schema(aws: AWS) -> None:
    aws.settled(*ALL)
    ssm, runner = aws.client("ssm"), aws.plan(*ALL).found.lives["instance:runner"].id
    assert ssm.start_session(Target=runner, DocumentName="fintech-deploy")["SessionId"]
    for content, said in (
        ({"schemaVersion": "2.2", "mainSteps": []}, "schemaVersion is 1.0"),
        ({"schemaVersion": "1.0", "sessionType": "InteractiveCommands"}, "needs properties"),
    ):
        with pytest.raises(ClientError, match=said):
            ssm.create_document(Name="other", Content=json.dumps(content), DocumentType="Session")
    undeclared = {**delivery.document(DEMO, "deploy"), "parameters": {}}
    with pytest.raises(ClientError, match="is not declared"):
        ssm.create_document(Name="other", Content=json.dumps(undeclared), DocumentType="Session")


def test_builds_and_their_pipeline_come_stay_and_go(aws: AWS) -> None:
    choose(aws, "codepipeline")
    for _ in range(2):
        aws.settled(*ALL)
        said = judged(aws)
        assert set(said.values()) == {PASS, NOT_APPLICABLE}
        assert said["builds-sealed"] == said["builds-rendered"] == said["pipeline-at-home"] == PASS
        aws.destroy(*ALL)
        assert aws.client("codebuild").list_projects()["projects"] == []
        assert aws.client("codepipeline").list_pipelines()["pipelines"] == []


Breaks = dict[str, Any]
OPENED: dict[str, tuple[Breaks, str, set[str]]] = {
    "outside the VPC": ({"vpcConfig": {}}, "vpc", {"builds-sealed"}),
    "privileged": ({"environment": {"privilegedMode": True}}, "privileged", {"builds-sealed"}),
    "a token in a variable": (
        {"environment": {"environmentVariables": [{"name": "TOKEN", "value": "x"}]}},
        "variables",
        {"builds-rendered"},
    ),
    "another build specification": ({"source": {"buildspec": "version: 0.2"}}, "buildspec", {"builds-rendered"}),
    "source from the internet": (
        {"source": {"type": "GITHUB", "location": "https://github.com/x/y"}},
        "source",
        {"builds-sealed"},
    ),
}


@pytest.mark.parametrize("name", OPENED)
def test_a_build_that_is_opened_behind_the_back_is_shown_and_closed(built: AWS, name: str) -> None:
    broken, field, red = OPENED[name]
    codebuild = built.client("codebuild")
    project = codebuild.batch_get_projects(names=["fintech-deploy"])["projects"][0]
    codebuild.update_project(name="fintech-deploy", **{
        part: {**project[part], **value} if value else value for part, value in broken.items()
    })  # fmt: skip
    changes = built.plan(*ALL).plan.changes
    assert field in {one.field for one in changes}
    assert {one.risk for one in changes} == {"opens"}
    assert failing(built) == red
    built.settled(*ALL)
    assert failing(built) == set()


def test_a_pipeline_that_keeps_releases_elsewhere_or_asks_nobody_is_shown_and_put_right(built: AWS) -> None:
    codepipeline = built.client("codepipeline")
    held = codepipeline.get_pipeline(name="fintech-deploy")["pipeline"]
    elsewhere = {"type": "S3", "location": "somebody-elses-bucket"}
    source = held["stages"][0]["actions"][0]
    for broken, text in (
        ({"artifactStore": elsewhere}, "it keeps releases in somebody-elses-bucket"),
        ({"stages": [held["stages"][0], held["stages"][2]]}, "it asks nobody before it deploys"),
        (
            {"stages": [{"name": "Release", "actions": [{**source, "actionTypeId": {
                "category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"}}]},
                *held["stages"][1:]]},
            "ThirdParty's GitHub",
        ),
    ):  # fmt: skip
        codepipeline.update_pipeline(pipeline={**held, **broken})
        estate = built.estate(*pipeline_builds.at_home.reads)
        found = pipeline_builds.at_home.findings(built.intent, estate)
        assert [(one.resource, one.status) for one in found] == [("pipeline:deploy", FAIL)]
        assert text in found[0].message
        assert set(built.plan(*ALL).changes) == {"pipeline:deploy"}
        built.settled(*ALL)


def test_a_project_is_refused_before_its_role_may_do_what_a_vpc_needs(aws: AWS) -> None:
    choose(aws, "codepipeline")
    aws.apply(*IDENTITY, *NETWORK)
    aws.client("iam").delete_role_policy(RoleName="fintech-runner", PolicyName="runner-rights")
    lives = aws.plan(*IDENTITY, *NETWORK).found.lives
    place = {
        "vpcId": lives["vpc:main"].id,
        "subnets": [lives["subnet:private-a"].id],
        "securityGroupIds": [lives["security-group:runner"].id],
    }
    with pytest.raises(ClientError, match="Not authorized to perform"):
        aws.client("codebuild").create_project(
            name="other",
            source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=lives["role:runner"].attrs["arn"],
            vpcConfig=place,
        )


def test_tools_that_the_params_name_may_be_read_by_the_deployment_role_and_by_nobody_else(aws: AWS) -> None:
    choose(aws, "ssm-runner", tools={"helm": "a" * 64, "kubectl": "b" * 64})
    aws.settled(*ALL)
    assert failing(aws) == set()
    policy = aws.client("iam").get_role_policy(RoleName=DEMO.identity.deploy_role, PolicyName="cicd-rights")
    reads = [one for one in policy["PolicyDocument"]["Statement"] if "s3:GetObject" in one["Action"]]
    assert [one["Resource"] for one in reads] == ["arn:aws:s3:::fintech-artifacts-123456789012-us-east-1/tools/*"]
