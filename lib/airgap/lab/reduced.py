"""Rendered manifests as ``podman play kube`` takes them: what it would pass over in silence is left out here, and said.

A field that no table names is left out like the others, so that a chart's new field is never believed to be in force.
Podman 4.3 reads pods, not what makes them: each replica of a Deployment becomes a pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airgap.errors import AirgapError

_POD = ("terminationGracePeriodSeconds", "containers", "securityContext")
_CONTAINER = (
    "name",
    "image",
    "command",
    "args",
    "workingDir",
    "env",
    "resources",
    "securityContext",
    "imagePullPolicy",
)
_INHERITED = ("runAsUser", "runAsGroup")
"""Of a pod's security context: what its containers have unless they say otherwise (Kubernetes, PodSecurityContext)."""
_SECURITY = ("allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "runAsUser", "runAsGroup")
_WHY = {
    "ports": "a pod has a namespace of its own here, where every port of it answers",
    "readinessProbe": "the engine has no kubelet: the lab asks the path itself, as a target group does",
    "livenessProbe": "the engine has no kubelet, and nothing is started again",
    "startupProbe": "the engine has no kubelet",
    "lifecycle": "the engine runs no hooks",
    "topologySpreadConstraints": "there is one node",
    "affinity": "there is one node",
    "tolerations": "there is one node",
    "nodeSelector": "there is one node",
    "priorityClassName": "there is one node",
    "serviceAccountName": "there is no API server, so nobody's account",
    "automountServiceAccountToken": "there is no API server, so no token is mounted",
    "seccompProfile": "the engine's own profile is in force, which RuntimeDefault names",
    "runAsNonRoot": "the engine does not look: the lab looks at the user of the process that runs",
    "tag": "the engine takes a digest without a tag",
    "strategy": "nothing is rolled out twice",
    "selector": "there is no controller",
}
_OBJECTS = {
    "ServiceAccount": "there is no API server",
    "Service": "the proxy goes to the pods' own addresses, as the load balancer does",
    "PodDisruptionBudget": "nothing is evicted",
    "TargetGroupBinding": "no controller runs: the lab gives the pods' addresses to the proxy itself",
}


@dataclass(frozen=True)
class Reduced:
    """What the engine is given, and a line for each thing that it is not, with the reason."""

    pods: tuple[Mapping[str, Any], ...]
    secrets: tuple[tuple[str, str], ...]
    """(Secret, key) that the pods' variables name; External Secrets fills them in a cluster."""
    left_out: tuple[str, ...]


def reduced(objects: Iterable[Mapping[str, Any]]) -> Reduced:
    """Return the pods of a release; raises ``AirgapError`` where its objects run nothing."""
    pods: list[Mapping[str, Any]] = []
    left: list[str] = []
    for one in objects:
        where = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Deployment":
            pods += _replicas(one, where, left)
        else:
            left.append(f"{where}: {_OBJECTS.get(one['kind'], 'the engine knows no such kind')}")
    if not pods:
        raise AirgapError("The manifests run nothing: there is no Deployment in them", "anything")
    return Reduced(tuple(pods), tuple(sorted(set(_secrets(pods)))), tuple(dict.fromkeys(left)))


def _replicas(deployment: Mapping[str, Any], where: str, left: list[str]) -> Iterator[Mapping[str, Any]]:
    spec = deployment["spec"]
    _kept(spec, ("replicas", "template"), f"{where} spec", left)
    template = spec["template"]
    inner = _kept(template["spec"], _POD, f"{where} pod", left)
    shared = inner.pop("securityContext", {})
    passed = _kept(shared, _INHERITED, f"{where} pod securityContext", left)
    inner["containers"] = [_container(one, passed, where, left) for one in inner["containers"]]
    for number in range(int(spec.get("replicas", 1))):
        meta = {"name": f"{deployment['metadata']['name']}-{number}", "labels": template["metadata"].get("labels", {})}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**inner, "hostNetwork": True}}


def _container(one: Mapping[str, Any], shared: Mapping[str, Any], where: str, left: list[str]) -> dict[str, Any]:
    place = f"{where} container {one['name']}"
    kept = _kept(one, _CONTAINER, place, left)
    own = _kept(kept.get("securityContext") or {}, _SECURITY, f"{place} securityContext", left)
    name, _, digest = str(kept["image"]).partition("@")
    if digest and ":" in name.rpartition("/")[2]:
        left.append(f"{place} image tag: {_WHY['tag']}")
        name = name.rpartition(":")[0]
    return {**kept, "securityContext": {**shared, **own}, "image": f"{name}@{digest}" if digest else name}


def _kept(whole: Mapping[str, Any], known: Iterable[str], where: str, left: list[str]) -> dict[str, Any]:
    """Return the known fields; each other one becomes a line of what is left out."""
    names = tuple(known)
    left += [f"{where} {one}: {_WHY.get(one, 'the engine does not know it')}" for one in whole if one not in names]
    return {name: whole[name] for name in names if name in whole}


def _secrets(pods: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for one in container.get("env") or []:
                named = (one.get("valueFrom") or {}).get("secretKeyRef")
                if named:
                    yield named["name"], named["key"]
