"""The IAM policies that ``airgap policy`` prints for the runbook's own roles."""

from __future__ import annotations

import dataclasses
from typing import Any

import iam_reference
import pytest
from embedded import AWS, DEMO

from airgap.checks import refusals
from airgap.cloud.queries import QUERIES
from airgap.cloud.query import Query
from airgap.errors import UsageError
from airgap.model.canonical import encode
from airgap.model.permissions import by_iam, iam_action
from airgap.model.policy import ALLOW, DENY, Request, evaluate, parse
from airgap.resources.iam_limits import scopes
from airgap.resources.kind import Call, Declaration, Kind
from airgap.resources.least_privilege import EXPOSING, LIMIT, ROLES, policies, writes
from airgap.resources.splitting import size, split
from airgap.resources.statements import document
from airgap.steps import STEPS

KINDS = tuple({kind.name: kind for step in STEPS for kind in step.kinds}.values())
# Operations newer than the reference that the tests carry.
NEWER = {"ec2:GetTransitGatewayAttachmentNatConfiguration", "networkmanager:ListAttachmentNatConfigurations"}
OURS = {"aws:ResourceTag/airgap:environment": ("demo",), "aws:RequestTag/airgap:environment": ("demo",)}


def printed(role: str, **changes: Any) -> dict[str, Any]:
    return policies(role, dataclasses.replace(DEMO, **changes), KINDS, QUERIES)


def statements(role: str, **changes: Any) -> list[dict[str, Any]]:
    return [one for policy in printed(role, **changes).values() for one in policy["Statement"]]


DEPLOYER = parse(document(*statements("deployer")))


def asks(action: str, resource: str = "*", **context: str) -> str:
    """The outcome for the deployer; context keys have __ for : and _ for -, as aws__RequestTag/airgap:environment."""
    values = {key.replace("__", ":"): (value,) for key, value in context.items()}
    return evaluate(DEPLOYER, Request(action, resource, context=values)).outcome


def test_the_table_of_actions_is_the_reference_for_these_kinds() -> None:
    kept = "".join(f"{action}\t{one}\t{tags}\n" for action, rows in scopes().items() for one, tags in rows)
    assert kept == iam_reference.current(), "run tests/resources/iam_reference.py into iam_actions.tsv"


