"""Asynchronous kinds: how long a resource stays in its creating or deleting state, in seconds.

The time is counted from the write; a state is computed when it is read, so no thread has to change anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

DEFAULT_SECONDS = {
    "bedrock:CreateGuardrail": 0.2,
    "bedrock:CreateGuardrailVersion": 0.1,
    "bedrock:UpdateGuardrail": 0.1,
    "dynamodb:CreateTable": 0.2,
    "dynamodb:EnableBackups": 0.3,
    "dynamodb:UpdateTable": 0.1,
    "acm:RequestCertificate": 0.2,
    "ec2:CreateNatGateway": 0.4,
    "ec2:DeleteNatGateway": 0.3,
    "ec2:CreateVpcEndpoint": 0.3,
    "ec2:ModifyVpcEndpoint": 0.2,
    "ec2:DeleteVpcEndpoints": 0.2,
    "ec2:ModifyVpcBlockPublicAccessOptions": 0.3,
    "ec2:CreateVpcBlockPublicAccessExclusion": 0.3,
    "ec2:ModifyVpcBlockPublicAccessExclusion": 0.3,
    "ec2:DeleteVpcBlockPublicAccessExclusion": 0.3,
    "eks:AssociateEncryptionConfig": 0.2,
    "eks:AssociateIdentityProviderConfig": 0.2,
    "eks:CreateAddon": 0.2,
    "eks:CreateCluster": 0.5,
    "eks:CreateNodegroup": 0.4,
    "eks:DeleteAddon": 0.2,
    "eks:DeleteCluster": 0.3,
    "eks:DeleteNodegroup": 0.3,
    "eks:DisassociateIdentityProviderConfig": 0.2,
    "eks:UpdateAddon": 0.2,
    "eks:UpdateClusterConfig": 0.2,
    "eks:UpdateClusterVersion": 0.3,
    "eks:UpdateNodegroupConfig": 0.2,
    "eks:UpdateNodegroupVersion": 0.3,
    "elasticache:CreateReplicationGroup": 0.5,
    "elasticache:DeleteReplicationGroup": 0.3,
    "elasticache:ModifyReplicationGroup": 0.2,
    "elasticache:TestFailover": 0.2,
    "elbv2:CreateLoadBalancer": 0.4,
    "elbv2:DeleteLoadBalancer": 0.3,
    "kubernetes:BecomeReady": 0.05,
    "kubernetes:EstablishDefinition": 0.02,
    "kubernetes:PullBackOff": 0.5,
    "kubernetes:PullImage": 0.05,
    "kubernetes:RetryController": 0.5,
    "kubernetes:RunInitContainer": 0.02,
    "kubernetes:RunJob": 0.05,
    "kubernetes:ShowPullError": 0.1,
    "kubernetes:StartContainers": 0.02,
    "kubernetes:StopPod": 0.05,
    "rds:CreateDBInstance": 0.5,
    "rds:DeleteDBInstance": 0.3,
    "rds:ModifyDBInstance": 0.2,
    "rds:RebootDBInstance": 0.2,
    "lambda:CreateFunction": 0.3,
    "lambda:ReleaseInterfaces": 0.4,
    "lambda:UpdateFunctionCode": 0.1,
    "lambda:UpdateFunctionConfiguration": 0.1,
    "route53resolver:AssociateFirewallRuleGroup": 0.3,
    "route53resolver:UpdateFirewallRuleGroupAssociation": 0.2,
    "route53resolver:DisassociateFirewallRuleGroup": 0.2,
    "route53resolver:UpdateFirewallDomains": 0.1,
    "secretsmanager:RotateSecret": 0.2,
    "ssm:UpdateInstanceInformation": 0.2,
    "route53resolver:AssociateResolverQueryLogConfig": 0.2,
    "transcribe:StartTranscriptionJob": 0.3,
    "wafv2:CreateWebACL": 0.2,
}

_seconds = dict(DEFAULT_SECONDS)
_skipped = 0.0


def seconds(operation: str) -> float:
    """Return how long what ``operation`` (such as ``ec2:CreateNatGateway``) starts takes; 0 where it is immediate."""
    return _seconds.get(operation, 0.0)


def configure(table: Mapping[str, float]) -> None:
    """Set the seconds of some operations."""
    _seconds.update({operation: float(value) for operation, value in table.items()})


def skip(seconds: float) -> None:
    """Let seconds pass at once: what is due by then is finished."""
    global _skipped
    _skipped += seconds


def reset() -> None:
    """Go back to the default seconds."""
    _seconds.clear()
    _seconds.update(DEFAULT_SECONDS)


def due(operation: str) -> float:
    """Return the moment at which what ``operation`` starts now is finished."""
    return now() + seconds(operation)


def passed(moment: float) -> bool:
    """Say whether a moment has come."""
    return now() >= moment


def now() -> float:
    """Return the monotonic clock in seconds, with what was skipped."""
    return time.monotonic() + _skipped


class Settling:
    """A state attribute of a moto class that shows an interim state for a while after each change.

    ``interim`` maps a state as moto sets it to the state that shows until then and the operation whose seconds count:
    ``{"available": ("pending", "ec2:CreateNatGateway")}``.
    """

    def __init__(self, attribute: str, interim: Mapping[str, tuple[str, str]]) -> None:
        self.key = f"_{attribute}_settling"
        self.interim = interim

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value, moment = instance.__dict__[self.key]
        return self.interim[value][0] if value in self.interim and not passed(moment) else value

    def __set__(self, instance: Any, value: Any) -> None:
        operation = self.interim[value][1] if value in self.interim else ""
        instance.__dict__[self.key] = (value, due(operation))
