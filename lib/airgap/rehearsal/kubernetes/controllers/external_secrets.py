"""External Secrets Operator, acted out: a Secret only where the secret is really there, and its role may read it."""

from __future__ import annotations

import base64
import json
from typing import Any

from airgap.rehearsal.kubernetes.controllers import charts
from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition, owner_reference
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object, stamp

GROUP = "external-secrets.io"
_SECRET = core("Secret")


class _Missing(Exception):
    """A secret or store that cannot be had; the text is the operator's."""


def _kind(loop: Loop, name: str) -> Kind:
    """Return a kind of the operator; one that is not defined has no objects."""
    return loop.cluster.kinds.named(GROUP, name) or Kind(GROUP, ("v1",), name, f"{name.lower()}s")


def act(loop: Loop) -> None:
    """Make the secrets that external ones ask for, as the operator's pod would."""
    operator = charts.running(loop, "external-secrets")
    if operator is None:
        return
    for kind in (_kind(loop, "SecretStore"), _kind(loop, "ClusterSecretStore")):
        for store in loop.store.all(kind):
            before = store.get("status") or {}
            good = condition("Ready", True, "Valid", "store validated", before.get("conditions"))
            loop.cluster.status(kind, store, {**before, "capabilities": "ReadWrite", "conditions": [good]})
    kind = _kind(loop, "ExternalSecret")
    for item in loop.store.all(kind):
        meta = item["metadata"]
        if not meta.get("deletionTimestamp") and loop.after(item, meta.get("generation"), "SyncSecret"):
            _sync(loop, kind, item, operator)


def _sync(loop: Loop, kind: Kind, item: Object, operator: Object) -> None:
    before = item.get("status") or {}
    held = before.get("conditions")
    try:
        data = _data(loop, item, _role(loop, item, operator))
        _keep(loop, kind, item, data)
    except (_Missing, KeyError) as error:  # a definition may let anything be missing
        loop.note(item, "UpdateFailed", str(error) if isinstance(error, _Missing) else f"{error} is missing")
        failed = condition("Ready", False, "SecretSyncedError", "could not get secret data from provider", held)
        loop.cluster.status(kind, item, {**before, "conditions": [failed]})
        loop.retry(item, "secret")
        return
    good = condition("Ready", True, "SecretSynced", "secret synced", held)
    name = _target(item)
    status = {"binding": {"name": name}, "conditions": [good], "refreshTime": before.get("refreshTime") or stamp()}
    loop.cluster.status(kind, item, {**before, **status})


def _target(item: Object) -> str:
    return str(at(item, "spec.target.name") or item["metadata"]["name"])


def _role(loop: Loop, item: Object, operator: Object) -> str:
    """Return the role that reads: that of the store's service account, else that of the operator."""
    reference = at(item, "spec.secretStoreRef") or {}
    kind = _kind(loop, reference.get("kind", "SecretStore"))
    namespace = item["metadata"]["namespace"]
    store = loop.store.get(kind, namespace, reference.get("name", ""))
    if store is None:
        raise _Missing(f'{reference.get("kind", "SecretStore")}.{GROUP} "{reference.get("name", "")}" not found')
    account = at(store, "spec.provider.aws.auth.jwt.serviceAccountRef")
    place = operator["metadata"]["namespace"], operator["spec"].get("serviceAccountName", "default")
    if account:
        place = account.get("namespace", namespace), account["name"]
    role = loop.cluster.facts.role_of(*place)
    if not role:
        raise _Missing(
            f"unable to create session: service account {place[0]}/{place[1]} has no Pod Identity association"
        )
    return role


def _read(loop: Loop, name: str, role: str) -> dict[str, Any]:
    value = loop.cluster.around.secret_value(name, role)
    if value is None:
        raise _Missing(
            f"error retrieving secret at {name}: ResourceNotFoundException or AccessDeniedException for {role}"
        )
    return value


def _data(loop: Loop, item: Object, role: str) -> dict[str, str]:
    found: dict[str, Any] = {}
    for source in at(item, "spec.dataFrom") or ():
        key = at(source, "extract.key")
        if key:
            found.update(_read(loop, key, role))
    for entry in at(item, "spec.data") or ():
        reference = entry["remoteRef"]
        value = _read(loop, reference["key"], role)
        name = reference.get("property")
        if name and name not in value:
            raise _Missing(f"key {name} does not exist in secret {reference['key']}")
        found[entry["secretKey"]] = value[name] if name else value.get("", json.dumps(value))
    return {key: base64.b64encode(str(value).encode()).decode() for key, value in found.items()}


def _keep(loop: Loop, kind: Kind, item: Object, data: dict[str, str]) -> None:
    namespace, name = item["metadata"]["namespace"], _target(item)
    template = at(item, "spec.target.template") or {}
    held = loop.store.get(_SECRET, namespace, name)
    if held is not None and not _ours(held, item):
        raise _Missing(f'secret "{name}" is owned by somebody else')
    labels = {"reconcile.external-secrets.io/managed": "true", **(at(template, "metadata.labels") or {})}
    meta: Object = {**(held or {}).get("metadata", {}), "name": name, "namespace": namespace, "labels": labels}
    meta["ownerReferences"] = [owner_reference(item, kind)]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": meta,
        "type": template.get("type", "Opaque"),
        "data": data,
    }
    loop.store.put(_SECRET, secret)


def _ours(secret: Object, item: Object) -> bool:
    return any(one["uid"] == item["metadata"]["uid"] for one in secret["metadata"].get("ownerReferences") or ())
