"""Key policies, derived from who uses each key. AWS: KMS Developer Guide, "Key policies" and each service's own page.

No key admits a caller by itself: the account's principals reach it only through the services that the environment uses,
and only where their own IAM policy lets them; roles and services that call KMS directly are named one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.intent import Intent
from airgap.model.plan import ref
from airgap.resources.statements import allow, document, named

_ADMINISTRATION = named(
    "kms:CancelKeyDeletion CreateAlias DeleteAlias DescribeKey DisableKey DisableKeyRotation EnableKey "
    "EnableKeyRotation GetKeyPolicy GetKeyRotationStatus GetPublicKey ListGrants ListKeyPolicies ListKeyRotations "
    "ListResourceTags PutKeyPolicy RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion TagResource UntagResource "
    "UpdateAlias UpdateKeyDescription"
)
USE = named("kms:Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo")

# Purpose -> service as kms:ViaService names it -> the components for whose sake; none: always.
THROUGH: dict[str, dict[str, tuple[str, ...]]] = {
    "cluster": {"eks": ()},
    "data": {
        "ec2": (),
        "ecr": (),
        "elasticache": (),
        "rds": (),
        "s3": (),
        "secretsmanager": (),
        "dynamodb": ("dynamodb",),
        "lambda": (),
        "transcribe": ("transcribe-batch",),
        "bedrock": ("bedrock-inference", "bedrock-verify"),
    },
    "logs": {"s3": ()},
}


def key_policy(intent: Intent, purpose: str) -> dict[str, Any]:
    """Return the policy of the key for ``cluster``, ``data``, ``logs`` or ``evidence``."""
    return document(_administration(intent), *_CONSUMERS[purpose](intent))


def _account(intent: Intent) -> dict[str, str]:
    return {"AWS": intent.arn("iam", "root", region="")}


def _administration(intent: Intent) -> dict[str, Any]:
    """Every right on the key but its use, left to IAM policies of the account."""
    return allow("Administration", _ADMINISTRATION, principal=_account(intent))


def _through(intent: Intent, purpose: str) -> Iterator[dict[str, Any]]:
    """Use of the key, and grants on it, through the services of the environment."""
    services = [name for name, needed in THROUGH[purpose].items() if not needed or set(needed) & set(intent.components)]
    ours = {
        "kms:CallerAccount": intent.account,
        "kms:ViaService": [f"{name}.{intent.region}.{suffix(intent)}" for name in services],
    }
    yield allow("UseThroughServices", USE, condition={"StringEquals": ours}, principal=_account(intent))
    grants = {"StringEquals": {"kms:CallerAccount": intent.account}, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    yield allow("GrantsToServices", "kms:CreateGrant", condition=grants, principal=_account(intent))
    # ECR retires a repository's grants as it is deleted. ECR User Guide, "Encryption at rest", step 8.
    yield allow("GrantsOfServices", "kms:RetireGrant", condition={"StringEquals": ours}, principal=_account(intent))


def _cluster(intent: Intent) -> Iterator[dict[str, Any]]:
    """EKS encrypts Kubernetes secrets as the cluster role. EKS User Guide, "Encrypt Kubernetes secrets"."""
    yield from _through(intent, "cluster")
    yield allow("SecretsOfTheCluster", USE, principal={"AWS": ref("role:cluster", "arn")})


def _data(intent: Intent) -> Iterator[dict[str, Any]]:
    """Auto Scaling starts nodes with encrypted volumes. EC2 Auto Scaling User Guide, "Required KMS key policy"."""
    yield from _through(intent, "data")
    scaling = {"AWS": ref("service-linked-role:autoscaling", "arn")}
    yield allow("NodeVolumes", USE, principal=scaling)
    grants = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    yield allow("NodeVolumeGrants", "kms:CreateGrant", condition=grants, principal=scaling)


def _logs(intent: Intent) -> Iterator[dict[str, Any]]:
    """CloudWatch Logs, log delivery to buckets, CloudTrail, and the streams of Session Manager."""
    yield from _through(intent, "logs")
    groups = {"kms:EncryptionContext:aws:logs:arn": intent.arn("logs", "log-group:*")}
    logs = {"Service": f"logs.{intent.region}.{suffix(intent)}"}
    yield allow("LogGroups", USE, condition={"ArnLike": groups}, principal=logs)
    delivered = {
        "StringEquals": {"aws:SourceAccount": intent.account},
        "ArnLike": {"aws:SourceArn": intent.arn("logs", "*")},
    }
    yield allow("LogDelivery", USE, condition=delivered, principal={"Service": "delivery.logs.amazonaws.com"})
    yield from _trail(intent)
    yield from _sessions(intent)


def _trail(intent: Intent) -> Iterator[dict[str, Any]]:
    """CloudTrail User Guide, "Configure KMS key policies for CloudTrail"."""
    trails = intent.arn("cloudtrail", f"trail/{intent.prefix}-*", region="*")
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": trails}
    context = {"ArnLike": {**source, "kms:EncryptionContext:aws:cloudtrail:arn": trails}}
    yield allow("TrailFiles", "kms:GenerateDataKey", condition=context, principal=service)
    yield allow("TrailKey", "kms:DescribeKey", condition={"ArnLike": source}, principal=service)


def _sessions(intent: Intent) -> Iterator[dict[str, Any]]:
    """Both ends of a Session Manager session ask KMS themselves, each with the session's id as context."""
    session = {"Null": {"kms:EncryptionContext:aws:ssm:SessionId": "false"}}
    ours = {**session, "StringEquals": {"kms:CallerAccount": intent.account}}
    yield allow("SessionsOfOperators", "kms:GenerateDataKey", condition=ours, principal=_account(intent))
    hosts = {"operations-host": "operations-host" in intent.components, "runner": runner_is_reached(intent)}
    reached = [ref(f"role:{name}", "arn") for name, is_reached in hosts.items() if is_reached]
    if reached:
        yield allow("SessionsOfHosts", "kms:Decrypt", condition=session, principal={"AWS": reached})


def runner_is_reached(intent: Intent) -> bool:
    """Tell whether the runner's own instance is worked on through Session Manager."""
    return intent.pipeline.variant == "ssm-runner"


def _evidence(intent: Intent) -> Iterator[dict[str, Any]]:
    """Whoever IAM lets in the account signs evidence, with the one algorithm that verification expects."""
    ours = {"kms:CallerAccount": intent.account, "kms:SigningAlgorithm": "ECDSA_SHA_256"}
    yield allow("Signing", "kms:Sign Verify", condition={"StringEquals": ours}, principal=_account(intent))


_CONSUMERS = {"cluster": _cluster, "data": _data, "logs": _logs, "evidence": _evidence}


def suffix(intent: Intent) -> str:
    """Return the DNS suffix of service names in the partition."""
    return "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"
