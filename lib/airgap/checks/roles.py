"""Roles: no wildcards, nobody foreign, each one limited to its task (IAM-01)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Union

from airgap.checks.check import NotApplicable, Undecided, check
from airgap.checks.scope import Item, Named, every, is_ours, label
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import Policy, parse
from airgap.model.policy_lint import Grant, actions, foreign_principals, grants_admin, wildcard_grants

DETAILS = "iam:GetAccountAuthorizationDetails"
READS = (DETAILS,)
READING = ("BatchGet", "Describe", "Filter", "Get", "List", "Lookup", "Search", "View")
# Reads that give out data, secrets or credentials.
PRECIOUS = (
    "athena:GetQueryResults", "bedrock:InvokeModel", "codeartifact:GetAuthorizationToken", "dynamodb:BatchGetItem",
    "dynamodb:GetItem", "dynamodb:GetRecords", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords", "lambda:GetFunction", "s3:GetObject", "s3:GetObjectVersion",
    "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters",
    "ssm:GetParametersByPath", "sts:GetFederationToken", "sts:GetSessionToken", "transcribe:GetTranscriptionJob",
)  # fmt: skip
# Service Authorization Reference: writes that no resource can limit, by service.
UNBOUND = {
    "ec2": ("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface",
            "UnassignPrivateIpAddresses"),
    "ssm": ("PutInventory", "UpdateInstanceInformation"),
    "ssmmessages": ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"),
    "transcribe": ("StartStreamTranscription", "StartStreamTranscriptionWebSocket"),
}  # fmt: skip
MANAGED = {
    "node": {"AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"},
    "cluster": {"AmazonEKSClusterPolicy"},
    "vpc-cni": {"AmazonEKS_CNI_Policy"},
    "ebs-csi": {"AmazonEBSCSIDriverPolicyV2"},
}
_PUSH = ("ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload")
_DEPLOY = (*_PUSH, "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken",
           "ecr:GetDownloadUrlForLayer", "eks:DescribeCluster", "kms:Decrypt", "secretsmanager:GetSecretValue")  # fmt: skip


def roles(intent: Intent, estate: Estate) -> Named:
    """Return the environment's roles: those with its tag, and those of its names whoever made them."""
    return [
        (label(one, "RoleName"), one)
        for one in every(estate, DETAILS, "RoleDetailList")
        if not one["Path"].startswith("/aws-service-role/")
        and (is_ours(one, intent) or one["RoleName"] in _names(intent))
    ]


def _names(intent: Intent) -> dict[str, str]:
    """The names that outsiders rely on, with what each is for."""
    named = {intent.name(one): one for one in ("developer", "node", "runner", "cluster", "vpc-cni", "ebs-csi")}
    return {**named, intent.identity.deploy_role: "deploy"}


def one_role(purpose: str) -> Any:
    """Return a population: the role of a purpose, by its name."""

    def find(intent: Intent, estate: Estate) -> Named:
        return [(name, one) for name, one in roles(intent, estate) if _names(intent).get(one["RoleName"]) == purpose]

    return find


def policies(role: Item, estate: Estate) -> Iterator[tuple[str, Policy]]:
    """Yield (name, policy) of a role's inline policies and of the account's own that are attached to it."""
    for one in role.get("RolePolicyList", []):
        yield one["PolicyName"], parse(_document(one["PolicyDocument"]))
    own = {one["Arn"]: one for one in every(estate, DETAILS, "Policies")}
    for one in role.get("AttachedManagedPolicies", []):
        if one["PolicyArn"] in own:
            versions = own[one["PolicyArn"]].get("PolicyVersionList", [])
            current = [each for each in versions if each.get("IsDefaultVersion")]
            if not current:
                raise Undecided(f"the default version of {one['PolicyArn']} is not in the page")
            yield one["PolicyName"], parse(_document(current[0]["Document"]))
        elif not _is_aws(one):
            raise Undecided(f"the policy {one['PolicyArn']} is not in the page")


def _document(value: Any) -> Union[str, Mapping[str, Any]]:
    return value if isinstance(value, (str, Mapping)) else str(value)


def _is_aws(attached: Item) -> bool:
    return ":iam::aws:policy/" in str(attached.get("PolicyArn", ""))


def allowed(role: Item, estate: Estate) -> list[Grant]:
    """Return what a role's policies allow."""
    return [grant for _, policy in policies(role, estate) for grant in actions(policy) if grant.effect == "Allow"]


def _unbound(sentence: str) -> bool:
    """Whether a sentence speaks of a write that no resource can limit."""
    return any(f"write {service}:{name} on" in sentence for service, names in UNBOUND.items() for name in names)


@check(
    "roles-no-wildcards",
    "No policy of the role grants everything, every action of a service, or writes on every resource",
    severity="critical",
    properties=("IAM-01",),
    reads=READS,
    remedy="name the actions and the resources",
    over=roles,
)
def no_wildcards(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each wide grant of an inline or own managed policy."""
    for name, policy in policies(role, estate):
        if grants_admin(policy):
            yield f"policy {name} grants administration"
        for sentence in wildcard_grants(policy):
            if not _unbound(sentence):
                yield f"policy {name}: {sentence}"


@check(
    "roles-managed-known",
    "The role carries no policy of AWS beyond those that its task is documented to need",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="detach the policy; add what is needed as a statement of the role",
    over=roles,
)
def managed_known(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each policy of AWS that is not on the list of the role's task."""
    known = MANAGED.get(_names(intent).get(role["RoleName"], ""), set())
    for one in role.get("AttachedManagedPolicies", []):
        if _is_aws(one) and one["PolicyArn"].rpartition("/")[2] not in known:
            yield f"{one['PolicyArn']} is attached"


@check(
    "roles-trust-own",
    "Nobody outside the accounts in scope may assume the role",
    severity="critical",
    properties=("IAM-01",),
    reads=READS,
    remedy="take the principal out of the trust policy",
    over=roles,
)
def trust_own(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each foreign principal of the trust policy."""
    policy = parse(_document(role["AssumeRolePolicyDocument"]))
    admitted = foreign_principals(policy, intent.accounts, intent.organization)
    yield from (*admitted.foreign, *admitted.unresolved)


@check(
    "roles-bounded",
    "The role carries the declared permissions boundary",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="set the boundary on the role",
    over=roles,
)
def bounded(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the boundary is another one, or missing."""
    wanted = intent.identity.permissions_boundary
    if not wanted:
        raise NotApplicable("the params declare no permissions boundary")
    found = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    if found != wanted:
        yield f"its boundary is {found or 'none'}"


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
            beyond = [one for one in statement.actions if one not in _DEPLOY]
            yield from (f"policy {name} allows {one}" for one in beyond)
            tied = {value for _, key, wanted in statement.conditions if key == "aws:SourceVpce" for value in wanted}
            if set(statement.actions) & set(_PUSH) and not (tied and tied <= own):
                yield f"policy {name} allows pushing images from {', '.join(sorted(tied - own)) or 'anywhere'}"


@check(
    "role-runner-assumes",
    "The runner's role may become the deployment role, and nothing else",
    severity="high",
    properties=("IAM-01",),
    reads=READS,
    remedy="take every other statement out of the runner's role",
    over=one_role("runner"),
)
def runner(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each right of the runner beside the one."""
    wanted = intent.arn("iam", f"role/{intent.identity.deploy_role}", region="")
    for grant in allowed(role, estate):
        if grant.action != "sts:AssumeRole" or grant.resource != wanted:
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


CHECKS = (no_wildcards, managed_known, trust_own, bounded, developer, deploy, runner, node)
