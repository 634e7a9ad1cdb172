"""Secrets in the cluster: mirrored by the declared store into declared namespaces, and in no manifest (KEY-02).

What the runbook reads is redacted before it is kept, so a value that stands where it should not is seen as the mark
that replaced it. Source: External Secrets Operator, "ClusterSecretStore", "ExternalSecret".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from airgap.checks.check import NotApplicable, check
from airgap.checks.running import objects
from airgap.checks.scope import Item, Named
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.kubernetes import key_of
from airgap.model.names import mirrored_secrets, secret_namespaces
from airgap.model.secret_forms import MARK
from airgap.model.secret_names import is_secret

STORES = ("kubernetes:ListClusterSecretStores", "kubernetes:ListSecretStores")
EXTERNAL = "kubernetes:ListExternalSecrets"
MANIFESTS = tuple(
    f"kubernetes:List{kind}"
    for kind in ("Pods", "Deployments", "DaemonSets", "StatefulSets", "Jobs", "CronJobs", "ConfigMaps")
)


def stores(intent: Intent, estate: Estate) -> Named:
    """Return every store of the cluster, declared or not."""
    return _some(intent, [(key_of(one), one) for call in STORES for one in objects(estate, call)])


def external(intent: Intent, estate: Estate) -> list[tuple[str, Optional[Item]]]:
    """Return every external secret, each declared one even where it is missing."""
    mirrors = mirrored_secrets(intent) if "external-secrets" in intent.components else {}
    found: dict[str, Optional[Item]] = {f"ExternalSecret {place}/{name}": None for place, name in mirrors}
    found.update({key_of(one): one for one in objects(estate, EXTERNAL)})
    if not found:
        raise NotApplicable("no operator mirrors secrets into the cluster")
    return list(found.items())


def _some(intent: Intent, found: Named) -> Named:
    if not found and "external-secrets" not in intent.components:
        raise NotApplicable("no operator mirrors secrets into the cluster")
    return found


@check(
    "stores-limited",
    "The store of secrets is the declared one: Secrets Manager of this Region, for declared namespaces alone",
    severity="high",
    properties=("KEY-02",),
    reads=STORES,
    remedy="apply the step secrets; find in the audit log who could read through the store",
    over=stores,
)
def limited(store: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield another name, provider, Region or credential than declared, and each namespace that may not use it."""
    if key_of(store) != f"ClusterSecretStore {intent.secrets.store}":
        yield "nobody declared it"
    provider = dig(store, "spec.provider") or {}
    aws = provider.get("aws") or {}
    if set(provider) != {"aws"} or aws.get("service") != "SecretsManager" or aws.get("region") not in intent.regions:
        where = f"{aws.get('service')} in {aws.get('region')}" if aws else ", ".join(sorted(provider)) or "nothing"
        yield f"it reads {where}"
    if aws.get("role") or aws.get("auth"):
        yield "it signs in with credentials of its own"
    if key_of(store).startswith("ClusterSecretStore"):
        yield from _others(store, intent)


def _others(store: Item, intent: Intent) -> Iterator[str]:
    """Yield what else than declared namespaces the conditions of a store admit."""
    conditions = dig(store, "spec.conditions") or []
    if not conditions:
        yield "every namespace may use it"
    for one in conditions:
        if one.get("namespaceSelector") or one.get("namespaceRegexes"):
            yield "namespaces may use it by label or pattern"
        yield from (
            f"namespace {name} may use it"
            for name in one.get("namespaces") or []
            if name not in secret_namespaces(intent)
        )


@check(
    "external-secrets-mirrored",
    "The external secret is in step with the declared secret, through the declared store, and owns what it makes",
    severity="medium",
    properties=("KEY-02",),
    reads=(EXTERNAL,),
    remedy="apply the step secrets; the object's events say why it is not in step",
    over=external,
)
def mirrored(secret: Optional[Item], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that it is missing, not in step, or mirrors another secret than declared."""
    if secret is None:
        yield "the cluster has no such object"
        return
    spec = secret.get("spec") or {}
    if spec.get("secretStoreRef") != {"kind": "ClusterSecretStore", "name": intent.secrets.store}:
        yield f"it reads through {dig(spec, 'secretStoreRef.kind')} {dig(spec, 'secretStoreRef.name')}"
    keys = {str(dig(one, "remoteRef.key")) for one in spec.get("data") or []}
    keys |= {str(dig(one, "extract.key") or "a search") for one in spec.get("dataFrom") or []}
    yield from (f"it mirrors {one}" for one in sorted(keys - _meant(secret, intent)))
    if dig(spec, "target.creationPolicy") != "Owner":
        yield f"it does not own what it makes ({dig(spec, 'target.creationPolicy')})"
    if spec.get("refreshInterval") != intent.secrets.refresh:
        yield f"it is refreshed every {spec.get('refreshInterval')}, declared {intent.secrets.refresh}"
    ready = [one for one in dig(secret, "status.conditions") or [] if one.get("type") == "Ready"]
    if not ready or ready[0].get("status") != "True":
        yield f"it is not in step: {ready[0].get('message') if ready else 'the operator has not seen it'}"


def _meant(secret: Item, intent: Intent) -> set[str]:
    """Return what an external secret may mirror: what it is declared for; an undeclared one, what its namespace has."""
    meta, declared = secret["metadata"], mirrored_secrets(intent)
    own = declared.get((meta.get("namespace"), meta.get("name")))
    return {own} if own else {name for (place, _), name in declared.items() if place == meta.get("namespace")}


def manifests(intent: Intent, estate: Estate) -> Named:
    """Return every object of the cluster that could carry a secret in the clear."""
    return [(key_of(one), one) for call in MANIFESTS for one in objects(estate, call)]


@check(
    "manifests-without-secrets",
    "No manifest, environment variable or ConfigMap of the cluster holds what has the form or the name of a secret",
    severity="critical",
    properties=("KEY-02",),
    reads=MANIFESTS,
    remedy="take it out, mirror it from Secrets Manager instead, and rotate it: whoever reads the cluster has read it",
    over=manifests,
)
def without_secrets(item: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield the places of a manifest at which a secret stood when it was read."""
    yield from (f"{path} holds a secret" for path in _marked(item, ""))


def _marked(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        if is_secret(str(value.get("name", ""))) and value.get("value"):
            yield f"{path}.value".lstrip(".")
            return
        for key, one in value.items():
            yield from _marked(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _marked(one, f"{path}[{number}]")
    elif isinstance(value, str) and MARK in value:
        yield path


CHECKS = (limited, mirrored, without_secrets)
