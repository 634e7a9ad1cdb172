"""Bucket policies: TLS only, our own principals only, data only through the VPC's endpoints (REQUIREMENTS: buckets).

Denials spare what AWS's services do on their own account or on a caller's behalf, which comes from no endpoint of ours.
AWS: S3 User Guide, "Controlling access from VPC endpoints"; IAM User Guide, "Establish permissions guardrails using
data perimeters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airgap.model import edge
from airgap.model.intent import Intent
from airgap.model.plan import ref
from airgap.resources import names, trail
from airgap.resources.statements import allow, document

# Buckets whose objects move only between the VPC and S3; the others are written by AWS or by the runbook outside.
INSIDE = ("application", "transcribe-in", "transcribe-out")
_SPARED = {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}


def bucket_policy(intent: Intent, purpose: str) -> dict[str, Any]:
    """Return the policy of the bucket for a purpose."""
    bucket = intent.arn("s3", names.bucket(intent, purpose), region="", account="")
    everything = [bucket, f"{bucket}/*"]
    statements = [
        _deny("TlsOnly", "s3:*", everything, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("ModernTlsOnly", "s3:*", everything, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        _deny("OursOnly", "s3:*", everything, _strangers(intent)),
    ]
    if purpose in INSIDE:
        statements.append(_deny("ThroughEndpointsOnly", "s3:GetObject* PutObject*", f"{bucket}/*", _outside(intent)))
    if purpose == "logs" and intent.logs.trail == "own":
        statements += _trail(intent, bucket)
    if purpose == edge.LOGS:
        statements.append(_balancer(intent, bucket))
    return document(*statements)


def _strangers(intent: Intent) -> dict[str, Any]:
    owner = (
        {"aws:PrincipalOrgID": intent.organization} if intent.organization else {"aws:PrincipalAccount": intent.account}
    )
    return {"StringNotEqualsIfExists": owner, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}


def _outside(intent: Intent) -> dict[str, Any]:
    """Requests that came through no endpoint of the VPC, AWS's own apart."""
    linked = intent.arn("iam", "role/aws-service-role/*", region="")
    return {
        "StringNotEqualsIfExists": {"aws:SourceVpc": ref("vpc:main")},
        "BoolIfExists": _SPARED,
        "ArnNotLikeIfExists": {"aws:PrincipalArn": linked},
    }


def _trail(intent: Intent, bucket: str) -> list[dict[str, Any]]:
    """CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail"."""
    service = {"Service": "cloudtrail.amazonaws.com"}
    ours = {"StringEquals": {"aws:SourceArn": trail.arn(intent)}}
    whole = {"StringEquals": {"aws:SourceArn": trail.arn(intent), "s3:x-amz-acl": "bucket-owner-full-control"}}
    files = f"{bucket}/AWSLogs/{intent.account}/*"
    return [
        allow("TrailAsks", "s3:GetBucketAcl", bucket, ours, service),
        allow("TrailWrites", "s3:PutObject", files, whole, service),
    ]


def _deny(
    sid: str, actions: str, resources: str | list[str], condition: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    return {**allow(sid, actions, resources, condition), "Effect": "Deny", "Principal": "*"}


def _balancer(intent: Intent, bucket: str) -> dict[str, Any]:
    """Application Load Balancers, "Enable access logs": one service writes, in every partition and Region."""
    service = {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    ours = {"ArnLike": {"aws:SourceArn": intent.arn("elasticloadbalancing", "loadbalancer/*")}}
    files = f"{bucket}/AWSLogs/{intent.account}/*"
    return allow("BalancerWrites", "s3:PutObject", files, ours, service)
