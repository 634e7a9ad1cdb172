"""Roles of service accounts: one for each, with the rights that its component needs. EKS User Guide, "Pod Identity".

With EKS Pod Identity the trust names the cluster, the namespace and the service account, so step ``identity`` makes the
roles. With IAM roles for service accounts the trust names the cluster's own OIDC provider, which exists only once the
cluster does; ``workload_roles`` then serves step ``cluster`` with the trust that it builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from airgap.model.cluster import SERVICE_ACCOUNTS
from airgap.model.data_stores import cache_user
from airgap.model.intent import Intent
from airgap.model.plan import ref
from airgap.resources.rights import bucket_arn, cluster_arn, readable, through
from airgap.resources.roles import Role
from airgap.resources.statements import allow, trust

Statements = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Workload:
    """A service account with a role: the components for whose sake it exists, and its rights."""

    name: str
    namespace: str
    service_account: str
    components: tuple[str, ...]
    rights: Callable[[Intent], Statements]
    managed: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of its role in logical keys, as ``workload-external-secrets``."""
        return f"workload-{self.name}"


def _none(intent: Intent) -> Statements:
    return ()


def _autoscaler(intent: Intent) -> Statements:
    """Cluster Autoscaler, "AWS IAM permissions": it scales the groups that carry its tag for this cluster."""
    tag = f"aws:ResourceTag/k8s.io/cluster-autoscaler/{intent.cluster.name}"
    return (
        allow(
            "ReadGroups",
            "autoscaling:DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeLaunchConfigurations "
            "DescribeScalingActivities DescribeTags",
        ),
        allow(
            "ReadTypes",
            "ec2:DescribeImages DescribeInstanceTypes DescribeLaunchTemplateVersions "
            "GetInstanceTypesFromInstanceRequirements",
        ),
        allow("ReadNodeGroups", "eks:DescribeNodegroup", intent.arn("eks", f"nodegroup/{intent.cluster.name}/*/*")),
        allow(
            "Scale",
            "autoscaling:SetDesiredCapacity TerminateInstanceInAutoScalingGroup",
            intent.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*"),
            {"StringEquals": {tag: "owned"}},
        ),
    )


def _load_balancer(intent: Intent) -> Statements:
    """The controller binds pods to the runbook's target group; balancers, groups and rules are not its to change."""
    groups = intent.arn("elasticloadbalancing", "targetgroup/*/*")
    ours = {"StringEquals": {"aws:ResourceTag/airgap:environment": intent.environment}}
    return (
        allow("ReadTargets", "elasticloadbalancing:DescribeTargetGroups DescribeTargetHealth"),
        allow(
            "ReadNetwork",
            "ec2:DescribeAvailabilityZones DescribeInstances DescribeNetworkInterfaces DescribeSecurityGroups "
            "DescribeSubnets DescribeVpcs",
        ),
        allow("BindPods", "elasticloadbalancing:DeregisterTargets RegisterTargets", groups, ours),
    )


def _external_secrets(intent: Intent) -> Statements:
    return (
        readable(intent, intent.name("external-secrets"), "secretsmanager:DescribeSecret GetSecretValue"),
        through(intent, "data", "secretsmanager"),
    )


def _volumes(intent: Intent) -> Statements:
    """The driver's managed policy has no rights on keys; EC2 encrypts volumes with ours on the driver's behalf."""
    key = through(intent, "data", "ec2", write=True)
    actions = [*key["Action"], "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"]
    grant = allow("VolumeGrants", "kms:CreateGrant", key["Resource"], {"Bool": {"kms:GrantIsForAWSResource": "true"}})
    return {**key, "Action": actions}, grant


def _log_shipper(intent: Intent) -> Statements:
    """Logs and metrics of containers; the log groups are made by the runbook, with retention and key."""
    groups = intent.arn("logs", f"log-group:/aws/containerinsights/{intent.cluster.name}/*")
    return (
        allow("FindGroups", "logs:DescribeLogGroups"),
        allow("WriteLogs", "logs:CreateLogStream DescribeLogStreams PutLogEvents", groups),
        allow(
            "WriteMetrics",
            "cloudwatch:PutMetricData",
            condition={"StringEquals": {"cloudwatch:namespace": "ContainerInsights"}},
        ),
    )


def _application(intent: Intent) -> Statements:
    """The application's rights, part by part of the components that it uses."""
    chosen = [part(intent) for component, part in _APPLICATION.items() if component in intent.components]
    services = [name for component, name in _ENCRYPTED.items() if component in intent.components]
    key = (through(intent, "data", *sorted(set(services)), write=True),) if services else ()
    return (*(statement for statements in chosen for statement in statements), _cache(intent), *key)


def _cache(intent: Intent) -> dict[str, Any]:
    """The application signs in to this cache as its own user; ElastiCache User Guide, "Authenticating with IAM"."""
    user = intent.arn("elasticache", f"user:{cache_user(intent)}")
    return allow(
        "Cache", "elasticache:Connect", [intent.arn("elasticache", f"replicationgroup:{intent.name('cache')}"), user]
    )


