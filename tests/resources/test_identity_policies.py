"""What the roles of step identity may do, judged offline and against the Service Authorization Reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import iam_reference
import pytest
from embedded import DEMO

from airgap.model.canonical import encode
from airgap.model.components import component
from airgap.model.plan import Desired
from airgap.model.policy import ALLOW, DENY, Request, evaluate, parse
from airgap.resources.cluster_access import declare_break_glass
from airgap.resources.identity import IDENTITY, declare_roles
from airgap.resources.rights import cluster_arn, push_policy
from airgap.resources.workloads import WORKLOADS, chosen, pod_identity_trust

DECLARED = {one.key: one for declare in IDENTITY for one in declare.declare(DEMO, None)}
PUSH = push_policy(DEMO, ("vpc-endpoint:ecr.api", "vpc-endpoint:ecr.dkr"))
POLICIES = {key: one for key, one in [*DECLARED.items(), (PUSH.key, PUSH)] if one.kind == "role-policy"}
READ_VERBS = ("Describe", "List", "Get", "BatchGet", "Lookup", "Search", "Filter", "View")
CLUSTER = cluster_arn(DEMO)
SECRET = DEMO.arn("secretsmanager", "secret:fintech/prod/db-AbCdEf")


def rights(role: str) -> dict[str, Any]:
    """The document of a role's inline policy."""
    return POLICIES[f"role-policy:{role}-rights"].fields["document"]


def may(document: dict[str, Any], action: str, resource: str = "*", **context: str) -> str:
    """The outcome for one call; keys of the context are written with __ for : and _ for -."""
    values = {key.replace("__", ":").replace("_", "-"): (value,) for key, value in context.items()}
    return evaluate(parse(document), Request(action, resource, context=values)).outcome


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for key, one in POLICIES.items():
        for statement in one.fields["document"]["Statement"]:
            yield key, statement


@pytest.mark.parametrize("key", POLICIES)
def test_every_action_exists_and_names_its_resource_where_iam_can(key: str) -> None:
    for statement in POLICIES[key].fields["document"]["Statement"]:
        for action in statement.get("Action", statement.get("NotAction")):
            assert iam_reference.matching(action), action
            wide = statement["Effect"] == "Allow" and statement["Resource"] == "*"
            assert not (wide and iam_reference.limitable(action) and not iam_reference.reads(action)), action


def test_inline_policies_fit_iam() -> None:
    """IAM User Guide, "IAM and STS quotas": 10,240 characters over all inline policies of a role."""
    sizes: dict[str, int] = {}
    for one in POLICIES.values():
        sizes[one.fields["role"]] = sizes.get(one.fields["role"], 0) + len(encode(one.fields["document"]))
    assert max(sizes.values()) <= 10_240


def test_no_secret_or_decryption_on_everything() -> None:
    for key, statement in statements():
        if statement["Effect"] == "Allow" and statement["Resource"] == "*":
            risky = {"secretsmanager:GetSecretValue", "kms:Decrypt", "s3:GetObject", "sts:AssumeRole", "iam:PassRole"}
            assert not risky & set(statement["Action"]), key


def test_the_developer_reads_and_nothing_else() -> None:
    listed, ceiling = rights("developer")["Statement"]
    assert listed["Action"] == ceiling["NotAction"]
    for action in listed["Action"]:
        assert action.split(":")[1].startswith(READ_VERBS), action
        assert iam_reference.reads(action), action


@pytest.mark.parametrize(
    "action",
    [
        "secretsmanager:GetSecretValue",
        "secretsmanager:BatchGetSecretValue",
        "kms:Decrypt",
        "ssm:GetParameter",
        "ssm:StartSession",
        "ssm:SendCommand",
        "s3:GetObject",
        "s3:ListBucket",
        "dynamodb:GetItem",
        "dynamodb:Scan",
        "ec2:GetPasswordData",
        "ec2:GetConsoleOutput",
        "ecr:GetAuthorizationToken",
        "ecr:PutImage",
        "eks:AccessKubernetesApi",
        "lambda:GetFunction",
        "bedrock:InvokeModel",
        "codepipeline:StartPipelineExecution",
        "sts:AssumeRole",
        "sts:GetFederationToken",
    ],
)
def test_the_developer_is_denied(action: str) -> None:
    assert may(rights("developer"), action) == DENY
    everything = {"Sid": "Added", "Effect": "Allow", "Action": "*", "Resource": "*"}
    widened = {**rights("developer"), "Statement": [*rights("developer")["Statement"], everything]}
    assert may(widened, action) == DENY


