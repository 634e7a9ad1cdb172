"""Changes that an API server refuses: what cannot be changed once it is set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.selecting import at

Object = dict[str, Any]
Problems = Iterator[tuple[str, str]]

# The fields of each kind that stay, and the words for them.
_IMMUTABLE: dict[str, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "DaemonSet"), (("spec.selector", "field is immutable"),)),
    "Job": (("spec.selector", "field is immutable"), ("spec.template", "field is immutable")),
    "StatefulSet": tuple(
        (f"spec.{name}", "updates to statefulset spec for this field are forbidden")
        for name in ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
    ),
    "Secret": (("type", "field is immutable"),),
    **dict.fromkeys(("RoleBinding", "ClusterRoleBinding"), (("roleRef", "cannot change roleRef"),)),
    "CustomResourceDefinition": (("spec.scope", "field is immutable"), ("spec.names.kind", "field is immutable")),
    "PersistentVolumeClaim": (("spec.storageClassName", "field is immutable"),),
}


def problems(kind: Kind, before: Object, after: Object) -> Problems:
    """Yield what is wrong with a change from one object to another."""
    for field, why in _IMMUTABLE.get(kind.name, ()) if not kind.custom else ():
        old, new = at(before, field), at(after, field)
        if old != new:
            sort = "Forbidden" if "forbidden" in why else f"Invalid value: {json.dumps(new, separators=(',', ':'))}"
            yield field, f"{sort}: {why}"
    if before.get("immutable") and kind.name in ("Secret", "ConfigMap") and before.get("data") != after.get("data"):
        yield "data", "Forbidden: field is immutable when `immutable` is set"
    if kind.name == "Pod" and _frozen(before) != _frozen(after):
        yield "spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
    if kind.name == "Service" and at(before, "spec.clusterIP") not in (None, "", at(after, "spec.clusterIP")):
        yield "spec.clusterIPs[0]", "Invalid value: may not change once set"


def _frozen(pod: Object) -> Object:
    spec = {**pod["spec"], "tolerations": None, "activeDeadlineSeconds": None, "nodeName": None}
    for name in ("containers", "initContainers"):
        spec[name] = [{**container, "image": None} for container in spec.get(name) or ()]
    return spec