@pytest.mark.parametrize("role", ["deployer", "verifier"])
def test_each_policy_fits_and_names_known_actions(role: str) -> None:
    documents = printed(role)
    assert 1 <= len(documents) <= 10  # managed policies of a role (IAM quotas)
    for name, policy in documents.items():
        assert name.startswith(f"fintech-{role}-")
        assert size(policy) <= LIMIT
        sids = [one["Sid"] for one in policy["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)
        for action in (one for statement in policy["Statement"] for one in statement["Action"]):
            assert action in NEWER or iam_reference.matching(action), action


def test_the_verifier_reads_every_recorded_call_and_nothing_else() -> None:
    actions = {action for one in statements("verifier") for action in one["Action"]}
    tunnel = {"ssm:StartSession", "ssm:ResumeSession", "ssm:TerminateSession"}
    assert actions == {iam_action(query.call) for query in QUERIES if by_iam(query.call)} | tunnel
    assert all(iam_reference.reads(action) for action in actions - NEWER - tunnel)
    assert {one["Effect"] for one in statements("verifier")} == {"Allow"}


@pytest.mark.parametrize("role", ["deployer", "verifier"])
def test_it_tunnels_through_the_operations_host_and_opens_no_other_session_on_any_host(role: str) -> None:
    policy = parse(document(*statements(role)))
    ours = {
        "aws:ResourceTag/airgap:environment": ("demo",),
        "aws:ResourceTag/airgap:key": ("instance:operations-host",),
    }
    other = {**ours, "aws:ResourceTag/airgap:key": ("instance:runner",)}

    def outcome(resource: str, context: dict[str, tuple[str, ...]]) -> str:
        return evaluate(policy, Request("ssm:StartSession", resource, context=context)).outcome

    host = DEMO.arn("ec2", "instance/i-0123456789abcdef0")
    assert (outcome(host, ours), outcome(host, other)) == (ALLOW, DENY)
    # AWS's own documents bear no tag, so a right on what is tagged as ours would never reach them.
    documents = ("AWS-StartPortForwardingSessionToRemoteHost", "AWS-StartInteractiveCommand", "AWS-StartSSHSession")
    assert [outcome(DEMO.arn("ssm", f"document/{one}", account=""), {}) for one in documents] == [ALLOW, DENY, DENY]
    preferences = DEMO.arn("ssm", "document/SSM-SessionManagerRunShell")
    assert outcome(preferences, {"aws:ResourceTag/airgap:environment": ("demo",)}) == DENY


@pytest.mark.parametrize("action", sorted(EXPOSING))
def test_no_read_call_may_need_secrets_or_data(action: str) -> None:
    assert action not in {one for statement in statements("verifier") for one in statement["Action"]}
    with pytest.raises(LookupError, match="more than configuration"):
        policies("verifier", DEMO, KINDS, [Query(action)])


def test_the_verifier_reads_only_parameters_that_aws_publishes() -> None:
    [public] = [one for one in statements("verifier") if "ssm:GetParameter" in one["Action"]]
    assert public["Resource"] == "arn:aws:ssm:us-east-1::parameter/aws/service/*"


def test_the_deployer_covers_every_write_of_a_whole_run(aws: AWS) -> None:
    declarations: list[Declaration] = []
    for step in STEPS:
        declarations += step.declarations
        aws.apply(*declarations)
    # What stands in the cluster goes with it; its controllers would have to outlive it otherwise.
    aws.destroy(*(one for one in declarations if not any(kind.name.startswith("k8s-") for kind in one.kinds)))
    made = {call for call in aws.memory.calls("write") if by_iam(call)}
    assert made <= {call for kind in KINDS for call in kind.calls()} | _emptying()
    for action in sorted({iam_action(call) for call in made}):
        assert _may_on_ours(action), action


def _emptying() -> set[str]:
    return {"s3:DeleteObjects"}


def _may_on_ours(action: str) -> bool:
    """Whether the action is allowed on each sort of resource that the reference knows for it, when it is ours."""
    if action not in scopes():
        return any(action in one["Action"] for one in statements("deployer"))
    values = {"region": DEMO.region, "account": DEMO.account}
    outcomes = []
    for template, tagged in scopes()[action]:
        name = {"s3:::*": "fintech-logs-123456789012-us-east-1", "s3:::*/*": "fintech-logs-123456789012-us-east-1/x"}
        own = name.get(template.format(**values).removeprefix("s3:::"), "fintech-x")
        resource = f"arn:aws:{template.format(**values)}"
        if template in name:
            resource = f"arn:aws:s3:::{name[template]}"
        elif ":log-group:" in template:
            resource = resource.replace("log-group:*", "log-group:/fintech/demo/flow-logs")
        resource = resource.replace("*", own) if resource != "arn:aws:*" else "*"
        context = {key: value for key, value in OURS.items() if tagged == "resource" or "Request" in key}
        outcomes.append(evaluate(DEPLOYER, Request(action, resource, context=context)).outcome)
    return set(outcomes) == {ALLOW}


def test_a_write_on_everything_is_one_that_iam_cannot_limit() -> None:
    for statement in statements("deployer"):
        if statement["Effect"] == "Allow" and statement["Resource"] == "*" and "Condition" not in statement:
            wide = [one for one in statement["Action"] if one not in NEWER and not iam_reference.reads(one)]
            assert not [action for action in wide if iam_reference.limitable(action)]


def test_what_is_not_ours_cannot_be_changed() -> None:
    vpc = DEMO.arn("ec2", "vpc/vpc-0123456789abcdef0")
    tag = "aws__ResourceTag/airgap:environment"
    assert asks("ec2:DeleteVpc", vpc, **{tag: "demo"}) == ALLOW
    assert asks("ec2:DeleteVpc", vpc, **{tag: "other"}) == DENY
    assert asks("ec2:DeleteVpc", vpc) == DENY
    assert asks("kms:ScheduleKeyDeletion", DEMO.arn("kms", "key/1"), **{tag: "other"}) == DENY
    assert asks("s3:DeleteBucket", "arn:aws:s3:::somebodys") == DENY
    assert asks("iam:PutRolePolicy", DEMO.arn("iam", "role/admin", region="")) == DENY
    assert asks("logs:DeleteLogGroup", DEMO.arn("logs", "log-group:/other")) == DENY


def test_what_is_created_must_be_tagged_as_ours() -> None:
    tag = "aws__RequestTag/airgap:environment"
    assert asks("ec2:CreateVpc", DEMO.arn("ec2", "vpc/*"), **{tag: "demo"}) == ALLOW
    assert asks("ec2:CreateVpc", DEMO.arn("ec2", "vpc/*")) == DENY
    assert asks("kms:CreateKey", "*", **{tag: "demo"}) == ALLOW
    assert asks("kms:CreateKey", "*", **{tag: "other"}) == DENY
    assert asks("ec2:CreateTags", DEMO.arn("ec2", "vpc/vpc-1"), **{tag: "demo"}) == DENY
    assert asks("ec2:CreateTags", DEMO.arn("ec2", "vpc/vpc-1"), ec2__CreateAction="CreateVpc") == ALLOW


def test_the_deployer_cannot_outgrow_itself() -> None:
    role = DEMO.arn("iam", "role/fintech-node", region="")
    own = DEMO.arn("iam", "role/fintech-deployer", region="")
    assert asks("iam:PutRolePolicy", role) == ALLOW
    assert asks("iam:PutRolePolicy", own) == DENY
    assert asks("iam:UpdateAssumeRolePolicy", DEMO.arn("iam", "role/fintech-verifier", region="")) == DENY
    named = dataclasses.replace(DEMO.identity, deployer_role="fintech-ops", verifier_role="fintech-audit")
    other = parse(document(*statements("deployer", identity=named)))
    for name in ("fintech-ops", "fintech-audit"):
        arn = DEMO.arn("iam", f"role/{name}", region="")
        assert evaluate(other, Request("iam:PutRolePolicy", arn)).outcome == DENY
    assert asks("iam:PassRole", role, iam__PassedToService="ec2.amazonaws.com") == ALLOW
    assert asks("iam:PassRole", role, iam__PassedToService="codestar.amazonaws.com") == DENY
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert asks("iam:AttachRolePolicy", role, iam__PolicyARN=admin) == DENY


def test_with_a_permissions_boundary_rights_are_given_under_it_only() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    bound = statements("deployer", identity=dataclasses.replace(DEMO.identity, permissions_boundary=boundary))
    policy, role = parse(document(*bound)), DEMO.arn("iam", "role/fintech-node", region="")
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert evaluate(policy, Request(action, role)).outcome == DENY
        under = {"iam:PermissionsBoundary": (boundary,)}
        assert evaluate(policy, Request(action, role, context=under)).outcome == ALLOW
    assert evaluate(policy, Request("iam:DeleteRolePermissionsBoundary", role)).outcome == DENY


def test_in_an_adopted_vpc_things_are_made_and_it_is_not_changed() -> None:
    vpc = DEMO.arn("ec2", "vpc/vpc-0123456789abcdef0")
    policy = parse(document(*statements("deployer", adopt={"vpc:main": "vpc-0123456789abcdef0"})))
    assert evaluate(policy, Request("ec2:CreateSubnet", vpc)).outcome == ALLOW
    assert evaluate(policy, Request("ec2:DeleteVpc", vpc)).outcome == DENY
    assert asks("ec2:CreateSubnet", vpc) == DENY


@pytest.mark.parametrize("role", ROLES)
def test_names_and_arns_are_of_the_environment(role: str) -> None:
    gov = {"partition": "aws-us-gov", "region": "us-gov-west-1", "account": "098765432109", "prefix": "bank"}
    text = encode(printed(role, environment="prod", **gov))
    for foreign in ('"arn:aws:', "us-east-1", "123456789012", '"demo"', "role/fintech"):
        assert foreign not in text


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(UsageError, match="auditor"):
        policies("auditor", DEMO, KINDS, QUERIES)


def test_an_action_without_a_row_is_not_let_through() -> None:
    strange = dataclasses.replace(KINDS[0], create=(Call("ec2:CreateEverything", lambda f: {}),))
    with pytest.raises(LookupError, match="ec2:CreateEverything"):
        policies("deployer", DEMO, [strange], [])


def test_tags_at_birth_need_the_action_that_tags() -> None:
    assert "ec2:CreateTags" in writes(KINDS)
    reading = Kind("x", "x", KINDS[0].reading, create=())
    assert writes([reading]) == {}


def test_splitting_keeps_every_action_and_every_limit() -> None:
    actions = [f"ec2:Describe{number:04d}" for number in range(600)]
    statement = {"Sid": "Read", "Effect": "Allow", "Action": actions, "Resource": "*"}
    documents = split([statement, {**statement, "Sid": "Short", "Action": actions[:1]}], 2000)
    assert [action for one in documents for part in one for action in part["Action"]] == [*actions, actions[0]]
    assert all(size(document(*one)) <= 2000 for one in documents)
    with pytest.raises(ValueError, match="cannot be split"):
        split([{**statement, "Action": ["ec2:" + "x" * 3000]}], 2000)


def test_calls_that_no_run_can_do_without_are_the_deployers_and_its_own_guardrails_admit_them() -> None:
    made = {*writes(KINDS), *(action for kind in KINDS for action in kind.permissions)}
    steps = {step.name for step in STEPS}
    for step, actions in refusals.CALLS.items():
        assert step in steps
        assert set(actions) - made <= {"ssm:StartSession"}, step
    intent = dataclasses.replace(DEMO, organization="o-a1b2c3d4e5")
    controls = [one for name, one in policies("guardrails", intent, KINDS, QUERIES).items() if "-scp-" in name]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for one in controls:
        policy = parse({**one, "Statement": [everything, *one["Statement"]]})
        for action in (action for actions in refusals.CALLS.values() for action in actions):
            assert evaluate(policy, refusals.request(action, intent)).outcome != DENY, action
