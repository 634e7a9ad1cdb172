"""What a node does for a container before it starts: its image, and the secrets and maps that it names."""

from __future__ import annotations

from dataclasses import dataclass

from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.setting import Pulled, Refused, Unreachable
from airgap.rehearsal.kubernetes.store import Object

_SOURCES = {"secret": (core("Secret"), "secretName"), "configMap": (core("ConfigMap"), "name")}
_ENV = {"secretKeyRef": core("Secret"), "configMapKeyRef": core("ConfigMap")}
_ENV_FROM = {"secretRef": core("Secret"), "configMapRef": core("ConfigMap")}
# The shortest time between two pulls, in seconds, so that a rehearsal without latencies comes to rest.
_LEAST = 0.05


@dataclass(frozen=True)
class Image:
    """An image on a node: its digest, and its id as a pod's status shows it."""

    digest: str
    image_id: str


@dataclass(frozen=True)
class Waiting:
    """Why a container does not start yet: reason and message of its waiting state."""

    reason: str
    message: str = ""


def pulled(loop: Loop, pod: Object, container: Object) -> Image | Waiting:
    """Return a container's image, pulled by the node's role, or why there is none; failures are tried again."""
    node, image = pod["spec"]["nodeName"], container["image"]
    kept = (pod["metadata"]["uid"], ("image", container["name"], image))
    found = loop.memory.get(kept)
    if found is None or _again(loop, pod, kept[1], found):
        found = _pull(loop, pod, container, node)
        if isinstance(found, Waiting):
            return found
        tries = loop.memory.get(kept, (None, 0))[1] + 1
        found = loop.memory[kept] = (found, tries)
    outcome, tries = found
    if isinstance(outcome, Image):
        return outcome
    loop.note(pod, "Failed", f'Failed to pull image "{image}": {outcome.message}')
    if outcome.reason != "ErrImagePull":
        return Waiting(outcome.reason, outcome.message)
    if tries == 1 and not loop.after(pod, (*kept[1], "shown"), "ShowPullError"):
        return Waiting("ErrImagePull", outcome.message)
    return Waiting("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {outcome.message}')


def _again(loop: Loop, pod: Object, what: tuple[str, str, str], found: tuple[object, int]) -> bool:
    outcome, tries = found
    return not isinstance(outcome, Image) and loop.after(pod, (*what, "again", tries), "PullBackOff", _LEAST)


def _pull(loop: Loop, pod: Object, container: Object, node: str) -> Image | Refused | Waiting:
    image, policy = container["image"], container.get("imagePullPolicy")
    cached = loop.memory.get((node, ("image", image)))
    if cached is not None and policy != "Always":
        result: Image = cached
        return result
    if policy == "Never":
        return Waiting("ErrImageNeverPull", f'Container image "{image}" is not present with pull policy of Never')
    if not loop.after(pod, ("pulling", container["name"], image), "PullImage"):
        return Waiting("ContainerCreating")
    facts = next((one for one in loop.cluster.facts.nodes if one.name == node), None)
    missing = loop.cluster.around.cut_off(facts.private_ip) if facts else ""
    if missing:
        host = image.partition("/")[0]
        told = f'failed to pull and unpack image "{image}": failed to do request: dial {host} ({missing}): i/o timeout'
        return Unreachable("ErrImagePull", told)
    outcome = loop.cluster.around.registry.pull(image, facts.role_arn if facts else "")
    if not isinstance(outcome, Pulled):
        return outcome
    found = loop.memory[node, ("image", image)] = Image(outcome.digest, outcome.image_id)
    return found


def unmounted(loop: Loop, pod: Object) -> str:
    """Return what keeps the volumes of a pod from being mounted, empty for nothing."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        parts = [volume, *(at(volume, "projected.sources") or ())]
        for part in parts:
            for sort, (kind, key) in _SOURCES.items():
                source = part.get(sort)
                name = (source or {}).get(key) or (source or {}).get("name")
                if name and not source.get("optional") and loop.store.get(kind, namespace, name) is None:
                    return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {sort.lower()} "{name}" not found'
    return ""


def unset(loop: Loop, pod: Object, container: Object) -> str:
    """Return what keeps the environment of a container from being set, empty for nothing."""
    namespace = pod["metadata"]["namespace"]
    for entry in container.get("env") or ():
        for sort, kind in _ENV.items():
            source = at(entry, f"valueFrom.{sort}")
            if source and not source.get("optional"):
                held = loop.store.get(kind, namespace, source["name"])
                if held is None:
                    return f'{kind.name.lower()} "{source["name"]}" not found'
                if source["key"] not in {**(held.get("data") or {}), **(held.get("binaryData") or {})}:
                    return f"couldn't find key {source['key']} in {kind.name} {namespace}/{source['name']}"
    for entry in container.get("envFrom") or ():
        for sort, kind in _ENV_FROM.items():
            source = entry.get(sort)
            if source and not source.get("optional") and loop.store.get(kind, namespace, source["name"]) is None:
                return f'{kind.name.lower()} "{source["name"]}" not found'
    return ""
