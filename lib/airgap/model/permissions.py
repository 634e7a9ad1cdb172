"""IAM action names of API operations: the operation's own name, save for the rows of this table.

Source: Service Authorization Reference (each service's "Actions" page).
"""

from __future__ import annotations

PREFIXES = {
    "elbv2": "elasticloadbalancing",
    "cloudwatch": "cloudwatch",
    "resourcegroupstaggingapi": "tag",
    "service-quotas": "servicequotas",
    "bedrock-runtime": "bedrock",
    "s3control": "s3",
    "events": "events",
    "accessanalyzer": "access-analyzer",
    "opensearch": "es",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "stepfunctions": "states",
    "bedrock-agent": "bedrock",
    "docdb": "rds",
    "neptune": "rds",
}

ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
    "s3:ListBucketAnalyticsConfigurations": "s3:GetAnalyticsConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "s3control:PutPublicAccessBlock": "s3:PutAccountPublicAccessBlock",
    # API Gateway authorises by HTTP method.
    "apigateway:GetRestApis": "apigateway:GET",
    "apigateway:GetVpcLinks": "apigateway:GET",
    "apigatewayv2:GetApis": "apigateway:GET",
    "apigatewayv2:GetVpcLinks": "apigateway:GET",
}


OTHERS = ("kubernetes", "helm", "images", "oci", "https", "trial", "probe", "peer")
"""Systems beside AWS's API, whose calls IAM knows nothing of."""


def by_iam(call: str) -> bool:
    """Tell whether IAM decides about a call."""
    return call.partition(":")[0] not in OTHERS


def iam_action(call: str) -> str:
    """Return the IAM action that a call needs, as ``ec2:DescribeVpcs``."""
    if call in ACTIONS:
        return ACTIONS[call]
    service, operation = call.split(":")
    return f"{PREFIXES.get(service, service)}:{operation}"
