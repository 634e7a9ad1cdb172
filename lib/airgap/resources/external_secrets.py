"""External Secrets in the cluster: a store for the namespaces that may use it, and what is mirrored from it.

Source: External Secrets Operator, "AWS Secrets Manager" provider, "ClusterSecretStore" (conditions), "ExternalSecret".
The operator reads as its own role; the store names no other credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.estate import Estate
from airgap.model.intent import FurtherSecret, Intent
from airgap.model.kubernetes import APIS
from airgap.model.names import secret_namespaces
from airgap.model.plan import Desired
from airgap.resources.kind import declares
from airgap.resources.objects import OBJECTS, desired, kind_name

PROPERTIES = ("password", "username", "host", "port", "dbname")
"""Keys of the Kubernetes Secret, each from the property of the same name; two users take turns, so the name is one."""


VALUE = "value"
"""Key of the Kubernetes Secret of a further secret, whose form the runbook does not know."""


def store(intent: Intent) -> dict[str, Any]:
    """Return the ClusterSecretStore: Secrets Manager of the environment's Region, for the named namespaces alone."""
    provider = {"aws": {"service": "SecretsManager", "region": intent.region}}
    spec = {"conditions": [{"namespaces": list(secret_namespaces(intent))}], "provider": provider}
    return _object("ClusterSecretStore", {"name": intent.secrets.store}, spec)


def external_secret(intent: Intent, namespace: str) -> dict[str, Any]:
    """Return the ExternalSecret of a namespace; the Secret that it makes is its own, and goes with it."""
    data = [{"secretKey": one, "remoteRef": {"key": intent.secrets.database, "property": one}} for one in PROPERTIES]
    return _mirror(intent, namespace, intent.secrets.external_secret, data=data)


def further_secret(intent: Intent, namespace: str, one: FurtherSecret) -> dict[str, Any]:
    """Return the ExternalSecret of a further secret in a namespace: its whole value, under one key of the Secret."""
    return _mirror(intent, namespace, one.external_secret, data=[{"secretKey": VALUE, "remoteRef": {"key": one.name}}])


def _mirror(intent: Intent, namespace: str, name: str, data: list[dict[str, Any]]) -> dict[str, Any]:
    spec = {
        "refreshInterval": intent.secrets.refresh,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": intent.secrets.store},
        "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": data,
    }
    return _object("ExternalSecret", {"name": name, "namespace": namespace}, spec)


def _object(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": APIS[kind].version, "kind": kind, "metadata": metadata, "spec": spec}


@declares(OBJECTS["ClusterSecretStore"], OBJECTS["ExternalSecret"])
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the store and, in each of its namespaces, the external secret, which waits for the first rotation."""
    if "external-secrets" not in intent.components:
        return
    cluster, environment = intent.cluster.name, intent.environment
    why = "pods of its namespaces read Secrets Manager through it, and those of no other"
    made = desired(cluster, store(intent), environment, needs=("secret:database",), why=why)
    yield made
    for one, secret, why in _mirrors(intent):
        home = f"{kind_name('Namespace')}:{one['metadata']['namespace']}"
        yield desired(cluster, one, environment, needs=(made.key, home, secret), why=why)


def _mirrors(intent: Intent) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield every external secret, the logical key of the secret that it mirrors, and why it is there."""
    yield external_secret(intent, "application"), "secret:database", "the application finds its database user there"
    for one in intent.secrets.further:
        for namespace in one.namespaces:
            yield further_secret(intent, namespace, one), f"secret:{one.name}", one.purpose
