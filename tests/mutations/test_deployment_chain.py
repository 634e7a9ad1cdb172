"""The chain of the first deployment: each break names its cause, live ones too, and stops what comes after it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from recorded_estate import ROOT, Recording

from airgap.checks import deployment, deployment_entry
from airgap.checks.deployment_path import Cause
from airgap.evidence.folder import RunFolder
from airgap.model.canonical import digest_of
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, Finding
from airgap.model.observation import OK
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS
from airgap.views import VIEWS, Look

pytestmark = pytest.mark.timeout(600)
CASES = sorted((Path(__file__).parent / "cases").glob("deployment-*.json"))
IDS = [one.check for one in deployment.LINKS]


def judged(recording: Recording) -> dict[str, Finding]:
    """The one finding of each link."""
    found = [one.findings(recording.intent, recording.estate()) for one in deployment.CHECKS]
    return {each.check: each for findings in found for each in findings}


def test_every_link_but_the_last_is_proven_and_a_rehearsal_claims_no_traffic(recording: Recording) -> None:
    told = judged(recording)
    assert [told[one].status for one in IDS] == [PASS] * 5 + [NOT_APPLICABLE]
    assert "no packets" in told["deployment-live"].message


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_broken_link_names_its_cause_and_nothing_after_it_is_judged(path: Path, recording: Recording) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    broken = recording.copy()
    broken.mutate(case)
    told = judged(broken)
    ((link, says),) = case["says"].items()
    number = IDS.index(link)
    assert [told[one].status for one in IDS[:number]] == [PASS] * number
    assert told[link].status == FAIL
    assert says in told[link].message
    causes = list(_causes(number, broken))
    assert [one for one in causes if not one.remedy or one.text not in told[link].message] == []
    # Who took an image away, only CloudTrail knows.
    assert causes or path.stem == "deployment-image-gone"
    assert told[link].remedy
    for later in IDS[number + 1 :]:
        assert told[later].status == UNKNOWN
        assert deployment.LINKS[number].name in told[later].message


def _causes(number: int, broken: Recording) -> Iterator[Cause]:
    """What broke a link, with what to do; the last link's are the parts of the way in."""
    last = number == len(deployment.LINKS) - 1
    causes = deployment_entry.not_entered if last else deployment.LINKS[number].causes
    return causes(broken.intent, broken.estate())


def test_each_link_is_broken_by_some_case() -> None:
    assert {link for path in CASES for link in json.loads(path.read_text())["says"]} == set(IDS)


def test_without_an_application_nothing_is_claimed(recording: Recording) -> None:
    images = dataclasses.replace(recording.intent.images, application=None)
    other = dataclasses.replace(recording, intent=dataclasses.replace(recording.intent, images=images))
    assert {one.status for one in judged(other).values()} == {NOT_APPLICABLE}


def test_the_view_shows_each_link_with_what_was_seen_and_the_cause(recording: Recording) -> None:
    broken = recording.copy()
    broken.mutate(json.loads((Path(__file__).parent / "cases" / "deployment-rule-revoked.json").read_text()))
    text = VIEWS["first_deployment"]["chain"](Look(broken.intent, broken.estate())).html()
    assert "no rule lets TCP 443 out to vpc-endpoint:ecr.api" in text
    assert text.index("push") < text.index("pull") < text.index("live traffic")
    assert "images.charts" not in VIEWS["first_deployment"]["application"](Look(broken.intent, broken.estate())).text()


REQUESTED = {
    "place": "the operations host", "address": "10.0.1.10", "server_name": "fintech.example.com",
    "protocol": "TLSv1.3", "status": 200,
}  # fmt: skip


@pytest.mark.parametrize(
    ("differs", "status", "says"),
    [
        ({}, PASS, ""),
        ({"status": 502}, FAIL, "/healthz was answered with 502 (asked from the operations host, at 10.0.1.10)"),
        ({"protocol": "TLSv1.2"}, FAIL, "the connection was TLSv1.2, not TLS 1.3"),
        ({"server_name": "", "refused": "certificate has expired"}, FAIL, "nobody proved to be fintech.example.com"),
    ],
)
def test_on_aws_one_recorded_request_decides(
    differs: Mapping[str, Any], status: str, says: str, recording: Recording
) -> None:
    asked = recording.copy()
    asked.intent = dataclasses.replace(recording.intent, world="aws")
    body = {**REQUESTED, **differs}
    asked.pages[digest_of(body)] = body
    asked.observations = [
        dataclasses.replace(one, status=OK, code="", page=digest_of(body)) if one.call == deployment.REQUEST else one
        for one in asked.observations
    ]
    told = judged(asked)["deployment-live"]
    assert told.status == status
    assert says in told.message