def model_arns(intent: Intent) -> list[str]:
    """Return the ARNs of the models that may be invoked, here and where a declared inference profile may send to."""
    models = dict.fromkeys((*intent.ai.models, intent.ai.embedding_model))
    regions = dict.fromkeys((intent.region, *intent.ai.inference_regions))
    return [
        intent.arn("bedrock", f"foundation-model/{model}", region=region, account="")
        for region in regions
        for model in models
    ]


def _models(intent: Intent) -> Statements:
    guardrails = intent.arn("bedrock", "guardrail/*")
    ours = {"StringEquals": {"aws:ResourceTag/airgap:environment": intent.environment}}
    profiles = [intent.arn("bedrock", f"inference-profile/*.{model}") for model in intent.ai.models]
    arns = [*model_arns(intent), *(profiles if intent.ai.inference_regions else ())]
    return (
        allow("InvokeModels", "bedrock:InvokeModel InvokeModelWithResponseStream", arns),
        allow("Guardrail", "bedrock:ApplyGuardrail", guardrails, ours),
    )


def _transcription_jobs(intent: Intent) -> Statements:
    """Transcribe reads and writes the buckets as the caller; jobs without an own output bucket are not started."""
    output = {
        "transcribe:OutputBucketName": bucket_arn(intent, "transcribe-out").split(":")[-1],
        # A job that names no key is encrypted with one of S3's own, whatever the bucket's default is.
        "transcribe:OutputEncryptionKMSKeyId": ref("kms-key:data", "arn"),
    }
    ours = {"StringEquals": output}
    return (
        allow("StartJobs", "transcribe:StartTranscriptionJob", condition=ours),
        allow("FollowJobs", "transcribe:GetTranscriptionJob", intent.arn("transcribe", "transcription-job/*")),
        allow("ListJobs", "transcribe:ListTranscriptionJobs"),
        allow(
            "Recordings",
            "s3:GetObject PutObject",
            [bucket_arn(intent, "transcribe-in", "/*"), bucket_arn(intent, "transcribe-out", "/*")],
        ),
    )


def _live_transcription(intent: Intent) -> Statements:
    return (allow("Stream", "transcribe:StartStreamTranscription StartStreamTranscriptionWebSocket"),)


def _table(intent: Intent) -> Statements:
    table = intent.arn("dynamodb", f"table/{intent.data.table}")
    items = "BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem DescribeTable GetItem PutItem Query UpdateItem"
    return (allow("Table", f"dynamodb:{items}", [table, f"{table}/index/*"]),)


def _objects(intent: Intent) -> Statements:
    return (
        allow("Bucket", "s3:GetBucketLocation ListBucket", bucket_arn(intent, "application")),
        allow("Objects", "s3:DeleteObject GetObject PutObject", bucket_arn(intent, "application", "/*")),
    )


_APPLICATION: dict[str, Callable[[Intent], Statements]] = {
    "bedrock-inference": _models,
    "transcribe-batch": _transcription_jobs,
    "transcribe-streaming": _live_transcription,
    "dynamodb": _table,
    "application-buckets": _objects,
}
_ENCRYPTED = {
    "transcribe-batch": "s3",
    "bedrock-inference": "bedrock",
    "application-buckets": "s3",
    "dynamodb": "dynamodb",
}

# What each service account may do: its statements, and policies of AWS.
_RIGHTS: dict[str, tuple[Callable[[Intent], Statements], tuple[str, ...]]] = {
    "vpc-cni": (_none, ("AmazonEKS_CNI_Policy",)),
    "ebs-csi": (_volumes, ("AmazonEBSCSIDriverPolicyV2",)),
    "cluster-autoscaler": (_autoscaler, ()),
    "load-balancer-controller": (_load_balancer, ()),
    "external-secrets": (_external_secrets, ()),
    "log-shipper": (_log_shipper, ()),
    "application": (_application, ()),
}

WORKLOADS: tuple[Workload, ...] = tuple(
    Workload(one.name, one.namespace, one.account, one.components, *_RIGHTS[one.name]) for one in SERVICE_ACCOUNTS
)


def chosen(intent: Intent) -> tuple[Workload, ...]:
    """Return the workloads of the chosen components."""
    return tuple(one for one in WORKLOADS if set(one.components) & set(intent.components))


def workload_roles(intent: Intent, trusts: Callable[[Workload], dict[str, Any]]) -> Iterator[Role]:
    """Yield the role of every chosen workload, under the trust that ``trusts`` gives it."""
    for one in chosen(intent):
        why = f"pods of {one.namespace}/{one.service_account} act as it"
        yield Role(one.key, intent.name(one.name), trusts(one), one.rights(intent), one.managed, why=why)


def pod_identity_trust(intent: Intent, workload: Workload) -> dict[str, Any]:
    """Return the trust in EKS Pod Identity for one service account of this cluster and nobody else's."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": cluster_arn(intent),
        "aws:RequestTag/kubernetes-namespace": workload.namespace,
        "aws:RequestTag/kubernetes-service-account": workload.service_account,
    }
    return trust({"Service": "pods.eks.amazonaws.com"}, "AssumeRole TagSession", StringEquals=tags)
