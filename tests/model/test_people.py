"""Who stands behind a principal, and whether three of them make four eyes."""

from __future__ import annotations

import pytest

from airgap.model.people import judge_four_eyes, person

ACCOUNT = "012345678901"


def session(role: str, name: str, partition: str = "aws") -> dict[str, str]:
    return {"arn": f"arn:{partition}:sts::{ACCOUNT}:assumed-role/{role}/{name}"}


def user(name: str) -> dict[str, str]:
    return {"arn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}


SSO = "AWSReservedSSO_PlatformEngineer_0123456789abcdef"

PEOPLE = [
    (session(SSO, "ann@example.com"), "ann@example.com"),
    (session(SSO, "Ann@Example.com"), "ann@example.com"),
    (session(SSO, "ann", "aws-us-gov"), "ann"),
    (session("platform-engineer", "alice"), "alice"),
    (session("platform-engineer", "tess.cicero"), "tess.cicero"),
    (user("ann"), "ann"),
    (user("people/platform/ann"), "ann"),
    ({"Arn": f"arn:aws:iam::{ACCOUNT}:user/ann"}, "ann"),
    ({**session("deployer", "botocore-session-1795600000"), "source_identity": "ann"}, "ann"),
    ({**session("deployer", "i-0a1b2c3d4e5f60718"), "SourceIdentity": "Ann"}, "ann"),
    ({**session("deployer", "alice"), "source_identity": "ann"}, "ann"),
]


@pytest.mark.parametrize(("caller", "name"), PEOPLE)
def test_a_principal_names_the_person_who_signed_in(caller: dict[str, str], name: str | None) -> None:
    assert person(caller) == name


NOBODY = [
    {},
    {"arn": ""},
    {"arn": f"arn:aws:iam::{ACCOUNT}:root"},
    {"arn": f"arn:aws:iam::{ACCOUNT}:role/platform-engineer"},
    {"arn": f"arn:aws:sts::{ACCOUNT}:federated-user/ann"},
    {"arn": "ann"},
    user("administrator"),
    session("AWSServiceRoleForAutoScaling", "ann"),
    session("AWS-QuickSetup-ServiceRole", "ann"),
    {**session("deployer", "ann"), "source_identity": "i-0a1b2c3d4e5f60718"},
    *(
        session("cicd-deploy-role", name)
        for name in (
            "i-0a1b2c3d4e5f60718", "i-0a1b2c3d", "botocore-session-1795600000", "aws-sdk-js-session-1795600000",
            "aws-go-sdk-1795600000000000000", "AWSCLI-Session", "1795600000", "GitHubActions", "github-actions",
            "gitlab-ci-4711", "AWSCodeBuild-1f2e3d4c-0000-1111-2222-333344445555", "codebuild", "jenkins", "terraform",
            "eks-my-cluster-app-1f2e3d4c", "session", "session1", "default", "test", "mySession", "my-role-session",
            "RoleSessionName", "1f2e3d4c-0000-1111-2222-333344445555", "0123456789abcdef0123", "CloudShell", "ci",
            "admin", "deployer", "svc-backup",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("caller", NOBODY, ids=lambda caller: str(caller.get("arn", "none"))[-40:])
def test_a_principal_of_software_or_of_everybody_names_no_one(caller: dict[str, str]) -> None:
    assert person(caller) is None


ANN, BOB = session(SSO, "ann@example.com"), session(SSO, "bob@example.com")


def test_two_people_make_four_eyes() -> None:
    assert judge_four_eyes(ANN, BOB, ANN) == []
    assert judge_four_eyes(ANN, BOB, session(SSO, "carol@example.com")) == []


@pytest.mark.parametrize(
    "approver",
    [
        ANN,
        session("another-role", "ann@example.com"),
        session(SSO, "ANN@EXAMPLE.COM"),
        {**session("deployer", "somebody"), "source_identity": "ann@example.com"},
        user("ann"),
    ],
)
def test_one_person_under_another_name_is_still_one_person(approver: dict[str, str]) -> None:
    assert judge_four_eyes(ANN, approver, ANN) == [
        f"the approver is the {role}: {person(approver)}" for role in ("planner", "applier")
    ]


def test_people_of_two_directories_with_the_same_name_are_two_people() -> None:
    assert judge_four_eyes(ANN, session(SSO, "ann@partner.example"), ANN) == []


def test_who_applies_does_not_approve() -> None:
    assert judge_four_eyes(ANN, BOB, BOB) == ["the approver is the applier: bob@example.com"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_of_the_three_must_be_attributable(place: int) -> None:
    three = [ANN, BOB, ANN]
    three[place] = session("cicd-deploy-role", "i-0a1b2c3d4e5f60718")
    problems = judge_four_eyes(*three)
    role = ("planner", "approver", "applier")[place]
    assert problems == [f"the {role} is attributable to no person: {three[place]['arn']}"]


def test_a_principal_that_was_not_recorded_is_named_as_such() -> None:
    assert judge_four_eyes({}, BOB, ANN) == ["the planner is attributable to no person: no principal is recorded"]
