"""Deployments: one ReplicaSet for each template, exchanged within the bounds of the strategy."""

from __future__ import annotations

import copy
from typing import Any

from airgap.rehearsal.kubernetes.controllers import pods, replicas
from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition, owner_reference
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

KIND = core("Deployment", "apps")
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


def act(loop: Loop) -> None:
    """Bring each deployment one step on."""
    for deployment in loop.store.all(KIND):
        if not deployment["metadata"].get("deletionTimestamp"):
            _act(loop, deployment)


def _revision(item: Object) -> int:
    return int((item["metadata"].get("annotations") or {}).get(REVISION, 0))


def _act(loop: Loop, deployment: Object) -> None:
    sets = loop.owned(replicas.KIND, deployment)
    new = next((one for one in sets if _template(one) == deployment["spec"]["template"]), None)
    if not deployment["spec"].get("paused"):
        latest = max((_revision(one) for one in sets), default=0)
        if new is None:
            new = _make(loop, deployment, latest + 1)
        elif _revision(new) < latest:
            new = _annotated(loop, replicas.KIND, new, latest + 1)
        deployment = _annotated(loop, KIND, deployment, _revision(new))
        _roll(loop, deployment, new, [one for one in sets if one["metadata"]["uid"] != new["metadata"]["uid"]])
    _report(loop, deployment, new)


def _template(replica_set: Object) -> Object:
    template = copy.deepcopy(replica_set["spec"]["template"])
    template.get("metadata", {}).get("labels", {}).pop(HASH, None)
    found: Object = template
    return found


def _annotated(loop: Loop, kind: Any, item: Object, revision: int) -> Object:
    annotations = {**(item["metadata"].get("annotations") or {}), REVISION: str(revision)}
    return loop.store.put(kind, {**item, "metadata": {**item["metadata"], "annotations": annotations}})


def _make(loop: Loop, deployment: Object, revision: int) -> Object:
    meta, spec = deployment["metadata"], deployment["spec"]
    mark = pods.template_hash(spec["template"])
    template = copy.deepcopy(spec["template"])
    template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = mark
    kept = {name: text for name, text in (meta.get("annotations") or {}).items() if "last-applied" not in name}
    selector = spec["selector"]
    replica_set: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{mark}",
            "namespace": meta["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": {**kept, REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment, KIND)],
            "generation": 1,
        },
        "spec": {
            "replicas": 0,
            "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH: mark}},
            "template": template,
        },
    }
    return loop.store.put(replicas.KIND, replica_set)


def _scale(loop: Loop, replica_set: Object, count: int) -> None:
    if replica_set["spec"]["replicas"] != count:
        generation = replica_set["metadata"].get("generation", 1) + 1
        changed = {**replica_set, "spec": {**replica_set["spec"], "replicas": count}}
        loop.store.put(replicas.KIND, {**changed, "metadata": {**replica_set["metadata"], "generation": generation}})


def _roll(loop: Loop, deployment: Object, new: Object, old: list[Object]) -> None:
    """Scale the sets as far as surge and availability let it be."""
    spec = deployment["spec"]
    wanted, rolling = spec.get("replicas", 1), at(spec, "strategy.rollingUpdate") or {}
    running = [one for one in old if one["spec"]["replicas"]]
    if at(spec, "strategy.type") == "Recreate":
        for one in running:
            _scale(loop, one, 0)
        alive = any(loop.owned(pods.POD, one, ending=True) for one in old)
        _scale(loop, new, new["spec"]["replicas"] if alive else wanted)
    else:
        surge = pods.share(rolling.get("maxSurge", "25%"), wanted, up=True)
        lost = pods.share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
        if surge == lost == 0:
            lost = 1
        kept = sum(one["spec"]["replicas"] for one in running)
        _scale(loop, new, max(0, min(wanted, wanted + surge - kept) if running else wanted))
        spare = sum(at(one, "status.availableReplicas") or 0 for one in (*running, new)) - (wanted - lost)
        for one in running:
            unready = one["spec"]["replicas"] - (at(one, "status.availableReplicas") or 0)
            cut = min(one["spec"]["replicas"], unready + max(0, spare))
            spare -= max(0, cut - unready)
            _scale(loop, one, one["spec"]["replicas"] - cut)
    idle = sorted((one for one in old if not one["spec"]["replicas"]), key=_revision)
    for one in idle[: max(0, len(idle) - spec.get("revisionHistoryLimit", 10))]:
        if not loop.owned(pods.POD, one):
            loop.store.remove(replicas.KIND, one)


def _report(loop: Loop, deployment: Object, new: Object | None) -> None:
    sets = loop.owned(replicas.KIND, deployment)
    new = next((one for one in sets if new is not None and one["metadata"]["uid"] == new["metadata"]["uid"]), None)
    wanted = deployment["spec"].get("replicas", 1)

    def count(name: str, among: list[Object]) -> int:
        return sum(at(one, f"status.{name}") or 0 for one in among)

    total, good = count("replicas", sets), count("availableReplicas", sets)
    updated = count("replicas", [new] if new else [])
    status: Object = {"observedGeneration": deployment["metadata"].get("generation", 1)}
    numbers = {"replicas": total, "updatedReplicas": updated, "readyReplicas": good, "availableReplicas": good}
    numbers["unavailableReplicas"] = max(0, wanted - good)
    status |= {name: value for name, value in numbers.items() if value}
    status["conditions"] = _conditions(loop, deployment, new, numbers)
    loop.cluster.status(KIND, deployment, status)


def _conditions(loop: Loop, deployment: Object, new: Object | None, numbers: dict[str, int]) -> list[Object]:
    held, spec = at(deployment, "status.conditions"), deployment["spec"]
    wanted = spec.get("replicas", 1)
    lost = pods.share(at(spec, "strategy.rollingUpdate.maxUnavailable"), wanted, up=False)
    available = numbers["availableReplicas"] >= wanted - lost
    words = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    lacking = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    found = [condition("Available", available, *(words if available else lacking), held)]
    name = new["metadata"]["name"] if new else ""
    whole = numbers["updatedReplicas"] == numbers["replicas"] == numbers["availableReplicas"] == wanted
    mark = ("progress", _revision(deployment))
    if whole:
        loop.forget(deployment, mark)
        found.append(
            condition(
                "Progressing", True, "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.', held
            )
        )
    elif loop.within(deployment, mark, spec.get("progressDeadlineSeconds", 600)):
        found.append(condition("Progressing", True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.', held))
    else:
        found.append(
            condition(
                "Progressing",
                False,
                "ProgressDeadlineExceeded",
                f'ReplicaSet "{name}" has timed out progressing.',
                held,
            )
        )
    return found + [one for one in at(new, "status.conditions") or () if one["type"] == "ReplicaFailure"]
