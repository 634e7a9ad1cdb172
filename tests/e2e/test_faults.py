"""What the account, the network and the session can do to a run: each ends in words, and the next run completes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from account import inventory
from commandline import Airgap
from leavings import broken_files
from library import Library, changes, findings

from airgap.errors import AccessDenied, CallFailed, CredentialsExpired

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MAKING = ("identity", "network")


@pytest.fixture(scope="module")
def library(airgap: Airgap) -> Library:
    return Library(airgap.environment, airgap.reports)


@pytest.fixture(scope="module")
def undisturbed(airgap: Airgap, library: Library) -> Counter[str]:
    """What is in the account after an apply that nothing disturbed; the account is left so."""
    library("apply", *MAKING, verify=False)
    return inventory(airgap.boto)


@pytest.fixture(scope="module")
def with_endpoints(airgap: Airgap, library: Library, undisturbed: Counter[str]) -> Counter[str]:
    """What is in the account when the endpoints have been applied too."""
    library("apply", *MAKING, "endpoints", verify=False)
    return inventory(airgap.boto)


@pytest.fixture
def empty(airgap: Airgap, undisturbed: Counter[str]) -> Iterator[Airgap]:
    airgap.control("POST", "/rehearsal/reset")
    yield airgap
    airgap.control("DELETE", "/rehearsal/faults")


def fault(airgap: Airgap, operation: str, error: str, times: int | None = None, **more: object) -> None:
    airgap.control("POST", "/rehearsal/faults", {"operation": operation, "error": error, "times": times, **more})


def test_denied_read_is_exit_code_4_of_plan_and_of_apply(airgap: Airgap, undisturbed: Counter[str]) -> None:
    fault(airgap, "ec2:DescribeSubnets", "AccessDenied")
    try:
        done = airgap("plan", "--env", "demo", "--only", "network")
        before = airgap.writes()
        refused = airgap("apply", "--env", "demo", "--only", "network")
    finally:
        airgap.control("DELETE", "/rehearsal/faults")
    assert (done.returncode, refused.returncode) == (4, 4)
    assert "ec2:DescribeSubnets" in refused.stdout
    assert airgap.writes() == before


def test_denied_write_names_the_action_and_leaves_the_rest(empty: Airgap, library: Library) -> None:
    library("apply", "identity", verify=False)
    fault(empty, "ec2:CreateSecurityGroup", "AccessDenied")
    with pytest.raises(AccessDenied) as caught:
        library("apply", "network", verify=False)
    error = caught.value
    assert error.exit_code == 1
    assert "may not call ec2:CreateSecurityGroup for security-group:" in error.what
    assert "not begun:" in error.unchanged
    assert "grant ec2:CreateSecurityGroup" in error.action
    assert "ec2:AuthorizeSecurityGroupIngress" not in empty.writes()


def test_account_in_which_nothing_may_be_written(empty: Airgap) -> None:
    for verb in ("Create", "Put", "Modify", "Allocate", "Attach", "Enable", "Tag", "Add", "Update", "Set"):
        fault(empty, f"*:{verb}*", "AccessDenied")
    assert empty("plan", "--env", "demo", "--only", "identity").returncode == 2
    done = empty("apply", "--env", "demo", "--only", "identity", "--only", "network")
    assert done.returncode == 1
    assert "may not call" in done.stdout
    assert "identity did not complete" in done.stdout
    roles = empty.boto("iam").list_roles(PathPrefix="/")["Roles"]
    assert [one["RoleName"] for one in roles if one["RoleName"].startswith("fintech")] == []


def test_throttling_and_server_errors_pass(empty: Airgap, library: Library, undisturbed: Counter[str]) -> None:
    for operation, error in [
        ("ec2:Create*", "Throttling"), ("iam:*", "Throttling"), ("kms:*", "InternalError"), ("s3:Put*", "Throttling"),
        ("ec2:Describe*", "InternalError"), ("logs:*", "Throttling"), ("route53resolver:*", "InternalError"),
    ]:  # fmt: skip
        fault(empty, operation, error, times=3)
    library("apply", *MAKING, verify=False)
    assert inventory(empty.boto) == undisturbed


LOST = {
    "ec2": "Vpc Subnet RouteTable NetworkAcl SecurityGroup Route NatGateway InternetGateway FlowLogs VpcEndpoint "
    "DhcpOptions NetworkAclEntry",
    "kms": "Key Alias",
    "iam": "Role Policy InstanceProfile",
    "s3": "Bucket",
    "logs": "LogGroup",
    "cloudtrail": "Trail",
    "route53resolver": "FirewallRuleGroup FirewallDomainList FirewallRule ResolverQueryLogConfig",
}
LOST_TOO = ("ec2:AllocateAddress", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroupEgress")


def test_lost_answers_make_no_duplicates(with_endpoints: Counter[str], empty: Airgap, library: Library) -> None:
    making = (*MAKING, "endpoints")
    lost = [f"{service}:Create{what}" for service, names in LOST.items() for what in names.split()]
    for operation in (*lost, *LOST_TOO):
        fault(empty, operation, "DropResponse", times=1)
    for _ in lost:
        with suppress(CallFailed):
            library("apply", *making, verify=False)
            break
    assert inventory(empty.boto) == with_endpoints
    assert changes(library("plan", *making)) == []
    assert broken_files(empty.reports) == []


@pytest.mark.parametrize("call", ["ec2:CreateSubnet", "ec2:DescribeSubnets"])
def test_session_that_ends_in_the_middle(empty: Airgap, library: Library, undisturbed: Counter[str], call: str) -> None:
    library("apply", "identity", verify=False)
    fault(empty, call, "ExpiredToken")
    with pytest.raises(CredentialsExpired) as caught:
        library("apply", "network", verify=False)
    assert caught.value.exit_code == 1
    assert "session ended" in caught.value.what
    assert "renew the credentials" in caught.value.action
    empty.control("DELETE", "/rehearsal/faults")
    library("apply", "network", verify=False)
    assert inventory(empty.boto) == undisturbed


def test_silence_on_a_write_ends_in_words_and_the_next_run_completes(empty: Airgap, library: Library) -> None:
    fault(empty, "iam:CreateRole", "Timeout", times=1, seconds=1)
    fault(empty, "kms:CreateKey", "Timeout", times=1, seconds=1)
    for _ in range(4):
        with suppress(CallFailed):
            assert findings(library("apply", "identity"), "fail", "unknown") == []
            return
    raise AssertionError("it did not complete")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("region: us-east-1", "region: us-gov-west-1", "aws-us-gov"),
        ("region: us-east-1", "region: us-east-9", "us-east-9"),
        ("partition: aws", "partition: aws-cn", "aws-cn"),
    ],
)
def test_place_that_there_is_not(airgap: Airgap, tmp_path: Path, before: str, after: str, told: str) -> None:
    (tmp_path / "demo.yaml").write_text((airgap.cwd / "params" / "demo.yaml").read_text().replace(before, after))
    done = airgap("plan", "--env", str(tmp_path / "demo.yaml"))
    assert done.returncode == 64
    assert told in done.stderr