def test_on_aws_no_request_is_no_pass(recording: Recording) -> None:
    asked = recording.copy()
    asked.intent = dataclasses.replace(recording.intent, world="aws")
    told = judged(asked)["deployment-live"]
    assert told.status == UNKNOWN
    assert deployment.REQUEST in told.message


@pytest.fixture
def live(recording: Recording, served: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Clients of the embedded AWS on which the estate was recorded, which the environment names meanwhile."""
    for name, value in served.items():
        monkeypatch.setenv(name, value)

    def client(service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

    return client


def verified() -> dict[str, Finding]:
    """The findings of the step, verified on the live rehearsal."""
    step = next(one for one in STEPS if one.name == "first_deployment")
    folder = RunFolder.open(Path(os.environ["AIRGAP_REPORTS"]), "demo")
    run = StepRun(step, open_context(step.number, step.name, env="demo", mode="verify", root=ROOT, folder=folder))
    run.open()
    return {one.check: one for one in run.verify() if one.check in IDS}


def roll_out(recording: Recording) -> None:
    """Apply the Deployment so that its pods pull anew: what a node has, it does not ask for again."""
    step = next(one for one in STEPS if one.name == "first_deployment")
    folder = RunFolder.open(Path(os.environ["AIRGAP_REPORTS"]), "demo")
    run = StepRun(step, open_context(step.number, step.name, env="demo", mode="apply", root=ROOT, folder=folder))
    run.open()
    run.plan()
    declared = next(one for one in run.desired if one.kind == "k8s-deployment")
    manifest = json.loads(json.dumps(declared.fields["manifest"]))
    manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    systems = run.context.systems
    named = {"cluster": recording.intent.cluster.name, "manifest": manifest}
    systems.write("kubernetes:Apply", named, resource=declared.key)
    systems.lower()
    systems.close()


def test_on_the_live_rehearsal_each_break_turns_its_link_red_with_its_cause(recording: Recording, live: Any) -> None:
    # From the last link to the first: the chain stops at the first broken one, so each break hides those before it.
    ids = {one["Value"]: item for item, one in _keyed(live("ec2"))}
    balancer = live("elbv2").describe_load_balancers()["LoadBalancers"][0]
    live("wafv2").disassociate_web_acl(ResourceArn=balancer["LoadBalancerArn"])
    assert "web-acl:app: no web ACL is associated" in verified()["deployment-live"].message
    rule = ids["security-group-rule:alb-out-tcp-8080-nodes"]
    live("ec2").revoke_security_group_egress(
        GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
    )
    told = verified()["deployment-healthy"]
    assert "Target.Timeout" in told.message
    assert "security-group:alb: no rule lets TCP 8080 out to the pods" in told.message
    endpoint = ids["vpc-endpoint:ecr.dkr"]["VpcEndpointId"]
    live("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    roll_out(recording)
    assert _until("deployment-pulled", "vpc-endpoint:ecr.dkr")
    entry = next(one for one in recording.pages.values() if one.get("schema") == "airgap/images/v1")["entries"]
    image = next(one for one in entry if one["source"].endswith("/application") and one["kind"] == "image")
    live("ecr").batch_delete_image(
        repositoryName="fintech/airgap-rehearsal/application", imageIds=[{"imageDigest": image["digest"]}]
    )
    told = verified()["deployment-pushed"]
    assert "does not hold" in told.message


def _until(check: str, says: str, tries: int = 30) -> bool:
    return any(says in verified()[check].message for _ in range(tries))


def _keyed(ec2: Any) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    found = [*ec2.describe_security_group_rules()["SecurityGroupRules"], *ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    for item in found:
        yield from ((item, tag) for tag in item.get("Tags", []) if tag["Key"] == "airgap:key")
