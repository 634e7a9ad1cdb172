"""External Secrets in the cluster: a store for the namespaces that may use it, and what is mirrored from it.

Source: External Secrets Operator, "AWS Secrets Manager" provider, "ClusterSecretStore" (conditions), "ExternalSecret".
The operator reads as its own role; the store names no other credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.kubernetes import APIS
from airgap.model.names import SECRET_NAMESPACES
from airgap.model.plan import Desired
from airgap.resources.kind import declares
from airgap.resources.objects import OBJECTS, desired, kind_name

PROPERTIES = ("password", "username", "host", "port", "dbname")
"""Keys of the Kubernetes Secret, each from the property of the same name; two users take turns, so the name is one."""


def store(intent: Intent) -> dict[str, Any]:
    """Return the ClusterSecretStore: Secrets Manager of the environment's Region, for the named namespaces alone."""
    provider = {"aws": {"service": "SecretsManager", "region": intent.region}}
    spec = {"conditions": [{"namespaces": list(SECRET_NAMESPACES)}], "provider": provider}
    return _object("ClusterSecretStore", {"name": intent.secrets.store}, spec)


def external_secret(intent: Intent, namespace: str) -> dict[str, Any]:
    """Return the ExternalSecret of a namespace; the Secret that it makes is its own, and goes with it."""
    name = intent.secrets.external_secret
    data = [{"secretKey": one, "remoteRef": {"key": intent.secrets.database, "property": one}} for one in PROPERTIES]
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
    why = "the application finds its database user there"
    for namespace in SECRET_NAMESPACES:
        after = (made.key, f"{kind_name('Namespace')}:{namespace}")
        yield desired(cluster, external_secret(intent, namespace), environment, needs=after, why=why)
