"""The API calls that each component makes through endpoints, with the resource that an endpoint policy sees.

Sources: the components' own IAM policies, and the Service Authorization Reference for the resource of each action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Calls(NamedTuple):
    """Actions that go through one endpoint, on one resource.

    `resource` is a template ("*" for calls without a resource). `by` is the caller: `own` role, `federated` token,
    `anonymous`, or `aws` (a URL presigned by an account of AWS). `owner` is whose the resource is: `own`, `aws`, or
    `none` where the request carries no aws:ResourceAccount. `context` holds further keys of the request.
    """

    service: str
    actions: tuple[str, ...]
    resource: str = "*"
    by: str = "own"
    owner: str = "own"
    context: tuple[tuple[str, str], ...] = ()


def _actions(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


def _own(service: str, rest: str) -> str:
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{rest}"


def _bare(endpoint: str, service: str, names: str) -> Calls:
    """Calls without a resource: whether AWS sends aws:ResourceAccount with them is not documented."""
    return Calls(endpoint, _actions(service, names), owner="none")


def _aws_bucket(name: str, by: str = "anonymous") -> Calls:
    return Calls("s3", ("s3:GetObject",), f"arn:{{partition}}:s3:::{name}/key", by, "aws")


_BUCKET = "arn:{partition}:s3:::{bucket}"
_CLUSTER = _own("eks", "cluster/{cluster}")
_LOG_STREAM = _own("logs", "log-group:/airgap/group:log-stream:stream")
_SECRET = _own("secretsmanager", "secret:fintech/prod/db-AbCdEf")
_KEY = _own("kms", "key/11111111-2222-3333-4444-555555555555")
_REPOSITORY = _own("ecr", "repository/{repository}")
_ADDON_REPOSITORY = "arn:{partition}:ecr:{region}:{addon_registry}:repository/eks/coredns"
_PULL = _actions("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer")
_PUSH = _actions("ecr", "InitiateLayerUpload UploadLayerPart CompleteLayerUpload PutImage")

_PULLS = (
    _bare("ecr.api", "ecr", "GetAuthorizationToken"),
    # Whether the registry's own endpoint asks for it too is not documented, so it must pass there as well.
    _bare("ecr.dkr", "ecr", "GetAuthorizationToken"),
    *(Calls(endpoint, _PULL, _REPOSITORY) for endpoint in ("ecr.api", "ecr.dkr")),
    *(Calls(endpoint, _PULL, _ADDON_REPOSITORY, owner="aws") for endpoint in ("ecr.api", "ecr.dkr")),
    # GetDownloadUrlForLayer answers with a URL that an account of ECR has signed (data-perimeter-policy-examples).
    _aws_bucket("prod-{region}-starport-layer-bucket", by="aws"),
)
_LOG_CALLS = (
    Calls("logs", ("logs:CreateLogStream", "logs:PutLogEvents"), _LOG_STREAM),
    Calls("logs", ("logs:DescribeLogStreams",), _own("logs", "log-group:/airgap/group")),
    _bare("logs", "logs", "DescribeLogGroups"),
)

CALLS: Mapping[str, tuple[Calls, ...]] = {
    "node-bootstrap": (
        _bare("ec2", "ec2", "DescribeInstances DescribeInstanceTypes"),
        *_PULLS,
        _aws_bucket("al2023-repos-{region}-de612dc2"),
        _aws_bucket("al2023-{region}"),
    ),
    "ecr-pull": _PULLS,
    "control-plane": (),
    "vpc-cni": (
        _bare("ec2", "ec2", "DescribeNetworkInterfaces DescribeSubnets DescribeTags DescribeInstanceTypes"),
        Calls(
            "ec2",
            _actions(
                "ec2",
                "AssignPrivateIpAddresses UnassignPrivateIpAddresses CreateNetworkInterface AttachNetworkInterface "
                "DetachNetworkInterface DeleteNetworkInterface ModifyNetworkInterfaceAttribute CreateTags",
            ),
            _own("ec2", "network-interface/eni-0123456789abcdef0"),
        ),
    ),
    "pod-identity-agent": (Calls("eks-auth", ("eks-auth:AssumeRoleForPodIdentity",), _CLUSTER),),
    "irsa": (
        Calls(
            "sts",
            ("sts:AssumeRoleWithWebIdentity",),
            "arn:{partition}:iam::{account}:role/workload",
            by="federated",
        ),
    ),
    "ebs-csi": (
        _bare("ec2", "ec2", "DescribeVolumes DescribeSnapshots DescribeInstances DescribeAvailabilityZones"),
        # CreateVolume carries no aws:ResourceAccount (IAM User Guide, global condition keys).
        Calls("ec2", ("ec2:CreateVolume",), _own("ec2", "volume/*"), owner="none"),
        Calls("ec2", ("ec2:CreateVolume",), "arn:{partition}:ec2:{region}::snapshot/snap-0123456789", owner="none"),
        Calls(
            "ec2",
            _actions("ec2", "AttachVolume DetachVolume DeleteVolume ModifyVolume CreateSnapshot CreateTags"),
            _own("ec2", "volume/vol-0123456789abcdef0"),
        ),
    ),
    "cluster-autoscaler": (
        _bare(
            "autoscaling",
            "autoscaling",
            "DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeLaunchConfigurations "
            "DescribeScalingActivities DescribeTags",
        ),
        _bare("ec2", "ec2", "DescribeImages DescribeInstanceTypes DescribeLaunchTemplateVersions"),
        Calls(
            "autoscaling",
            ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            _own("autoscaling", "autoScalingGroup:11111111:autoScalingGroupName/eks-nodes"),
        ),
    ),
    "load-balancer-controller": (
        _bare("elasticloadbalancing", "elasticloadbalancing", "DescribeTargetGroups DescribeTargetHealth"),
        _bare("ec2", "ec2", "DescribeAvailabilityZones DescribeNetworkInterfaces DescribeSecurityGroups DescribeVpcs"),
        Calls(
            "elasticloadbalancing",
            ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"),
            _own("elasticloadbalancing", "targetgroup/app/0123456789abcdef"),
        ),
    ),
    "external-secrets": (
        Calls("secretsmanager", ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"), _SECRET),
    ),
    "log-shipper": (*_LOG_CALLS, _bare("monitoring", "cloudwatch", "PutMetricData")),
    "session-manager": (
        _bare(
            "ssm",
            "ssm",
            "UpdateInstanceInformation ListAssociations ListInstanceAssociations PutInventory "
            "GetDeployablePatchSnapshotForInstance",
        ),
        Calls("ssm", ("ssm:GetDocument",), _own("ssm", "document/SSM-SessionManagerRunShell")),
        Calls("ssm", ("ssm:GetDocument",), "arn:{partition}:ssm:{region}::document/AWS-StartSSHSession", owner="aws"),
        _bare(
            "ssmmessages",
            "ssmmessages",
            "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel",
        ),
        _bare("ec2messages", "ec2messages", "AcknowledgeMessage DeleteMessage FailMessage GetMessages SendReply"),
        Calls("kms", ("kms:Decrypt", "kms:GenerateDataKey"), _KEY),
        *_LOG_CALLS,
        *(
            _aws_bucket(name)
            for name in (
                "aws-ssm-{region}",
                "amazon-ssm-{region}",
                "amazon-ssm-packages-{region}",
                "{region}-birdwatcher-prod",
                "aws-ssm-distributor-file-{region}",
                "aws-ssm-document-attachments-{region}",
                "patch-baseline-snapshot-{region}",
            )
        ),
    ),
    "dynamodb": (
        Calls(
            "dynamodb",
            _actions("dynamodb", "GetItem PutItem UpdateItem DeleteItem Query BatchWriteItem DescribeTable"),
            _own("dynamodb", "table/sessions"),
        ),
        _bare("dynamodb", "dynamodb", "ListTables DescribeEndpoints"),
    ),
    "application-buckets": (
        Calls("s3", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), f"{_BUCKET}/key"),
        Calls("s3", ("s3:ListBucket", "s3:GetBucketLocation"), _BUCKET),
    ),
    "bedrock-inference": (
        Calls(
            "bedrock-runtime",
            _actions("bedrock", "InvokeModel InvokeModelWithResponseStream"),
            "{model}",
            owner="aws",
        ),
        Calls("bedrock-runtime", ("bedrock:ApplyGuardrail",), _own("bedrock", "guardrail/abcdef123456")),
    ),
    "bedrock-verify": (
        _bare(
            "bedrock",
            "bedrock",
            "ListFoundationModels GetFoundationModelAvailability GetModelInvocationLoggingConfiguration "
            "ListInferenceProfiles",
        ),
        Calls("bedrock", ("bedrock:GetFoundationModel",), "{model}", owner="aws"),
        Calls("bedrock", ("bedrock:GetGuardrail",), _own("bedrock", "guardrail/abcdef123456")),
    ),
    "transcribe-batch": (
        Calls(
            "transcribe",
            ("transcribe:StartTranscriptionJob",),
            owner="none",
            context=(("transcribe:OutputBucketName", "{bucket}"),),
        ),
        Calls("transcribe", ("transcribe:GetTranscriptionJob",), _own("transcribe", "transcription-job/job")),
        _bare("transcribe", "transcribe", "ListTranscriptionJobs"),
        Calls("s3", ("s3:GetObject", "s3:PutObject"), f"{_BUCKET}/key"),
    ),
    "transcribe-streaming": (
        _bare(
            "transcribestreaming",
            "transcribe",
            "StartStreamTranscription StartStreamTranscriptionWebSocket",
        ),
    ),
    "secret-rotation": (
        Calls(
            "secretsmanager",
            _actions("secretsmanager", "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage"),
            _SECRET,
        ),
        _bare("secretsmanager", "secretsmanager", "GetRandomPassword"),
    ),
    "database-bootstrap": (Calls("secretsmanager", _actions("secretsmanager", "GetSecretValue"), _SECRET),),
    "operations-host": (
        _bare("sts", "sts", "GetCallerIdentity"),
        Calls("sts", ("sts:AssumeRole",), "arn:{partition}:iam::{account}:role/operator"),
        _bare("ec2", "ec2", "DescribeVpcs DescribeRouteTables DescribeVpcEndpoints DescribeManagedPrefixLists"),
        Calls(
            "ec2",
            ("ec2:GetManagedPrefixListEntries",),
            "arn:{partition}:ec2:{region}:aws:prefix-list/pl-63a5400a",
            owner="aws",
        ),
        Calls("eks", ("eks:DescribeCluster", "eks:ListAccessEntries", "eks:ListAddons"), _CLUSTER),
        _bare("eks", "eks", "ListClusters DescribeClusterVersions"),
        *_PULLS,
        Calls("ecr.api", ("ecr:DescribeImages", "ecr:DescribeRepositories"), _REPOSITORY),
        Calls("s3", ("s3:GetObject",), f"{_BUCKET}/key"),
        _bare("s3", "s3", "ListAllMyBuckets"),
        Calls("s3", ("s3:ListBucket",), _BUCKET),
        _bare("elasticloadbalancing", "elasticloadbalancing", "DescribeLoadBalancers DescribeTargetHealth"),
        _bare("autoscaling", "autoscaling", "DescribeAutoScalingGroups DescribeScalingActivities"),
        Calls("secretsmanager", ("secretsmanager:DescribeSecret",), _SECRET),
        _bare("secretsmanager", "secretsmanager", "ListSecrets"),
        Calls("ssm", ("ssm:GetParameter",), _own("ssm", "parameter/airgap/demo")),
        Calls(
            "ssm",
            ("ssm:GetParameter",),
            "arn:{partition}:ssm:{region}::parameter/aws/service/eks/optimized-ami/recommended",
            owner="aws",
        ),
        Calls("logs", ("logs:FilterLogEvents",), _own("logs", "log-group:/airgap/group")),
        _bare("logs", "logs", "DescribeLogGroups"),
    ),
    "ci-runner": (
        _bare("sts", "sts", "GetCallerIdentity"),
        Calls("sts", ("sts:AssumeRole",), "arn:{partition}:iam::{account}:role/cicd-deploy-role"),
        *_PULLS,
        *(Calls(endpoint, _PUSH, _REPOSITORY) for endpoint in ("ecr.api", "ecr.dkr")),
        Calls("eks", ("eks:DescribeCluster",), _CLUSTER),
        Calls("secretsmanager", ("secretsmanager:GetSecretValue",), _SECRET),
        Calls("ssm", ("ssm:GetParameter",), _own("ssm", "parameter/airgap/demo")),
    ),
    "runbook-inside": (
        _bare("sts", "sts", "GetCallerIdentity"),
        _bare("ec2", "ec2", "DescribeVpcs DescribeImages"),
        # CreateVpcEndpoint carries no aws:ResourceAccount (IAM User Guide, global condition keys).
        Calls(
            "ec2",
            ("ec2:CreateVpcEndpoint",),
            _own("ec2", "vpc-endpoint/*"),
            owner="none",
            context=(("ec2:VpceServiceOwner", "amazon"),),
        ),
        Calls("ec2", ("ec2:CreateVpcEndpoint",), _own("ec2", "vpc/vpc-0123456789abcdef0"), owner="none"),
        Calls(
            "ec2",
            ("ec2:RunInstances",),
            "arn:{partition}:ec2:{region}::image/ami-0123456789abcdef0",
            owner="aws",
            context=(("ec2:Owner", "amazon"),),
        ),
        Calls("ec2", ("ec2:RunInstances",), _own("ec2", "instance/*")),
        _bare("kms", "kms", "CreateKey ListKeys ListAliases"),
        Calls("kms", ("kms:DescribeKey", "kms:PutKeyPolicy"), _KEY),
        Calls("rds", ("rds:DescribeDBInstances", "rds:CreateDBInstance"), _own("rds", "db:fintech-postgres")),
        _bare("rds", "rds", "DescribeDBEngineVersions"),
        _bare("elasticache", "elasticache", "DescribeCacheEngineVersions"),
        Calls("elasticache", ("elasticache:DescribeReplicationGroups",), _own("elasticache", "replicationgroup:cache")),
        Calls("wafv2", ("wafv2:GetWebACL",), _own("wafv2", "regional/webacl/edge/11111111")),
        _bare("wafv2", "wafv2", "ListWebACLs"),
        _bare("tagging", "tag", "GetResources"),
        _bare("cloudtrail", "cloudtrail", "LookupEvents DescribeTrails"),
    ),
}
