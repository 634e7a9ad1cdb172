"""StatefulSets: pods with numbers, made in order and exchanged from the last to the first."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers import pods
from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object

KIND, _CLAIM = core("StatefulSet", "apps"), core("PersistentVolumeClaim")
HASH = "controller-revision-hash"


def act(loop: Loop) -> None:
    """Bring each set one step on."""
    for stateful in loop.store.all(KIND):
        if not stateful["metadata"].get("deletionTimestamp"):
            _act(loop, stateful)


def _act(loop: Loop, stateful: Object) -> None:
    spec, name = stateful["spec"], stateful["metadata"]["name"]
    wanted = spec.get("replicas", 1)
    mark = f"{name}-{pods.template_hash(spec['template'])}"
    held = {pod["metadata"]["name"]: pod for pod in loop.owned(pods.POD, stateful)}
    names = [f"{name}-{number}" for number in range(wanted)]
    ordered = spec.get("podManagementPolicy") != "Parallel"
    for number, one in enumerate(names):
        pod = held.get(one)
        if pod is None:
            if loop.store.get(pods.POD, stateful["metadata"]["namespace"], one) is None:
                _make(loop, stateful, one, number, mark)
            pod = None
        if ordered and (pod is None or not pods.ready(pod)):
            break
    for one in sorted(held.keys() - set(names))[-1:]:
        pods.end(loop, held[one])
    _replace(loop, stateful, [held[one] for one in names if one in held], mark)
    _report(loop, stateful, mark)


def _make(loop: Loop, stateful: Object, name: str, number: int, mark: str) -> None:
    spec, namespace = stateful["spec"], stateful["metadata"]["namespace"]
    volumes = list(spec["template"]["spec"].get("volumes") or ())
    for claim in spec.get("volumeClaimTemplates") or ():
        title = f"{claim['metadata']['name']}-{name}"
        volumes.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": title}})
        if loop.store.get(_CLAIM, namespace, title) is None:
            meta = {"name": title, "namespace": namespace, "labels": spec["selector"].get("matchLabels") or {}}
            whole = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim["spec"]}
            loop.store.put(_CLAIM, {**whole, "status": {"phase": "Pending"}})
    labels = {HASH: mark, "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(number)}
    more: Object = {"hostname": name, "subdomain": spec.get("serviceName", "")}
    pods.make(loop, KIND, stateful, labels, name, more | ({"volumes": volumes} if volumes else {}))


def _replace(loop: Loop, stateful: Object, held: list[Object], mark: str) -> None:
    if at(stateful, "spec.updateStrategy.type") == "OnDelete":
        return
    first = at(stateful, "spec.updateStrategy.rollingUpdate.partition") or 0
    for pod in reversed(held[first:]):
        if pod["metadata"]["labels"].get(HASH) != mark:
            pods.end(loop, pod)
            return
        if not pods.ready(pod):
            return


def _report(loop: Loop, stateful: Object, mark: str) -> None:
    held = loop.owned(pods.POD, stateful)
    good, new = sum(map(pods.ready, held)), sum(pod["metadata"]["labels"].get(HASH) == mark for pod in held)
    whole = new == len(held) == good == stateful["spec"].get("replicas", 1)
    before = at(stateful, "status.currentRevision") or mark
    current = mark if whole else before
    status = {
        "observedGeneration": stateful["metadata"].get("generation", 1),
        "replicas": len(held),
        "readyReplicas": good,
        "availableReplicas": good,
        "updatedReplicas": new,
        "currentReplicas": sum(pod["metadata"]["labels"].get(HASH) == current for pod in held),
        "currentRevision": current,
        "updateRevision": mark,
        "collisionCount": 0,
    }
    loop.cluster.status(KIND, stateful, status)
