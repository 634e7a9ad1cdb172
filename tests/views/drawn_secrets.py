"""Pages of Secrets Manager, Lambda and External Secrets for the views: nothing there yet, and all of it in place."""

from __future__ import annotations

import json
from typing import Any

from airgap.model.intent import Intent
from airgap.resources.external_secrets import external_secret, store

Pages = dict[tuple[str, str], Any]
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:fintech/prod/db-AbCdEf"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:fintech-rotation"
NAME = json.dumps({"FunctionName": "fintech-rotation"})
_LISTS = ("ClusterSecretStores", "SecretStores", "ExternalSecrets")


def _listed(intent: Intent, **items: Any) -> Pages:
    cluster = json.dumps({"cluster": intent.cluster.name})
    return {
        (f"kubernetes:List{name}", cluster): {"kind": f"{name[:-1]}List", "items": items.get(name, [])}
        for name in _LISTS
    }


def none(intent: Intent) -> Pages:
    """Nothing has been made."""
    return {
        ("secretsmanager:ListSecrets", json.dumps({"IncludePlannedDeletion": True})): {"SecretList": []},
        ("secretsmanager:DescribeSecret", "{}"): None,
        ("lambda:ListFunctions", "{}"): {"Functions": []},
        ("lambda:ListTags", "{}"): None,
        ("lambda:GetPolicy", "{}"): None,
        **_listed(intent),
    }


def deployed(intent: Intent) -> Pages:
    """The secret, rotated once; the function that did it; what is mirrored."""
    place = {"dbname": "app", "host": "db.internal", "port": 5432}
    days = {"AutomaticallyAfterDays": intent.secrets.rotation_days}
    secret = {
        "ARN": ARN, "Name": intent.secrets.database, "Description": json.dumps(place), "KmsKeyId": "key",
        "RotationEnabled": True, "RotationLambdaARN": FUNCTION, "RotationRules": days,
        "LastRotatedDate": "2026-11-01T00:00:00Z",
        "Tags": [{"Key": "airgap:environment", "Value": intent.environment},
                 {"Key": "airgap:key", "Value": "secret:database"}],
    }  # fmt: skip
    function = {
        "FunctionName": "fintech-rotation", "FunctionArn": FUNCTION, "CodeSha256": "c2hh", "Runtime": "python3.13",
        "Role": "arn:aws:iam::123456789012:role/fintech-rotation", "VpcConfig": {"SubnetIds": ["subnet-private-a"]},
    }  # fmt: skip
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "secretsmanager.amazonaws.com"}}]}
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    objects = {
        "ClusterSecretStores": [store(intent) | ready],
        "ExternalSecrets": [external_secret(intent, "application") | ready],
    }
    described = {"VersionIdsToStages": {"1": ["AWSCURRENT"], "0": ["AWSPREVIOUS"]}}
    return {
        ("secretsmanager:ListSecrets", json.dumps({"IncludePlannedDeletion": True})): {"SecretList": [secret]},
        ("secretsmanager:DescribeSecret", json.dumps({"SecretId": ARN})): described,
        ("lambda:ListFunctions", "{}"): {"Functions": [function]},
        ("lambda:ListTags", json.dumps({"Resource": FUNCTION})): {"Tags": {"airgap:key": "function:rotation"}},
        ("lambda:GetPolicy", NAME): {"Policy": json.dumps(policy)},
        **_listed(intent, **objects),
    }
