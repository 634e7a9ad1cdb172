"""Roles by their tasks: developers read, the pipeline deploys, the runner becomes it, nodes pull, and one role
signs in to the cache (IAM-01)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from airgap.checks.check import check
from airgap.checks.keys import KEY_READS, keys
from airgap.checks.roles import MANAGED, READS, allowed, one_role, policies, roles
from airgap.checks.scope import Item
from airgap.model.data_stores import cache_user
from airgap.model.delivery import build_log_group
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import bucket, log_group
from airgap.model.policy_document import Statement

READING = ("BatchGet", "Describe", "Filter", "Get", "List", "Lookup", "Search", "View")
# Reads that give out data, secrets or credentials.
PRECIOUS = (
    "athena:GetQueryResults", "bedrock:InvokeModel", "codeartifact:GetAuthorizationToken", "dynamodb:BatchGetItem",
    "dynamodb:GetItem", "dynamodb:GetRecords", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords", "lambda:GetFunction", "s3:GetObject", "s3:GetObjectVersion",
    "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters",
    "ssm:GetParametersByPath", "sts:GetFederationToken", "sts:GetSessionToken", "transcribe:GetTranscriptionJob",
)  # fmt: skip
_PUSH = ("ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload")
_DEPLOY = (
    *_PUSH, "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer", "eks:DescribeCluster", "kms:Decrypt", "secretsmanager:GetSecretValue",
)  # fmt: skip


@check(
    "role-developer-reads",
    "Developers read configuration, and neither secrets nor data",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="take the action out of the developer role",
    over=one_role("developer"),
)
def developer(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each granted action that is no read, or may give out data, secrets or credentials."""
    for grant in allowed(role, estate):
        verb = grant.action.partition(":")[2]
        if not verb.startswith(READING):
            yield f"{grant.action} is allowed"
        for one in PRECIOUS:
            if fnmatchcase(one.lower(), grant.action.lower()):
                yield f"{grant.action} is allowed, which gives out {one}"


