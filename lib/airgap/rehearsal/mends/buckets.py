"""Buckets: the tags of the request that creates one, which moto forgets.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import after
from airgap.rehearsal.wire import Call


@after("s3", "CreateBucket")
def tag_bucket(call: Call, result: dict[str, Any]) -> None:
    """Keep the tags of CreateBucketConfiguration."""
    tags = call.get("CreateBucketConfiguration", {}).get("Tags", [])
    if tags:
        call.backend("s3").put_bucket_tagging(call.get("Bucket"), {tag["Key"]: tag["Value"] for tag in tags})
