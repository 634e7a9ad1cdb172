"""What controllers of pods share: making pods from templates, counting them, ending them."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import uuid
from typing import Any

from airgap.rehearsal.kubernetes import admission, deleting
from airgap.rehearsal.kubernetes.cluster import suffix
from airgap.rehearsal.kubernetes.controllers.loop import Loop, owner_reference
from airgap.rehearsal.kubernetes.defaults import completed
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.refusals import Refusal
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object, stamp

POD = core("Pod")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Object) -> str:
    """Return the hash with which controllers label what they make from a template."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])


def ready(pod: Object) -> bool:
    """Say whether a pod is ready."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in at(pod, "status.conditions") or ())


def share(value: Any, total: int, up: bool) -> int:
    """Return a count that is given as a number or a percentage of a total."""
    if isinstance(value, str) and value.endswith("%"):
        part = total * int(value[:-1]) / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value or 0)


def make(
    loop: Loop,
    kind: Kind,
    owner: Object,
    labels: dict[str, str] | None = None,
    name: str = "",
    spec: Object | None = None,
) -> str:
    """Make a pod of an owner's template; return why admission refuses it, empty where it does not."""
    template, meta = copy.deepcopy(owner["spec"]["template"]), owner["metadata"]
    given = template.get("metadata") or {}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name or f"{meta['name']}-{suffix()}",
            "namespace": meta["namespace"],
            "labels": {**(given.get("labels") or {}), **(labels or {})},
            "ownerReferences": [owner_reference(owner, kind)],
            "uid": str(uuid.uuid4()),
            "creationTimestamp": stamp(),
        },
        "spec": {**template["spec"], **(spec or {})},
    }
    if not name:
        pod["metadata"]["generateName"] = f"{meta['name']}-"
    if given.get("annotations"):
        pod["metadata"]["annotations"] = given["annotations"]
    try:
        admission.in_namespace(loop.cluster, POD, pod)
        pod = admission.admitted(loop.cluster, POD, completed(pod), None)
    except Refusal as refusal:
        loop.note(owner, "FailedCreate", f"Error creating: {_unnamed(refusal.message, pod)}")
        return _unnamed(refusal.message, pod)
    loop.store.put(POD, pod)
    return ""


def _unnamed(message: str, pod: Object) -> str:
    """A name that is drawn anew for each try would make each refusal another one."""
    prefix = pod["metadata"].get("generateName")
    return message.replace(pod["metadata"]["name"], prefix) if prefix else message


def end(loop: Loop, pod: Object) -> None:
    """Begin the end of a pod."""
    deleting.delete(loop.cluster, POD, pod, {})
