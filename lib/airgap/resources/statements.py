"""IAM policy documents and their statements, written briefly. AWS: IAM User Guide, "IAM JSON policy elements"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": [dict(one) for one in statements]}


def trust(principal: Mapping[str, Any], actions: str = "AssumeRole", **conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trust policy: this principal may do these actions of STS under conditions given by operator."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": dict(principal), "Action": named(f"sts:{actions}")}
    return document({**statement, "Condition": conditions} if conditions else statement)


def allow(
    sid: str,
    actions: str | Sequence[str],
    resources: str | Sequence[str] = "*",
    condition: Mapping[str, Mapping[str, Any]] | None = None,
    principal: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an Allow statement; ``actions`` is a list, or one text as ``ecr:PutImage UploadLayerPart`` for a service.

    >>> allow("Pull", "ecr:BatchGetImage GetDownloadUrlForLayer")["Action"]
    ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']
    """
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow"}
    if principal:
        statement["Principal"] = dict(principal)
    statement["Action"] = named(actions) if isinstance(actions, str) else list(actions)
    statement["Resource"] = resources if isinstance(resources, str) else list(resources)
    if condition:
        statement["Condition"] = {operator: dict(keys) for operator, keys in condition.items()}
    return statement


def named(actions: str) -> list[str]:
    """Return the actions of one service, written as ``service:First Second``."""
    service, _, names = actions.partition(":")
    return [f"{service}:{name}" for name in names.split()]