@pytest.mark.parametrize("action", ["ec2:DescribeRouteTables", "logs:FilterLogEvents", "eks:DescribeCluster"])
def test_the_developer_may_look(action: str) -> None:
    assert may(rights("developer"), action) == ALLOW


def test_the_developer_role_needs_mfa_of_users_and_leaves_it_to_the_provider_of_roles() -> None:
    trust = DECLARED["role:developer"].fields["trust"]
    user = {"principal": "arn:aws:iam::123456789012:user/ada", "account": "123456789012"}
    for value, outcome in (("true", ALLOW), ("false", DENY), ("", DENY)):
        context = {"aws:MultiFactorAuthPresent": (value,) if value else ()}
        request = Request("sts:AssumeRole", "*", context=context, **user)
        assert evaluate(parse(trust), request).outcome == outcome


def test_the_deployment_role_is_the_runners_alone() -> None:
    trust = DECLARED["role:cicd"].fields["trust"]
    assert [one["Principal"] for one in trust["Statement"]] == [{"AWS": "${role:runner.arn}"}]
    assert rights("runner")["Statement"][0]["Action"] == ["sts:AssumeRole"]
    assert rights("runner")["Statement"][0]["Resource"] == "${role:cicd.arn}"
    assert not [key for key in DECLARED if key.startswith("role-attachment:runner")]


def _of_runner(variant: str) -> list[str]:
    intent = dataclasses.replace(DEMO, pipeline=dataclasses.replace(DEMO.pipeline, variant=variant))
    declared = {one.key: one for one in declare_roles.declare(intent, None)}  # type: ignore[arg-type]
    statements = declared["role-policy:runner-rights"].fields["document"]["Statement"]
    return [action for one in statements for action in one["Action"]]


def test_only_a_runner_that_session_manager_reaches_has_its_agents_rights() -> None:
    assert _of_runner("ghes") == ["sts:AssumeRole"]
    builds = _of_runner("codepipeline")
    assert builds[0] == "sts:AssumeRole"
    assert not [one for one in builds if one.startswith(("ssm", "kms:G", "s3:Put", "iam:"))]
    document = rights("runner")
    assert {action.partition(":")[0] for action in _of_runner("ssm-runner")} == {
        "sts", "ssm", "ssmmessages", "kms", "logs"
    }  # fmt: skip
    for action in ("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel"):
        assert may(document, action) == ALLOW
    # The managed policy AmazonSSMManagedInstanceCore would let it read every parameter of the account.
    for action in ("ssm:GetParameter", "ssm:GetParameters", "ssm:SendCommand", "ssm:StartSession", "s3:GetObject"):
        assert may(document, action) == DENY


def test_the_deployment_role_reads_named_secrets_and_pushes_through_endpoints_only() -> None:
    document = rights("cicd")
    assert may(document, "eks:DescribeCluster", CLUSTER) == ALLOW
    assert may(document, "secretsmanager:GetSecretValue", SECRET) == ALLOW
    assert may(document, "secretsmanager:GetSecretValue", SECRET.replace("prod/db", "prod/other")) == DENY
    assert may(document, "ecr:PutImage", DEMO.arn("ecr", "repository/fintech/application")) == DENY
    repository = DEMO.arn("ecr", "repository/fintech/application")
    push = PUSH.fields["document"]
    inside, outside = "${vpc-endpoint:ecr.api.id}", "vpce-0123456789abcdef0"
    assert evaluate(parse(push), _push(repository, outside)).outcome == DENY
    assert evaluate(parse(push), _push(DEMO.arn("ecr", "repository/other/x"), inside)).outcome == DENY
    assert PUSH.after == {"role:cicd", "vpc-endpoint:ecr.api", "vpc-endpoint:ecr.dkr"}


def _push(repository: str, endpoint: str) -> Request:
    return Request("ecr:PutImage", repository, context={"aws:SourceVpce": (endpoint,)})


def test_a_pod_identity_trust_is_bound_to_one_service_account() -> None:
    workload = next(one for one in WORKLOADS if one.name == "external-secrets")
    trust = parse(pod_identity_trust(DEMO, workload))
    right = {
        "aws:RequestTag/eks-cluster-arn": CLUSTER,
        "aws:RequestTag/kubernetes-namespace": "external-secrets",
        "aws:RequestTag/kubernetes-service-account": "external-secrets",
    }
    assert _session(trust, right) == {"sts:AssumeRole": ALLOW, "sts:TagSession": ALLOW}
    for key in right:
        wrong = {**right, key: "other"}
        assert set(_session(trust, wrong).values()) == {DENY}
        assert set(_session(trust, {one: value for one, value in right.items() if one != key}).values()) == {DENY}


