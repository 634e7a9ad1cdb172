"""The loop that lets every controller act, and the time that each thing takes."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Hashable
from typing import Any

from airgap.errors import AirgapError
from airgap.rehearsal import settling
from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.store import Event, Object, stamp

# In the order in which they act.
_CONTROLLERS = (
    *("definitions", "nodes", "cluster_objects", "garbage", "deployments", "replicas", "daemons", "stateful", "jobs"),
    *("scheduling", "kubelet", "services", "external_secrets", "webhook_certificates", "target_groups"),
)
_ROUNDS = 500
# The shortest time before something is tried again, in seconds, so that a rehearsal without latencies comes to rest.
_LEAST = 0.05


class Loop:
    """One cluster's controllers: ``run`` lets them act on what has changed or has become due."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.now = cluster.around.clock()
        self.memory: dict[tuple[str, Hashable], Any] = {}
        self._due: dict[tuple[str, Hashable], float] = {}
        self._seen = -1
        self._dirty = True
        self._last = float("-inf")
        self._acts: list[Callable[[Loop], None]] = [
            importlib.import_module(f"{__package__}.{name}").act for name in _CONTROLLERS
        ]
        self.store.listeners.append(self._forget)

    def wake(self) -> None:
        """Let the controllers act at the next run even if no object has changed."""
        self._dirty = True

    def run(self) -> float | None:
        """Act until nothing changes; return the moment of the clock at which something will be due, if any."""
        self.now = self.cluster.around.clock()
        waiting = [moment for moment in self._due.values() if moment > self._last]
        if not self._dirty and self.store.version == self._seen and not any(moment <= self.now for moment in waiting):
            return min(waiting, default=None)
        for _ in range(_ROUNDS):
            before = self.store.version
            for act in self._acts:
                act(self)
            if self.store.version == before:
                break
        else:
            raise AirgapError("the controllers of the rehearsed cluster do not come to rest")
        self._dirty, self._seen, self._last = False, self.store.version, self.now
        return min((moment for moment in self._due.values() if moment > self.now), default=None)

    def after(self, item: Object, what: Hashable, operation: str, least: float = 0.0) -> bool:
        """Say whether the time that ``operation`` takes has passed since this was first asked of an object."""
        key = (item["metadata"]["uid"], what)
        if key not in self._due:
            self._due[key] = self.now + max(least, settling.seconds(f"kubernetes:{operation}"))
        return self._due[key] <= self.now

    def within(self, item: Object, what: Hashable, seconds: float) -> bool:
        """Say whether less than ``seconds`` have passed since this was first asked of an object."""
        key = (item["metadata"]["uid"], what)
        self._due.setdefault(key, self.now + seconds)
        return self._due[key] > self.now

    def retry(self, item: Object, what: Hashable) -> None:
        """Let the controllers act again a while after something failed that lies outside the cluster."""
        key = (item["metadata"]["uid"], ("retry", what))
        if self._due.get(key, self.now) <= self.now:
            self._due[key] = self.now + max(_LEAST, settling.seconds("kubernetes:RetryController"))

    def forget(self, item: Object, what: Hashable) -> None:
        """Count the time of something anew when it is asked next."""
        self._due.pop((item["metadata"]["uid"], what), None)

    def _forget(self, event: Event) -> None:
        if event.sort == "DELETED":
            uid = event.item["metadata"]["uid"]
            for held in (self._due, self.memory):
                for key in [key for key in held if key[0] == uid]:
                    del held[key]

    def owned(self, kind: Kind, owner: Object, ending: bool = False) -> list[Object]:
        """Return the objects of a kind that an object controls; those that are being deleted only on request."""
        uid, namespace = owner["metadata"]["uid"], owner["metadata"].get("namespace", "")
        return [
            item
            for item in self.store.all(kind, namespace)
            if controller(item) == uid and (ending or not item["metadata"].get("deletionTimestamp"))
        ]

    def note(self, item: Object, reason: str, message: str, sort: str = "Warning") -> None:
        """Keep an Event on an object; the same event again changes nothing."""
        meta = item["metadata"]
        namespace = meta.get("namespace") or "default"
        mark = hashlib.sha256(f"{meta['uid']} {reason} {message}".encode()).hexdigest()[:16]
        name = f"{meta['name']}.{mark}"
        if self.store.get(core("Event"), namespace, name) is not None:
            return
        involved = {"kind": item["kind"], "apiVersion": item["apiVersion"], "name": meta["name"], "uid": meta["uid"]}
        involved |= {"namespace": meta["namespace"]} if "namespace" in meta else {}
        event: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
        }
        event |= {"involvedObject": involved, "type": sort, "reason": reason, "message": message, "count": 1}
        event |= {"firstTimestamp": stamp(), "lastTimestamp": stamp(), "source": {"component": "rehearsal"}}
        self.store.put(core("Event"), event)


def controller(item: Object) -> str:
    """Return the uid of an object's controller, empty where it has none."""
    owners = item["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def owner_reference(item: Object, kind: Kind) -> Object:
    """Return the reference with which an object names its controller."""
    meta = item["metadata"]
    return {
        "apiVersion": kind.api_version(),
        "kind": kind.name,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(sort: str, holds: bool, reason: str = "", message: str = "", held: Any = None) -> Object:
    """Return a condition; its transition time is that of the held one where its status is the same."""
    status = "True" if holds else "False"
    before = next((one for one in held or () if one["type"] == sort), None)
    same = before is not None and before["status"] == status
    found = {
        "type": sort,
        "status": status,
        "lastTransitionTime": before["lastTransitionTime"] if same and before else stamp(),
    }
    return found | {name: text for name, text in (("reason", reason), ("message", message)) if text}
