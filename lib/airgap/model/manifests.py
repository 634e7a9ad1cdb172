"""What a Kubernetes manifest runs: its pod templates, every image that it names, openly or hidden, and its mistakes.

Sources: Kubernetes API reference (PodSpec); OCI distribution specification (reference grammar).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TEMPLATES = {
    "Pod": "",
    "Deployment": "spec.template",
    "DaemonSet": "spec.template",
    "StatefulSet": "spec.template",
    "ReplicaSet": "spec.template",
    "ReplicationController": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
    "PodTemplate": "template",
}
"""Kind -> where its pod template stands."""

CONTAINERS = {"initContainers": "init container", "containers": "container", "ephemeralContainers": "debug container"}
HOOK = "helm.sh/hook"

_DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::\d+)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
_END = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
HIDDEN = re.compile(rf"(?<![\w./@-])({_DOMAIN}/{_PATH}(?=[:@]){_END})(?![\w/])")
"""An image reference inside other text: a registry's name, a path, and a tag or a digest."""


@dataclass(frozen=True)
class Image:
    """An image that a manifest names, where, and how: as a container's image, or hidden in a text."""

    reference: str
    where: str
    origin: str


def pod_template(manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the pod template of a manifest, or None where its kind runs no pod."""
    if manifest.get("kind") not in TEMPLATES:
        return None
    found: Any = manifest
    for part in filter(None, TEMPLATES[str(manifest["kind"])].split(".")):
        found = (found or {}).get(part)
    return found if isinstance(found, Mapping) else None


def containers(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (what it is, container) of every container of a manifest, init and debug ones included."""
    spec = (pod_template(manifest) or {}).get("spec") or {}
    for member, what in CONTAINERS.items():
        for container in spec.get(member) or []:
            yield what, container


def images(manifest: Mapping[str, Any]) -> Iterator[Image]:
    """Yield every image that a manifest names, each place once."""
    where = f"{manifest.get('kind')} {(manifest.get('metadata') or {}).get('name', '')}"
    hook = HOOK in ((manifest.get("metadata") or {}).get("annotations") or {})
    open_places = set()
    for what, container in containers(manifest):
        if container.get("image"):
            open_places.add(container["image"])
            origin = f"hook's {what}" if hook else what
            yield Image(str(container["image"]), f"{where}, {what} {container.get('name', '')}", origin)
    for path, text in _texts(manifest):
        for match in HIDDEN.finditer(text):
            if match[1] not in open_places:
                yield Image(match[1], f"{where}, {path}", _hidden_in(path))


def _hidden_in(path: str) -> str:
    for part, origin in ((".args", "argument"), (".command", "argument"), (".env", "environment")):
        if part in path:
            return origin
    return "configuration" if path.startswith(("data", "spec")) else "annotation"


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in ("managedFields", "description"):
                yield from _texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")


_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")


def mistakes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an API server refuses in a manifest although the published schemas admit it."""
    name = str((manifest.get("metadata") or {}).get("name") or "")
    if not manifest.get("apiVersion") or not manifest.get("kind"):
        yield "has no apiVersion or no kind"
    if not _NAME.fullmatch(name) and not str(manifest.get("apiVersion", "")).startswith("rbac."):
        yield f"the name {name!r} is not a DNS name (RFC 1123)"
    yield from _selector(manifest)
    if manifest.get("kind") == "NetworkPolicy":
        for kind in (manifest.get("spec") or {}).get("policyTypes") or []:
            if kind not in ("Ingress", "Egress"):
                yield f"policy type {kind!r} is neither Ingress nor Egress"
    template = pod_template(manifest)
    if template is not None:
        yield from _pod(list(containers(manifest)))
        yield from _restarts(str(manifest["kind"]), (template.get("spec") or {}).get("restartPolicy"))
        yield from _mounts(template.get("spec") or {}, manifest)


def _selector(manifest: Mapping[str, Any]) -> Iterator[str]:
    wanted = ((manifest.get("spec") or {}).get("selector") or {}) if manifest.get("kind") in TEMPLATES else {}
    labels = ((pod_template(manifest) or {}).get("metadata") or {}).get("labels") or {}
    missing = {key for key, value in (wanted.get("matchLabels") or {}).items() if labels.get(key) != value}
    if missing:
        yield f"the selector does not match the template's labels: {', '.join(sorted(missing))}"


def _pod(found: list[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    if not any(what == "container" for what, _ in found):
        yield "has no container"
    names = [str(one.get("name", "")) for _, one in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two containers are called {name!r}"
    for _, one in found:
        yield from (f"container {one.get('name')!r}: {text}" for text in _container(one))


def _restarts(kind: str, policy: Any) -> Iterator[str]:
    """Jobs run to their end and must say so; what is kept running restarts always, and a Pod as it likes."""
    admitted = {"Job": ("OnFailure", "Never"), "CronJob": ("OnFailure", "Never")}
    if kind in admitted and policy not in admitted[kind]:
        yield f"restartPolicy {policy!r} is neither OnFailure nor Never"
    elif kind not in (*admitted, "Pod", "PodTemplate") and policy not in (None, "Always"):
        yield f"restartPolicy {policy!r} is not Always"


def _mounts(spec: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[str]:
    kept = (manifest.get("spec") or {}).get("volumeClaimTemplates") or []  # of a StatefulSet: volumes by their names
    there = {one.get("name") for one in spec.get("volumes") or []} | {
        (one.get("metadata") or {}).get("name") for one in kept
    }
    for _, container in containers(manifest):
        for mount in container.get("volumeMounts") or []:
            if mount.get("name") not in there:
                yield f"container {container.get('name')!r} mounts {mount.get('name')!r}, which is no volume of its pod"


def _container(container: Mapping[str, Any]) -> Iterator[str]:
    if not container.get("image"):
        yield "names no image"
    if not _LABEL.fullmatch(str(container.get("name") or "")):
        yield "its name is not a DNS label (RFC 1123)"
    if container.get("imagePullPolicy", "Always") not in ("Always", "IfNotPresent", "Never"):
        yield f"imagePullPolicy {container['imagePullPolicy']!r} is none"
    for port in container.get("ports") or []:
        number = port.get("containerPort")
        if not isinstance(number, int) or not 0 < number < 65536:
            yield f"port {number} is none"
    for member, amounts in (container.get("resources") or {}).items():
        for what, amount in amounts.items() if isinstance(amounts, Mapping) else ():
            if not _QUANTITY.fullmatch(str(amount)):
                yield f"{member} of {what}: {amount!r} is no quantity"


def every_image(manifests: Iterable[Mapping[str, Any]]) -> dict[str, list[Image]]:
    """Return every image of some manifests by its reference, with all the places that name it."""
    found: dict[str, list[Image]] = {}
    for manifest in manifests:
        for image in images(manifest):
            found.setdefault(image.reference, []).append(image)
    return found
