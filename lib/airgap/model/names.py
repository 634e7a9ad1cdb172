"""Names that one step gives and another's policies speak of, built from the params alone."""

from __future__ import annotations

from typing import Optional

from airgap.model.intent import FurtherSecret, Intent


def secret_namespaces(intent: Intent) -> tuple[str, ...]:
    """Return the namespaces whose pods may have secrets of Secrets Manager, the application's own first."""
    named = (place for one in intent.secrets.further for place in one.namespaces)
    return tuple(dict.fromkeys(("application", *sorted(named))))


def mirrored_secrets(intent: Intent) -> dict[tuple[str, str], str]:
    """Return (namespace, name) of every declared ExternalSecret -> the secret that it mirrors."""
    declared = {("application", intent.secrets.external_secret): intent.secrets.database}
    declared.update(
        {(place, one.external_secret): one.name for one in intent.secrets.further for place in one.namespaces}
    )
    return declared


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


def secret_readers(intent: Intent, further: Optional[FurtherSecret] = None) -> list[str]:
    """Return the ARNs of the roles that may read a secret; none given: the database's.

    That one is read by who rotates it, who mirrors it and who deploys; a further one by who mirrors it and its readers.
    """
    rotates = [intent.name("rotation")] if "secret-rotation" in intent.components and further is None else []
    mirrors = [intent.name("external-secrets")] if "external-secrets" in intent.components else []
    if further is not None:
        mirrors = mirrors if further.namespaces else []
    others = [intent.identity.deploy_role] if further is None else further.readers
    return [intent.arn("iam", f"role/{one}", region="") for one in sorted({*rotates, *mirrors, *others})]


def readable_secrets(intent: Intent, role: str) -> list[str]:
    """Return the names of the secrets that a role, by its name, may read."""
    every = [(intent.secrets.database, None), *((one.name, one) for one in intent.secrets.further)]
    arn = intent.arn("iam", f"role/{role}", region="")
    return [name for name, further in every if arn in secret_readers(intent, further)]
