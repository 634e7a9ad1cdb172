"""Buckets: the tags of the request that creates one, objects that arrive as they were, what a bucket policy refuses.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from airgap.rehearsal.hook import after, before
from airgap.rehearsal.principals import statements
from airgap.rehearsal.wire import Call, Refusal


@after("s3", "CreateBucket")
def tag_bucket(call: Call, result: dict[str, Any]) -> None:
    """Keep the tags of CreateBucketConfiguration, which moto forgets."""
    tags = call.get("CreateBucketConfiguration", {}).get("Tags", [])
    if tags:
        call.backend("s3").put_bucket_tagging(call.get("Bucket"), {tag["Key"]: tag["Value"] for tag in tags})


@before("s3", "PutObject")
def compare_checksum(call: Call) -> None:
    """An object whose SHA-256 is not the one that came with it is refused."""
    sent = call.environ.get("HTTP_X_AMZ_CHECKSUM_SHA256")
    if sent and sent != base64.b64encode(hashlib.sha256(call.body).digest()).decode():
        raise Refusal("BadDigest", "The SHA256 you specified did not match the calculated checksum.", 400)


def _permission(self: Any, action: str, resource: str) -> PermissionResult:
    """moto takes a condition that it cannot judge for a refusal, so a policy that demands TLS would refuse everything.

    Conditions speak of transport, network and organisation, which no call on loopback has; they decide nothing.
    """
    if self.policy is None:
        return PermissionResult.NEUTRAL
    plain = [one for one in statements(self.policy.decode()) if not one.get("Condition")]
    return IAMPolicy(json.dumps({"Statement": plain})).is_action_permitted(action, resource)


FakeBucket.get_permission = _permission
