"""Who may be each role of the platform, and what it may do then: operators, pipeline, nodes, cluster, deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airgap.model.cluster import FORWARDING
from airgap.model.delivery import build_log_group
from airgap.model.intent import Intent
from airgap.model.names import readable_secrets
from airgap.model.plan import Desired, ref
from airgap.resources import names
from airgap.resources.developer import developer_statements
from airgap.resources.key_policies import runner_is_reached, suffix
from airgap.resources.roles import Role, inline_policy
from airgap.resources.statements import allow, document, trust

PULL = "ecr:BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer"
PUSH = f"{PULL} CompleteLayerUpload InitiateLayerUpload PutImage UploadLayerPart"


def platform_roles(intent: Intent) -> Iterator[Role]:
    """Yield every role that is not a workload's."""
    yield _developer(intent)
    yield from _pipeline(intent)
    yield from _cluster(intent)
    if "operations-host" in intent.components:
        yield _operations_host(intent)
    yield from _deliveries(intent)
    if "secret-rotation" in intent.components:
        yield _rotation(intent)
    if "database-bootstrap" in intent.components:
        yield _bootstrap(intent)


def through(intent: Intent, purpose: str, *services: str, write: bool = False) -> dict[str, Any]:
    """Return the statement by which a role uses a key of ours through services, which encrypt with it for the role."""
    via = {"kms:ViaService": [f"{name}.{intent.region}.{suffix(intent)}" for name in services]}
    actions = "kms:Decrypt GenerateDataKey" if write else "kms:Decrypt"
    sid = f"{purpose.capitalize()}KeyThroughServices"
    return allow(sid, actions, ref(f"kms-key:{purpose}", "arn"), {"StringEquals": via})


def secret_arn(intent: Intent, name: str = "") -> str:
    """Return the ARN of a secret, '' for the database's; AWS adds a dash and six characters to its name."""
    return intent.arn("secretsmanager", f"secret:{name or intent.secrets.database}-??????")


def readable(intent: Intent, role: str, actions: str) -> dict[str, Any]:
    """Return a role's right to the secrets that it may read, each named."""
    arns = [secret_arn(intent, name) for name in readable_secrets(intent, role)]
    return allow("NamedSecrets", actions, arns if len(arns) > 1 else arns[0])


def cluster_arn(intent: Intent) -> str:
    """Return the ARN of the EKS cluster."""
    return intent.arn("eks", f"cluster/{intent.cluster.name}")


def bucket_arn(intent: Intent, purpose: str, key: str = "") -> str:
    """Return the ARN of a bucket of ours, or of objects in it."""
    return intent.arn("s3", names.bucket(intent, purpose) + key, region="", account="")


def _service(intent: Intent, name: str, source: str = "", actions: str = "AssumeRole") -> dict[str, Any]:
    """Trust in a service; ``source`` is the ARN on whose behalf alone it may come (confused deputy)."""
    principal = {"Service": f"{name}.{suffix(intent) if name == 'ec2' else 'amazonaws.com'}"}
    if not source:
        return trust(principal, actions)
    ours = {"aws:SourceAccount": intent.account}
    return trust(principal, actions, StringEquals=ours, ArnLike={"aws:SourceArn": source})


def _developer(intent: Intent) -> Role:
    why = "developers read, and do nothing else"
    trusted = people(intent, intent.identity.developer_principals)
    return Role("developer", intent.name("developer"), trusted, developer_statements(), why=why)


