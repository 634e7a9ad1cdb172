"""Services that write on somebody's behalf are refused where the bucket or the key does not admit them."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.principals import admits, exists
from airgap.rehearsal.wire import Call, Refusal

TRAIL = "cloudtrail.amazonaws.com"


@before("cloudtrail", "CreateTrail", "UpdateTrail")
def trail_destinations(call: Call) -> None:
    """Bucket, key, log group and role of a trail exist and admit CloudTrail."""
    if call.get("S3BucketName"):
        _bucket(call, call.get("S3BucketName"))
    if call.get("KmsKeyId"):
        _trail_key(call, call.get("KmsKeyId"))
    group, role = call.get("CloudWatchLogsLogGroupArn"), call.get("CloudWatchLogsRoleArn")
    if bool(group) != bool(role):
        code = "InvalidCloudWatchLogsRoleArnException" if group else "InvalidCloudWatchLogsLogGroupArnException"
        raise Refusal(code, "You must specify both a log group ARN and a role ARN.")
    if group and group.split(":log-group:")[1].removesuffix(":*") not in call.backend("logs").groups:
        raise Refusal(
            "InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN."
        )
    if role and not exists(call.account, call.partition, role):
        raise Refusal("InvalidCloudWatchLogsRoleArnException", "CloudTrail cannot validate the specified role ARN.")


def _bucket(call: Call, name: str) -> None:
    bucket = call.backend("s3").buckets.get(name)
    if bucket is None:
        raise Refusal("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
    policy = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
    wanted = ("s3:GetBucketAcl", "s3:PutObject")
    if not policy or not all(admits(policy, TRAIL, action) for action in wanted):
        message = f"Incorrect S3 bucket policy is detected for bucket: {name}"
        raise Refusal("InsufficientS3BucketPolicyException", message)


def _key(call: Call, identifier: str) -> Any:
    """Return the key of an id, ARN or alias, None where there is none or it is not enabled."""
    backend = call.backend("kms")
    name = identifier.rpartition(":")[2]
    found = backend.get_key_id_from_alias(name) if name.startswith("alias/") else name.removeprefix("key/")
    key = backend.keys.get(found)
    return key if key is not None and key.enabled else None


def _trail_key(call: Call, identifier: str) -> None:
    key = _key(call, identifier)
    if key is None:
        raise Refusal("KmsKeyDoesNotExistException", "KMS Key not found.")
    if not admits(key.policy, TRAIL, "kms:GenerateDataKey"):
        message = "Insufficient permissions to access S3 bucket or KMS key."
        raise Refusal("InsufficientEncryptionPolicyException", message)


@before("logs", "CreateLogGroup", "AssociateKmsKey")
def log_key(call: Call) -> None:
    """The key of a log group admits the Region's log service for that group."""
    identifier = call.get("kmsKeyId")
    if identifier is None:
        return
    group = call.arn(f"log-group:{call.get('logGroupName')}", "logs")
    key = _key(call, identifier)
    suffix = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    context = {"kms:EncryptionContext:aws:logs:arn": group}
    names = (f"logs.{call.region}.{suffix}", f"logs.{call.region}.amazonaws.com")
    if key is None or not any(admits(key.policy, name, "kms:Encrypt", context) for name in names):
        message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
        raise Refusal("InvalidParameterException", message)


@answers("logs", "AssociateKmsKey", "DisassociateKmsKey")
def associate_key(call: Call) -> dict[str, Any]:
    """Set or take off the key of a log group."""
    group = call.backend("logs").groups.get(call.get("logGroupName"))
    if group is None:
        raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
    group.kms_key_id = call.get("kmsKeyId") if call.operation == "AssociateKmsKey" else None
    return {}
