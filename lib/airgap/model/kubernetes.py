"""Kubernetes objects as plain data: the API table, and what of a live object is comparable to a declared one.

Sources: Kubernetes API conventions; "Server-Side Apply" (field ownership, ``metadata.managedFields``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

MANAGER = "airgap"
"""The field manager of everything that the runbook applies."""
OWNED = ("airgap/environment", "airgap/key")
"""The annotations by which an object is ours."""
CERTIFICATES = "airgap-certificates"
"""The field manager of what is no declaration: the authorities of webhooks' certificates."""


@dataclass(frozen=True)
class Api:
    """Where the objects of one kind are served: group and version, plural, in a namespace or not."""

    kind: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def operation(self) -> str:
        """The read call that lists them, as ``ListNetworkPolicies``."""
        if self.kind.lower() == self.plural:
            return f"List{self.kind}"
        if self.kind.endswith("y"):
            return f"List{self.kind[:-1]}ies"
        return f"List{self.kind}{'es' if self.kind.endswith('s') else 's'}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of the collection, or of one object."""
        root = f"/api/{self.version}" if "/" not in self.version else f"/apis/{self.version}"
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{within}/{self.plural}" + (f"/{name}" if name else "")


_TABLE = """
Namespace v1 namespaces cluster
Node v1 nodes cluster
Pod v1 pods
Service v1 services
ServiceAccount v1 serviceaccounts
ConfigMap v1 configmaps
Secret v1 secrets
Event v1 events
Deployment apps/v1 deployments
DaemonSet apps/v1 daemonsets
StatefulSet apps/v1 statefulsets
ReplicaSet apps/v1 replicasets
Job batch/v1 jobs
CronJob batch/v1 cronjobs
Role rbac.authorization.k8s.io/v1 roles
RoleBinding rbac.authorization.k8s.io/v1 rolebindings
ClusterRole rbac.authorization.k8s.io/v1 clusterroles cluster
ClusterRoleBinding rbac.authorization.k8s.io/v1 clusterrolebindings cluster
NetworkPolicy networking.k8s.io/v1 networkpolicies
Ingress networking.k8s.io/v1 ingresses
IngressClass networking.k8s.io/v1 ingressclasses cluster
PodDisruptionBudget policy/v1 poddisruptionbudgets
PriorityClass scheduling.k8s.io/v1 priorityclasses cluster
StorageClass storage.k8s.io/v1 storageclasses cluster
Lease coordination.k8s.io/v1 leases
CustomResourceDefinition apiextensions.k8s.io/v1 customresourcedefinitions cluster
APIService apiregistration.k8s.io/v1 apiservices cluster
ValidatingWebhookConfiguration admissionregistration.k8s.io/v1 validatingwebhookconfigurations cluster
MutatingWebhookConfiguration admissionregistration.k8s.io/v1 mutatingwebhookconfigurations cluster
ExternalSecret external-secrets.io/v1 externalsecrets
SecretStore external-secrets.io/v1 secretstores
ClusterSecretStore external-secrets.io/v1 clustersecretstores cluster
TargetGroupBinding elbv2.k8s.aws/v1beta1 targetgroupbindings
IngressClassParams elbv2.k8s.aws/v1beta1 ingressclassparams cluster
"""


def _apis() -> Iterator[Api]:
    for row in _TABLE.strip().splitlines():
        kind, version, plural, *scope = row.split()
        yield Api(kind, version, plural, namespaced=not scope)


APIS: dict[str, Api] = {one.kind: one for one in _apis()}
"""Kind -> where it is served; kinds that the runbook neither reads nor applies are not here."""
OPERATIONS: dict[str, Api] = {one.operation: one for one in APIS.values()}
"""Read call -> the API that it lists."""


def api_of(manifest: Mapping[str, Any]) -> Optional[Api]:
    """Return where an object is served, or None where its kind or version is not in the table."""
    found = APIS.get(str(manifest.get("kind", "")))
    return found if found and found.version == manifest.get("apiVersion") else None


def key_of(manifest: Mapping[str, Any]) -> str:
    """Return what tells an object apart in a cluster, as ``Deployment kube-system/coredns``."""
    meta = manifest.get("metadata") or {}
    place = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{manifest.get('kind', '')} {place}{meta.get('name', '')}"


# What the API server refuses to change on a live object; such a difference replaces it.
_IMMUTABLE = {
    "Deployment": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
    "Job": ("spec.selector", "spec.template", "spec.completions"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
}


def immutable(kind: str, path: str) -> bool:
    """Tell whether a field of a live object cannot be changed, so that the object must be replaced."""
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in _IMMUTABLE.get(kind, ()))


# Written by the API server and its controllers, never by whoever declares an object.
_SERVER = ("status",)
_SERVER_META = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink")
_CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver", "eks")