@check(
    "role-deploy-limited",
    "The deployment role pushes through the VPC's own endpoints, and does nothing beyond its task",
    severity="high",
    properties=("IAM-01",),
    reads=(*READS, "ec2:DescribeVpcEndpoints"),
    remedy="apply the steps identity and endpoints",
    over=one_role("deploy"),
)
def deploy(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each action beyond the task, and each push that is not tied to an endpoint of the account."""
    own = {one["VpcEndpointId"] for one in estate.items("ec2:DescribeVpcEndpoints", "VpcEndpoints")}
    for name, policy in policies(role, estate):
        for statement in policy.statements:
            if statement.effect != "Allow":
                continue
            named = ("*",) if "Action" in statement.negated else statement.actions
            yield from (f"policy {name} allows {one}" for one in named if one not in _known(intent, statement))
            tied = {
                value
                for operator, key, wanted in statement.conditions
                if (operator, key.lower()) == ("StringEquals", "aws:sourcevpce")
                for value in wanted
            }
            if set(named) & set(_PUSH) and not (tied and tied <= own):
                yield f"policy {name} allows pushing images from {', '.join(sorted(tied - own)) or 'anywhere'}"


def _known(intent: Intent, statement: Statement) -> tuple[str, ...]:
    """The actions of the task: reading tools from the artefact bucket too, where the params name some."""
    tools = intent.arn("s3", f"{bucket(intent, 'artifacts')}/tools/*", region="", account="")
    reads = intent.pipeline.tools and statement.resources == (tools,)
    return (*_DEPLOY, "s3:GetObject") if reads else _DEPLOY


def _reached(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    """The rights (action, resource) by which Session Manager reaches an instance and records what is done there."""
    key = dict(keys(intent, estate))["kms-key:logs"].get("Arn", "")
    group = intent.arn("logs", f"log-group:{log_group(intent, 'sessions')}")
    streams = ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
    channels = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
    return [
        ("ssm:UpdateInstanceInformation", "*"),
        *((f"ssmmessages:{one}", "*") for one in channels),
        ("kms:Decrypt", key),
        ("logs:DescribeLogGroups", "*"),
        *((f"logs:{one}", where) for one in streams for where in (group, f"{group}:*")),
    ]


def _builds(intent: Intent, estate: Estate) -> list[tuple[str, str]]:
    """The rights (action, resource) that a build needs in a VPC: interfaces, its log, the release and its key."""
    finding = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    group = intent.arn("logs", f"log-group:{build_log_group(intent)}")
    streams = ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
    releases = intent.arn("s3", f"{bucket(intent, 'artifacts')}/*", region="", account="")
    interfaces = intent.arn("ec2", "*/*")
    return [
        *((f"ec2:Describe{one}", "*") for one in finding),
        *((f"ec2:{verb}NetworkInterface", interfaces) for verb in ("Create", "Delete")),
        ("ec2:CreateNetworkInterfacePermission", intent.arn("ec2", "network-interface/*")),
        *((f"logs:{one}", where) for one in streams for where in (group, f"{group}:*")),
        *((f"s3:{one}", releases) for one in ("GetObject", "GetObjectVersion")),
        ("kms:Decrypt", dict(keys(intent, estate))["kms-key:data"].get("Arn", "")),
    ]


_BESIDE = {"ssm-runner": _reached, "codepipeline": _builds}
"""What the runner's role needs beside its one task, by variant."""


@check(
    "role-runner-assumes",
    "The runner's role may become the deployment role, work where it is, and nothing else",
    severity="high",
    properties=("IAM-01",),
    reads=(*READS, *KEY_READS),
    remedy="take every other statement out of the runner's role",
    over=one_role("runner"),
)
def runner(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each right beside the one: an agent's where Session Manager reaches the runner, a build's in the VPC."""
    deploys = ("sts:AssumeRole", intent.arn("iam", f"role/{intent.identity.deploy_role}", region=""))
    beside = _BESIDE.get(intent.pipeline.variant)
    known = [deploys, *(beside(intent, estate) if beside else ())]
    for grant in allowed(role, estate):
        if (grant.action, grant.resource) not in known:
            yield f"{grant.action} on {grant.resource} is allowed"


@check(
    "role-node-pulls",
    "The node role has the two policies that nodes need, and pulls images only",
    severity="medium",
    properties=("IAM-01",),
    reads=READS,
    remedy="attach exactly these two policies",
    over=one_role("node"),
)
def node(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each needed policy that is missing, and each further right but reading application buckets."""
    carried = {one["PolicyArn"].rpartition("/")[2] for one in role.get("AttachedManagedPolicies", [])}
    for name in sorted(MANAGED["node"] - carried):
        yield f"{name} is not attached"
    for grant in allowed(role, estate):
        if not grant.action.startswith(("s3:Get", "s3:List", "kms:Decrypt")):
            yield f"{grant.action} is allowed"


@check(
    "role-cache-user",
    "The application's role signs in to the cache as the application's user, and no other role signs in at all",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="apply the step identity; take elasticache:Connect out of every other role",
    over=roles,
)
def cache_user_alone(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield where a role may sign in beyond its own user; that a role grants everything is told by another check."""
    named = (f"replicationgroup:{intent.name('cache')}", f"user:{cache_user(intent)}")
    own = role["RoleName"] == intent.name("application")
    wanted = {intent.arn("elasticache", one) for one in named} if own else set()
    connect = "elasticache:connect"
    grants = [one for one in allowed(role, estate) if fnmatchcase(connect, one.action.lower()) and one.action != "*"]
    held = {one.resource for one in grants}
    yield from (f"it may sign in to the cache by {one}" for one in sorted(held - wanted))
    yield from (f"it may not sign in: {one} is not named" for one in sorted(wanted - held))


CHECKS = (developer, deploy, runner, node, cache_user_alone)