def people(intent: Intent, principals: Sequence[str], **conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trust in people: MFA where AWS sees it; a federated role's session has none, its provider asks."""
    named = principals or (intent.arn("iam", "root", region=""),)
    roles = [arn for arn in named if ":role/" in arn]
    others = [arn for arn in named if ":role/" not in arn]
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    actions = "AssumeRole SetSourceIdentity"
    statements = [*(trust({"AWS": others}, actions, **mfa, **conditions)["Statement"] if others else ())]
    statements += trust({"AWS": roles}, actions, **conditions)["Statement"] if roles else ()
    return document(*statements)


def way_in(intent: Intent, documents: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the right to open sessions on the operations host by these documents, and to end one's own.

    A session that is typed in is encrypted under the key of the preferences, for which the person's own side asks KMS;
    forwarding is not. AWS: Systems Manager User Guide, "Additional sample IAM policies for Session Manager";
    amazon-ssm-agent, ``sessionplugin.go`` (``isEncryptionEnabled``).
    """
    ours = {"airgap:environment": intent.environment, "airgap:key": "instance:operations-host"}
    host = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in ours.items()}}
    # Documents of AWS are of no account; the preferences are the account's own.
    named_ones = [
        intent.arn("ssm", f"document/{one}", account="" if one.startswith("AWS-") else intent.account)
        for one in documents
    ]
    session = {"Null": {"kms:EncryptionContext:aws:ssm:SessionId": "false"}}
    typed = set(documents) - {FORWARDING}
    return (
        allow("OpenSessions", "ssm:StartSession", intent.arn("ec2", "instance/*"), host),
        allow("ByTheseDocuments", "ssm:StartSession", named_ones),
        allow("EndSessions", "ssm:ResumeSession TerminateSession", intent.arn("ssm", "session/${aws:userid}-*")),
        *((allow("SessionKey", "kms:GenerateDataKey", intent.arn("kms", "key/*"), session),) if typed else ()),
    )


def _pipeline(intent: Intent) -> Iterator[Role]:
    builds = intent.pipeline.variant == "codepipeline"
    host = _service(intent, "codebuild", intent.arn("codebuild", "project/*")) if builds else _service(intent, "ec2")
    why = "the runner may become the deployment role, and nothing else but be reached"
    deploy = allow("Deploy", "sts:AssumeRole", ref("role:cicd", "arn"))
    more = _builds(intent) if builds else _reached(intent) if runner_is_reached(intent) else ()
    yield Role("runner", intent.name("runner"), host, (deploy, *more), on_instances=not builds, why=why)
    if builds:
        yield _starts_builds(intent)
    statements = (
        allow("RegistryToken", "ecr:GetAuthorizationToken"),
        allow("FindTheCluster", "eks:DescribeCluster", cluster_arn(intent)),
        readable(intent, intent.identity.deploy_role, "secretsmanager:GetSecretValue"),
        through(intent, "data", "secretsmanager", *(("s3",) if intent.pipeline.tools else ())),
        *((_tools(intent),) if intent.pipeline.tools else ()),
    )
    runner = trust({"AWS": ref("role:runner", "arn")})
    yield Role("cicd", intent.identity.deploy_role, runner, statements, why="CI/CD pushes images and deploys")


def _tools(intent: Intent) -> dict[str, Any]:
    """Helm and kubectl, where the image of the machine has none."""
    return allow("Tools", "s3:GetObject", bucket_arn(intent, "artifacts", "/tools/*"))


def _builds(intent: Intent) -> tuple[dict[str, Any], ...]:
    """CodeBuild User Guide, "Allow CodeBuild access to AWS services required to create a VPC network interface"."""
    own = {"StringEquals": {"ec2:AuthorizedService": f"codebuild.{suffix(intent)}"}}
    interfaces = intent.arn("ec2", "network-interface/*")
    return (
        *_write_logs(intent, "Builds", build_log_group(intent))[:1],
        allow("Releases", "s3:GetObject GetObjectVersion", bucket_arn(intent, "artifacts", "/*")),
        through(intent, "data", "s3"),
        allow(
            "FindNetwork",
            "ec2:DescribeDhcpOptions DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        ),
        allow("Interfaces", "ec2:CreateNetworkInterface DeleteNetworkInterface", intent.arn("ec2", "*/*")),
        allow("InterfacesForBuilds", "ec2:CreateNetworkInterfacePermission", interfaces, own),
    )


def _starts_builds(intent: Intent) -> Role:
    """CodePipeline User Guide, "Manage the CodePipeline service role"."""
    trusted = _service(intent, "codepipeline", intent.arn("codepipeline", intent.name("deploy")))
    statements = (
        allow("Releases", "s3:GetObject GetObjectVersion PutObject", bucket_arn(intent, "artifacts", "/*")),
        allow("ReleaseBucket", "s3:GetBucketLocation GetBucketVersioning", bucket_arn(intent, "artifacts")),
        through(intent, "data", "s3", write=True),
        allow(
            "Builds", "codebuild:BatchGetBuilds StartBuild", intent.arn("codebuild", f"project/{intent.name('deploy')}")
        ),
    )
    why = "CodePipeline reads a release and starts its build as it"
    return Role("pipeline", intent.name("pipeline"), trusted, statements, why=why)


def push_policy(intent: Intent, endpoint_keys: Sequence[str]) -> Desired:
    """Return the deployment role's right to push: to own repositories, through these VPC endpoints alone."""
    repositories = intent.arn("ecr", f"repository/{names.repository(intent, '*')}")
    inside = {"StringEquals": {"aws:SourceVpce": [ref(key) for key in endpoint_keys]}}
    statement = allow("PushThroughEndpoints", PUSH, repositories, inside)
    return inline_policy("cicd", "push", (statement,), why="images enter through the VPC's own endpoints only")


def _cluster(intent: Intent) -> Iterator[Role]:
    # Customer-routed egress: EKS looks up the VPC and its name servers (EKS User Guide, "Control plane egress").
    routed = allow("CustomerRoutedEgress", "ec2:DescribeDhcpOptions DescribeVpcs")
    eks = _service(intent, "eks", cluster_arn(intent))
    control = ("AmazonEKSClusterPolicy",)
    yield Role("cluster", intent.name("cluster"), eks, (routed,), control, why="the control plane acts as it")
    statements: list[dict[str, Any]] = []
    if "application-buckets" in intent.components:
        statements = [*_read_bucket(intent, "application"), through(intent, "data", "s3")]
    managed = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy")
    why = "nodes join the cluster and pull images; rights of pods are on their service accounts"
    yield Role("node", intent.name("node"), _service(intent, "ec2"), statements, managed, why=why)


def _read_bucket(intent: Intent, purpose: str) -> tuple[dict[str, Any], ...]:
    title = purpose.capitalize()
    return (
        allow(f"{title}Bucket", "s3:GetBucketLocation ListBucket", bucket_arn(intent, purpose)),
        allow(f"{title}Objects", "s3:GetObject", bucket_arn(intent, purpose, "/*")),
    )


def _reached(intent: Intent) -> tuple[dict[str, Any], ...]:
    """What an agent needs so that Session Manager reaches its instance, and may write down what was done there.

    A narrow part of AmazonSSMManagedInstanceCore, which reads every parameter of the account.
    Systems Manager User Guide, "Instance permissions for Session Manager".
    """
    return (
        allow("Agent", "ssm:UpdateInstanceInformation"),
        allow("Channels", "ssmmessages:CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel"),
        allow("SessionKey", "kms:Decrypt", ref("kms-key:logs", "arn")),
        *_write_logs(intent, "Transcripts", names.log_group(intent, "sessions")),
    )


def _operations_host(intent: Intent) -> Role:
    """Reached by Session Manager alone."""
    ours = intent.arn("ecr", f"repository/{names.repository(intent, '*')}")
    statements = (
        *_reached(intent),
        allow("Associations", "ssm:ListAssociations ListInstanceAssociations PutInventory"),
        allow("SessionDocuments", "ssm:GetDocument", intent.arn("ssm", "document/SSM-SessionManagerRunShell")),
        allow("Cluster", "eks:DescribeCluster ListAccessEntries ListAddons", cluster_arn(intent)),
        allow("RegistryToken", "ecr:GetAuthorizationToken"),
        allow("Images", f"{PULL} DescribeImages DescribeRepositories ListImages", ours),
        *_read_bucket(intent, "artifacts"),
        through(intent, "data", "s3"),
        allow("Network", "ec2:DescribeManagedPrefixLists DescribeRouteTables DescribeVpcEndpoints DescribeVpcs"),
        allow("Targets", "elasticloadbalancing:DescribeLoadBalancers DescribeTargetGroups DescribeTargetHealth"),
        allow("Nodes", "autoscaling:DescribeAutoScalingGroups DescribeScalingActivities"),
    )
    why = "operators reach Kubernetes and SQL through it"
    trusted = _service(intent, "ec2")
    return Role("operations-host", intent.name("operations-host"), trusted, statements, on_instances=True, why=why)


def _write_logs(intent: Intent, sid: str, group: str) -> tuple[dict[str, Any], ...]:
    """Rights to write one log group; finding groups cannot be limited to one."""
    arn = intent.arn("logs", f"log-group:{group}")
    return (
        allow(sid, "logs:CreateLogStream DescribeLogStreams PutLogEvents", [f"{arn}:*", arn]),
        allow(f"{sid}Groups", "logs:DescribeLogGroups"),
    )


def _deliveries(intent: Intent) -> Iterator[Role]:
    """VPC User Guide, "IAM role for publishing flow logs"; Bedrock User Guide, "Model invocation logging"."""
    flows = _service(intent, "vpc-flow-logs", intent.arn("ec2", "vpc-flow-log/*"))
    rights = _write_logs(intent, "FlowLogs", names.log_group(intent, "flow-logs"))
    yield Role("flow-logs", intent.name("flow-logs"), flows, rights, why="flow logs are delivered as it")
    if {"bedrock-inference", "bedrock-verify"} & set(intent.components):
        invocations = _service(intent, "bedrock", intent.arn("bedrock", "*"))
        rights = _write_logs(intent, "Invocations", names.log_group(intent, "bedrock"))
        yield Role("bedrock-logs", intent.name("bedrock-logs"), invocations, rights, why="invocations are logged as it")


def function_statements(intent: Intent, name: str) -> tuple[dict[str, Any], ...]:
    """Return what the role of any function in the VPC needs: Lambda makes its interfaces as it, and it writes its log.

    The code itself may not touch interfaces (Lambda Developer Guide, "Configuring network access", "Security").
    """
    interfaces = "ec2:AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface UnassignPrivateIpAddresses"
    itself = {"ArnEquals": {"lambda:SourceFunctionArn": intent.arn("lambda", f"function:{intent.name(name)}")}}
    return (
        allow("Interfaces", interfaces, intent.arn("ec2", "*/*")),
        allow("FindInterfaces", "ec2:DescribeNetworkInterfaces DescribeSubnets"),
        {**allow("NotByItsCode", f"{interfaces} DescribeNetworkInterfaces", condition=itself), "Effect": "Deny"},
        *_write_logs(intent, "Logs", f"/aws/lambda/{intent.name(name)}")[:1],
    )


def _bootstrap(intent: Intent) -> Role:
    """The function that prepares the database signs in as its master, whose password AWS keeps."""
    database = intent.arn("rds", f"db:{intent.data.postgres_name}")
    master = {"StringEquals": {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": database}}
    statements = (
        allow("Master", "secretsmanager:GetSecretValue", intent.arn("secretsmanager", "secret:rds!db-*"), master),
        through(intent, "data", "secretsmanager"),
        *function_statements(intent, "database-bootstrap"),
    )
    name, trusted = intent.name("database-bootstrap"), _service(intent, "lambda")
    return Role("database-bootstrap", name, trusted, statements, why="the database is prepared for vectors as it")


def _rotation(intent: Intent) -> Role:
    """Secrets Manager User Guide, "Lambda rotation function execution role permissions", alternating users."""
    database = intent.arn("rds", f"db:{intent.data.postgres_name}")
    master = {"StringEquals": {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": database}}
    statements = (
        allow(
            "Rotate",
            "secretsmanager:DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage",
            secret_arn(intent),
        ),
        allow("Master", "secretsmanager:GetSecretValue", intent.arn("secretsmanager", "secret:rds!db-*"), master),
        allow("Passwords", "secretsmanager:GetRandomPassword"),
        through(intent, "data", "secretsmanager", write=True),
        *function_statements(intent, "rotation"),
    )
    trusted = _service(intent, "lambda")
    return Role("rotation", intent.name("rotation"), trusted, statements, why="database passwords are changed as it")