def _session(trust: Any, tags: dict[str, str]) -> dict[str, str]:
    context = {key: (value,) for key, value in tags.items()}
    caller = {"principal": "pods.eks.amazonaws.com", "principal_type": "Service"}
    return {
        action: evaluate(trust, Request(action, "*", context=context, **caller)).outcome
        for action in ("sts:AssumeRole", "sts:TagSession")
    }


@pytest.mark.parametrize("workload", chosen(DEMO), ids=lambda one: one.name)
def test_a_workload_may_make_the_calls_of_its_components(workload: Any) -> None:
    """The endpoint policies rest on the same table of calls; what AWS's own policies grant is not looked into."""
    if workload.managed:
        return
    granted = {action for one in rights(workload.key)["Statement"] for action in one["Action"]}
    for name in set(workload.components) & set(DEMO.components):
        calls = {action for one in component(name).calls if one.by == "own" for action in one.actions}
        assert calls - granted <= {"dynamodb:ListTables", "dynamodb:DescribeEndpoints"}, name


def test_the_application_invokes_named_models_only() -> None:
    document = rights("workload-application")
    model = "arn:aws:bedrock:us-east-1::foundation-model/"
    assert may(document, "bedrock:InvokeModel", f"{model}amazon.nova-pro-v1:0") == ALLOW
    assert may(document, "bedrock:InvokeModel", f"{model}amazon.titan-embed-text-v2:0") == ALLOW
    assert may(document, "bedrock:InvokeModel", f"{model}amazon.nova-lite-v1:0") == DENY
    assert may(document, "bedrock:CreateGuardrail") == DENY


def test_the_application_signs_in_to_the_cache_as_its_own_user_and_nobody_else_does() -> None:
    cache = DEMO.arn("elasticache", "replicationgroup:fintech-cache")
    for key, policy in POLICIES.items():
        document = policy.fields["document"]
        own = ALLOW if key == "role-policy:workload-application-rights" else DENY
        assert may(document, "elasticache:Connect", cache) == own, key
        assert may(document, "elasticache:Connect", DEMO.arn("elasticache", "user:fintech-application")) == own, key
        for other in ("user:fintech-cache-default", "user:default", "replicationgroup:other", "serverlesscache:other"):
            assert may(document, "elasticache:Connect", DEMO.arn("elasticache", other)) == DENY, (key, other)


def test_the_load_balancer_controller_registers_targets_of_ours_and_changes_nothing_else() -> None:
    document = rights("workload-load-balancer-controller")
    group = DEMO.arn("elasticloadbalancing", "targetgroup/app/0123456789abcdef")
    register = "elasticloadbalancing:RegisterTargets"
    ours = {"aws:ResourceTag/airgap:environment": ("demo",)}
    assert evaluate(parse(document), Request(register, group, context=ours)).outcome == ALLOW
    assert evaluate(parse(document), Request(register, group)).outcome == DENY
    assert may(document, "elasticloadbalancing:CreateLoadBalancer") == DENY
    assert may(document, "ec2:AuthorizeSecurityGroupIngress") == DENY


def test_declarations_are_kinds_of_the_step() -> None:
    kinds = {kind.name for declare in IDENTITY for kind in declare.kinds}
    assert {one.kind for one in DECLARED.values()} == kinds
    assert all(isinstance(one, Desired) for one in DECLARED.values())


def test_break_glass_can_encrypt_the_session_that_it_types_in_and_nothing_else() -> None:
    """The preferences name a key, so both ends of a session ask KMS, each with the session's id as context."""
    declared = {one.key: one for one in declare_break_glass.declare(DEMO, None)}
    policy = declared["role-policy:break-glass-rights"].fields["document"]
    key = DEMO.arn("kms", "key/0123")
    context = "kms:EncryptionContext:aws:ssm:SessionId"
    for action, asked, outcome in (
        ("kms:GenerateDataKey", {context: ("person-0123",)}, ALLOW),
        ("kms:GenerateDataKey", {}, DENY),
        ("kms:Decrypt", {context: ("person-0123",)}, DENY),
    ):
        assert evaluate(parse(policy), Request(action, key, context=asked)).outcome == outcome, (action, asked)