def comparable(live: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a live object answers to a declared one.

    That is every declared field as it stands, and every field that another person or tool has set: defaults of the API
    server and what its controllers write are left out. So a privilege added to a container by hand is a difference,
    and a defaulted ``terminationGracePeriodSeconds`` is none.
    """
    meta = {key: value for key, value in (live.get("metadata") or {}).items() if key not in _SERVER_META}
    bare = {**{key: value for key, value in live.items() if key not in _SERVER}, "metadata": meta}
    if "webhooks" in bare:
        # Authorities of certificates are written by whoever makes the certificates, and are no declaration.
        bare["webhooks"] = [_without(one, "clientConfig", "caBundle") for one in bare["webhooks"] or []]
    kept = _projected(bare, declared)
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if (
            entry.get("manager") in (MANAGER, CERTIFICATES)
            or entry.get("subresource")
            or _system(str(entry.get("manager", "")))
        ):
            continue
        kept = _joined(kept, _owned(bare, entry.get("fieldsV1") or {}))
    return dict(kept)


def adopted(live: Mapping[str, Any], declared: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both without what tells an object of ours: our annotations, and who else set a field beside us."""
    meta = dict(declared["metadata"])
    notes = {key: value for key, value in (meta.pop("annotations", None) or {}).items() if key not in OWNED}
    theirs = {key: value for key, value in (live.get("metadata") or {}).items() if key != "managedFields"}
    wanted = {**declared, "metadata": {**meta, "annotations": notes} if notes else meta}
    return {**live, "metadata": theirs}, wanted


def _without(item: Mapping[str, Any], member: str, inner: str) -> dict[str, Any]:
    held = {key: value for key, value in (item.get(member) or {}).items() if key != inner}
    return {**item, member: held} if member in item else dict(item)


def _system(manager: str) -> bool:
    return any(manager == one or manager.startswith(f"{one}-") for one in _CONTROLLERS)


def _projected(live: Any, declared: Any) -> Any:
    """The live value at every path that the declared value has; lists are compared whole, item by item."""
    if isinstance(live, Mapping) and isinstance(declared, Mapping):
        return {key: _projected(live[key], declared[key]) for key in live if key in declared}
    if isinstance(live, list) and isinstance(declared, list) and len(live) == len(declared):
        return [_projected(one, other) for one, other in zip(live, declared)]
    return live


def _owned(live: Any, fields: Mapping[str, Any]) -> Any:
    """The live value at every path of a ``fieldsV1`` set: ``f:`` a member, ``k:`` a list item by its keys."""
    inner = {path: below for path, below in fields.items() if path != "."}
    if not inner:
        return live
    if isinstance(live, Mapping):
        named = {path[2:]: below for path, below in inner.items() if path.startswith("f:")}
        return {key: _owned(live[key], below) for key, below in named.items() if key in live}
    keyed = [(json.loads(path[2:]), below) for path, below in inner.items() if path.startswith("k:")]
    if isinstance(live, list) and keyed:
        return [_owned_item(item, keyed) for item in live]
    return live


def _owned_item(item: Any, keyed: list[tuple[dict[str, Any], Mapping[str, Any]]]) -> Any:
    for keys, below in keyed:
        if isinstance(item, Mapping) and all(item.get(name) == value for name, value in keys.items()):
            return _owned(item, below)
    return {}


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        both = {key: _joined(one[key], other[key]) for key in one if key in other}
        return {**one, **other, **both}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_joined(mine, theirs) for mine, theirs in zip(one, other)]
    return one


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, before, after) of every leaf in which two objects differ; lists of named items are walked by name.

    >>> list(differences({"a": {"b": 1}}, {"a": {"b": 2}}))
    [('a.b', 1, 2)]
    """
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        return
    named = _by_name(before), _by_name(after)
    if named[0] is not None and named[1] is not None and list(named[0]) == list(named[1]):
        for name in named[0]:
            yield from differences(named[0][name], named[1][name], f"{path}[{name}]")
        return
    yield path, before, after


def at(value: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path that ``differences`` gave; nothing where the path leads nowhere.

    >>> list(at({"a": [{"name": "x.y", "b": 1}]}, "a[x.y].b"))
    [1]
    """
    if not path:
        yield value
        return
    if path.startswith("["):
        for name, item in (_by_name(value) or {}).items():
            if path.startswith(f"[{name}]"):
                yield from at(item, path[len(name) + 2 :])
        return
    if isinstance(value, Mapping):
        rest = path.removeprefix(".")
        for key, item in value.items():
            if rest == key or rest.startswith((f"{key}.", f"{key}[")):
                yield from at(item, rest[len(key) :])


def _by_name(value: Any) -> Optional[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(one, Mapping) and "name" in one for one in value):
        return None
    named = {str(one["name"]): one for one in value}
    return named if len(named) == len(value) else None
