"""Names that one step gives and another's policies speak of, built from the params alone."""

from __future__ import annotations

from airgap.model.intent import Intent

SECRET_NAMESPACES = ("application",)
"""The namespaces whose pods may have secrets of Secrets Manager."""


def bucket(intent: Intent, purpose: str) -> str:
    """Return the name of a bucket; it is taken for the whole partition, so account and Region are in it."""
    return f"{intent.prefix}-{purpose}-{intent.account}-{intent.region}"


def log_group(intent: Intent, purpose: str) -> str:
    """Return the name of a log group of the environment's own, as ``/fintech/demo/flow-logs``."""
    return f"/{intent.prefix}/{intent.environment}/{purpose}"


def repository(intent: Intent, component: str) -> str:
    """Return the name of the ECR repository of a component, as ``fintech/external-secrets``."""
    return f"{intent.prefix}/{component}"


def alias(intent: Intent, purpose: str) -> str:
    """Return the alias of a customer managed key, as ``alias/fintech-data``."""
    return f"alias/{intent.name(purpose)}"


def secret_readers(intent: Intent) -> list[str]:
    """Return the ARNs of the roles that may read the database secret: who rotates it, who mirrors it, who deploys."""
    rotates = [intent.name("rotation")] if "secret-rotation" in intent.components else []
    mirrors = [intent.name("external-secrets")] if "external-secrets" in intent.components else []
    named = sorted([*rotates, *mirrors, intent.identity.deploy_role])
    return [intent.arn("iam", f"role/{one}", region="") for one in named]
