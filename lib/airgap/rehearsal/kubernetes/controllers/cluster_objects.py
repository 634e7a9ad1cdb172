"""Small controllers: service accounts, aggregated roles, the end of namespaces, claims, and uncalled webhooks."""

from __future__ import annotations

from airgap.rehearsal.kubernetes import deleting
from airgap.rehearsal.kubernetes.authorization import aggregated
from airgap.rehearsal.kubernetes.birth import ABOUT, keep
from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

_NAMESPACE, _ACCOUNT, _MAP = core("Namespace"), core("ServiceAccount"), core("ConfigMap")
_ROLE = core("ClusterRole", "rbac.authorization.k8s.io")
_CLAIM, _CLASS = core("PersistentVolumeClaim"), core("StorageClass", "storage.k8s.io")
_HOOKS = tuple(
    core(name, "admissionregistration.k8s.io")
    for name in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
)


def act(loop: Loop) -> None:
    """Let each of them act."""
    for namespace in loop.store.all(_NAMESPACE):
        if namespace["metadata"].get("deletionTimestamp"):
            _end(loop, namespace)
        else:
            _furnish(loop, namespace["metadata"]["name"])
    for role in loop.store.all(_ROLE):
        if role.get("aggregationRule"):
            loop.store.put(_ROLE, {**role, "rules": aggregated(loop.store, role)})
    for claim in loop.store.all(_CLAIM):
        _bind(loop, claim)
    _tell(loop)


def _furnish(loop: Loop, name: str) -> None:
    if loop.store.get(_ACCOUNT, name, "default") is None:
        keep(loop.cluster, "ServiceAccount", "", {"metadata": {"name": "default", "namespace": name}})
    if loop.store.get(_MAP, name, "kube-root-ca.crt") is None:
        meta = {"name": "kube-root-ca.crt", "namespace": name}
        keep(loop.cluster, "ConfigMap", "", {"metadata": meta, "data": {"ca.crt": ""}})


def _end(loop: Loop, namespace: Object) -> None:
    """Delete what is in a namespace; when nothing is left and no finalizer holds, it goes."""
    name, left = namespace["metadata"]["name"], 0
    for kind in loop.cluster.kinds:
        for item in loop.store.all(kind, name) if kind.namespaced else ():
            if not item["metadata"].get("deletionTimestamp"):
                deleting.delete(loop.cluster, kind, item, {"gracePeriodSeconds": 0})
            left += loop.store.get(kind, name, item["metadata"]["name"]) is not None
    if left == 0 and loop.after(namespace, "ended", "DeleteNamespace"):
        spec = {**namespace.get("spec", {}), "finalizers": []}
        if namespace["metadata"].get("finalizers"):
            loop.store.put(_NAMESPACE, {**namespace, "spec": spec})
        else:
            loop.store.remove(_NAMESPACE, {**namespace, "spec": spec})


def _bind(loop: Loop, claim: Object) -> None:
    """A claim is bound where its class exists; no volume is made."""
    name = claim["spec"].get("storageClassName") or ""
    waits = at(claim, "status.phase") != "Bound" and loop.store.get(_CLASS, "", name) is not None
    if waits and loop.after(claim, "bound", "BindClaim"):
        spec = {**claim["spec"], "volumeName": f"pvc-{claim['metadata']['uid']}"}
        capacity = at(claim, "spec.resources.requests") or {}
        status = {"phase": "Bound", "capacity": capacity, "accessModes": claim["spec"].get("accessModes", [])}
        loop.store.put(_CLAIM, {**claim, "spec": spec, "status": status})


def _tell(loop: Loop) -> None:
    """Name the webhooks that a real cluster would call."""
    about = loop.store.get(_MAP, "kube-public", ABOUT)
    names = [hook["name"] for kind in _HOOKS for item in loop.store.all(kind) for hook in item.get("webhooks") or ()]
    if about is not None:
        loop.store.put(_MAP, {**about, "data": {**about["data"], "webhooks-not-called": "\n".join(sorted(names))}})
