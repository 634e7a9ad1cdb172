"""Bedrock's log of invocations: what it is told to write to, and as whom, must be there and let it.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.eks.roles import lacking, role_of, trusts
from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.wire import Call, Refusal

_WRITES = ("logs:CreateLogStream", "logs:PutLogEvents")


@before("bedrock", "PutModelInvocationLoggingConfiguration")
def validate(call: Call) -> None:
    """Refuse a log group, role or bucket with which nothing could be written."""
    told = call.get("loggingConfig", {})
    logs, bucket = told.get("cloudWatchConfig"), (told.get("s3Config") or {}).get("bucketName")
    if not logs and not bucket:
        raise Refusal("ValidationException", "At least one of cloudWatchConfig and s3Config must be given.")
    if bucket and bucket not in call.backend("s3").buckets:
        raise Refusal("ValidationException", f"Failed to validate permissions for S3 bucket: {bucket}.")
    if logs:
        group, role = logs["logGroupName"], role_of(call, logs.get("roleArn"))
        known = group in call.backend("logs").groups
        if not known or role is None or not trusts(role, "bedrock.amazonaws.com") or lacking(call, role, _WRITES):
            message = f"Failed to validate permissions for log group: {group}, with role: {logs.get('roleArn')}. "
            raise Refusal("ValidationException", message + "Verify the IAM role permissions are correct.")


@answers("bedrock", "GetModelInvocationLoggingConfiguration")
def configuration(call: Call) -> dict[str, Any]:
    """Return what was put, every member of it; moto forgets what is newer than it is."""
    found = call.backend("bedrock").model_invocation_logging_configuration
    return {"loggingConfig": found.logging_config} if found is not None and found.logging_config else {}
