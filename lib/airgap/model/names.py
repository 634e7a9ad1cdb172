"""Names that one step gives and another's policies speak of, built from the params alone."""

from __future__ import annotations

from airgap.model.intent import Intent


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
