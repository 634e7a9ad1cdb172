"""What becomes of calls that are denied, throttled, broken, lost or too late."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from airgap import rehearsal
from airgap.cloud import failures, liveness, paging
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.errors import AccessDenied, CallFailed, CredentialsExpired, Interrupted
from airgap.model.canonical import digest
from airgap.model.permissions import by_iam
from airgap.model.redaction import Redactor
from airgap.run.surveying import ALL_KINDS


class Kept:
    """A journal and page store in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, Any]]] = []
        self.pages: dict[str, Any] = {}

    def append(self, event: str, data: Mapping[str, Any]) -> str:
        self.lines.append((event, data))
        return str(len(self.lines))

    def keep(self, page: bytes) -> str:
        self.pages[digest(page)] = json.loads(page)
        return digest(page)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with rehearsal.serving() as where:
        yield where


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def cloud(url: str, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    rehearsal.reset(url)
    for name, value in rehearsal.environment(url).items():
        monkeypatch.setenv(name, value)
    recorder = Recorder(kept, kept, lambda: "2026-11-23T00:00:00Z", Redactor())
    clock = Clock(now=lambda: 0.0, sleep=lambda seconds: None)
    return Cloud("123456789012", "us-east-1", "rehearsal", recorder, clock, principal="alice")


def fault(url: str, operation: str, error: str, times: int | None = 1) -> None:
    body = json.dumps({"operation": operation, "error": error, "times": times}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/rehearsal/faults", data=body), timeout=10).close()


def calls(url: str, operation: str) -> int:
    with urllib.request.urlopen(f"{url}/rehearsal/calls", timeout=10) as answer:
        return sum(one["operation"] == operation for one in json.loads(answer.read()))


def test_a_read_is_a_page_with_its_request_id_and_digests(cloud: Cloud, kept: Kept) -> None:
    (one,) = cloud.read("ec2:DescribeVpcs", {})
    assert (one.status, one.last, one.account, one.region) == ("ok", True, "123456789012", "us-east-1")
    assert one.page in kept.pages
    assert one.request_id
    assert one.http_date
    assert len(one.body_sha256) == 64
    assert [event for event, _ in kept.lines] == ["read"]


def test_a_denied_read_is_an_observation_and_not_an_empty_list(cloud: Cloud, url: str) -> None:
    fault(url, "ec2:DescribeVpcs", "AccessDenied")
    (one,) = cloud.read("ec2:DescribeVpcs", {})
    assert (one.status, one.page) == ("denied", "")


@pytest.mark.parametrize("error", ["Throttling", "InternalError", "DropResponse"])
def test_reads_are_retried_where_that_may_help(cloud: Cloud, url: str, error: str) -> None:
    fault(url, "ec2:DescribeVpcs", error, 2)
    assert cloud.read("ec2:DescribeVpcs", {})[-1].status == "ok"


def test_a_long_answer_that_is_throttled_between_its_pages_comes_to_its_end(
    cloud: Cloud, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAUSE", 0.001)
    fault(url, "cloudtrail:LookupEvents", "Throttling", 9)
    assert cloud.read("cloudtrail:LookupEvents", {})[-1].status == "ok"
    fault(url, "ec2:DescribeVpcs", "Throttling", 9)
    assert cloud.read("ec2:DescribeVpcs", {})[-1].status == "failed"


def test_a_read_that_keeps_failing_is_an_observation(cloud: Cloud, url: str) -> None:
    fault(url, "ec2:DescribeVpcs", "InternalError", None)
    assert cloud.read("ec2:DescribeVpcs", {})[-1].status == "failed"


def test_a_denied_write_names_action_caller_and_next_step_and_is_not_repeated(cloud: Cloud, url: str) -> None:
    fault(url, "ec2:CreateVpc", "AccessDenied")
    with pytest.raises(AccessDenied, match="alice may not call ec2:CreateVpc for vpc:main") as caught:
        cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"}, resource="vpc:main")
    assert "airgap policy" in caught.value.action
    assert calls(url, "ec2:CreateVpc") == 1


@pytest.mark.parametrize("error", ["Throttling", "InternalError"])
def test_throttled_and_broken_writes_are_asked_again(cloud: Cloud, url: str, error: str) -> None:
    fault(url, "ec2:CreateVpc", error, 3)
    assert cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"})["Vpc"]["VpcId"]


def test_a_lost_answer_of_a_create_without_token_is_never_asked_again(cloud: Cloud, url: str) -> None:
    fault(url, "ec2:CreateVpc", "DropResponse")
    with pytest.raises(CallFailed, match="may or may not be done") as caught:
        cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"})
    assert "found by its tags" in caught.value.action
    assert len(cloud.client("ec2").describe_vpcs()["Vpcs"]) == 1


def test_a_lost_answer_of_a_create_with_token_is_asked_again_and_makes_one(cloud: Cloud, url: str) -> None:
    vpc = cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    fault(url, "ec2:CreateVpcEndpoint", "DropResponse")
    params = {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.s3", "VpcEndpointType": "Gateway"}
    cloud.write("ec2:CreateVpcEndpoint", params, resource="vpc-endpoint:s3")
    assert len(cloud.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]) == 1


def test_only_the_exact_text_of_a_passing_error_is_retried(cloud: Cloud, url: str) -> None:
    with pytest.raises(CallFailed, match="InvalidVpcID.NotFound"):
        cloud.write("ec2:DeleteVpc", {"VpcId": "vpc-1"}, retry=("DependencyViolation",))
    assert calls(url, "ec2:DeleteVpc") == 1
    assert cloud.write("ec2:DeleteVpc", {"VpcId": "vpc-1"}, ignore=("InvalidVpcID.NotFound",)) == {}


def test_every_attempt_and_every_answer_is_in_the_journal(cloud: Cloud, url: str, kept: Kept) -> None:
    fault(url, "ec2:CreateVpc", "Throttling")
    cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"}, resource="vpc:main")
    assert [(event, data.get("attempt"), data.get("status")) for event, data in kept.lines] == [
        ("write", 1, None),
        ("answer", None, "failed"),
        ("write", 2, None),
        ("answer", None, "ok"),
    ]


def test_a_refusal_inside_an_answer_of_status_200_is_a_failure(cloud: Cloud, kept: Kept) -> None:
    refused = {"ResourceId": "vpc-1", "Error": {"Code": "InvalidParameter", "Message": "Access to the group is denied"}}
    params = {"ResourceIds": ["vpc-1"], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "g"}
    with Stubber(cloud.client("ec2")) as stub:
        stub.add_response("create_flow_logs", {"Unsuccessful": [refused], "ResponseMetadata": {"RequestId": "r-1"}})
        with pytest.raises(CallFailed, match="InvalidParameter: Access to the group is denied"):
            cloud.write("ec2:CreateFlowLogs", params, resource="flow-log:vpc")
    answer = kept.lines[-1][1]
    assert (answer["status"], answer["code"]) == ("failed", "InvalidParameter")


@pytest.mark.parametrize(
    ("codes", "is_refused"), [(["Gone"], False), (["Gone", "Gone"], False), (["Gone", "No"], True)]
)
def test_what_is_gone_already_is_no_refusal_and_hides_none(cloud: Cloud, codes: list[str], is_refused: bool) -> None:
    failed = [{"ResourceId": f"fl-{code}", "Error": {"Code": code, "Message": "why"}} for code in codes]
    with Stubber(cloud.client("ec2")) as stub:
        stub.add_response("delete_flow_logs", {"Unsuccessful": failed})
        asked = ("ec2:DeleteFlowLogs", {"FlowLogIds": ["fl-1"]})
        if is_refused:
            with pytest.raises(CallFailed, match="failed with No: why"):
                cloud.write(*asked, ignore=("Gone",))
        else:
            assert cloud.write(*asked, ignore=("Gone",)) == {}


def test_a_passing_refusal_inside_an_answer_is_asked_again(cloud: Cloud) -> None:
    late = [{"Key": "k", "Code": "SlowDown", "Message": "later"}]
    with Stubber(cloud.client("s3")) as stub:
        stub.add_response("delete_objects", {"Errors": late})
        stub.add_response("delete_objects", {})
        cloud.write("s3:DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}})
        stub.assert_no_pending_responses()


def test_no_operation_of_a_kind_hides_a_refusal_in_its_answer(cloud: Cloud) -> None:
    made = {call for kind in ALL_KINDS for call in kind.calls() if by_iam(call)}
    for call in sorted(made | {"ecr:BatchDeleteImage"}):
        service, operation = call.split(":")
        shape = cloud.client(service).meta.service_model.operation_model(operation).output_shape
        lists = {name for name, one in shape.members.items() if one.type_name in ("list", "map")} if shape else set()
        hidden = {name for name in lists if re.search("unsuccess|fail|error|unprocess|reject", name, re.IGNORECASE)}
        assert hidden <= set(failures.REFUSALS), call


def test_a_refused_write_bears_the_request_id_of_its_header(cloud: Cloud, kept: Kept) -> None:
    # A body may name another request: what CloudTrail records is the header's.
    with pytest.raises(CallFailed):
        cloud.write("ec2:DeleteVpc", {"VpcId": "vpc-1"})
    meta = {"RequestId": "in the body", "HTTPHeaders": {"x-amzn-requestid": "in the header"}}
    for answer in ({"ResponseMetadata": meta}, {"ResponseMetadata": {"RequestId": "in the header"}}):
        assert failures.read(ClientError(answer, "DeleteVpc")).request_id == "in the header"
    s3 = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-request-id": "of S3"}}}
    assert failures.request_id(s3) == "of S3"
    assert kept.lines[-1][1]["request_id"]


def test_nothing_is_written_after_an_interrupt_or_without_the_runner(
    cloud: Cloud, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.stop.set()
    with pytest.raises(Interrupted):
        cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"})
    cloud.stop.clear()
    monkeypatch.setattr(liveness, "runner_is_gone", lambda: True)
    with pytest.raises(Interrupted, match="runner of this kernel is gone"):
        cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"})
    assert calls(url, "ec2:CreateVpc") == 0


def test_an_ended_session_says_so_and_is_not_retried(cloud: Cloud) -> None:
    with Stubber(cloud.client("ec2")) as stub:
        stub.add_client_error("describe_vpcs", "ExpiredToken")
        with pytest.raises(CredentialsExpired, match="session ended") as caught:
            cloud.read("ec2:DescribeVpcs", {})
    assert "renew the credentials" in caught.value.action


def test_a_refusal_by_the_organisation_is_told_apart_from_a_missing_permission(cloud: Cloud) -> None:
    text = "not authorized to perform ec2:CreateVpc with an explicit deny in a service control policy"
    with Stubber(cloud.client("ec2")) as stub:
        stub.add_client_error("create_vpc", "UnauthorizedOperation", text)
        with pytest.raises(AccessDenied, match="organisation policy refuses ec2:CreateVpc") as caught:
            cloud.write("ec2:CreateVpc", {"CidrBlock": "10.0.0.0/16"})
    assert "does not work around it" in caught.value.action


@pytest.mark.parametrize(
    ("variables", "end"),
    [
        ({}, ""),
        ({"AWS_SESSION_TOKEN": "t", "AWS_CREDENTIAL_EXPIRATION": "2100-01-01T00:00:00Z"}, "2100-01-01T00:00:00Z"),
    ],
)
def test_exported_credentials_end_when_their_variable_says(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], end: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cloud.session_end() == ""
    cloud.client("sts")
    assert cloud.session_end() == end


def test_a_profile_that_assumes_a_role_renews_its_session(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/deployer\nsource_profile = b\n"
        "[profile b]\naws_access_key_id = x\naws_secret_access_key = y\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "a")
    cloud.client("sts")
    assert cloud.session_end() == "renewed"
