"""The objects of one cluster, with resource versions and the history that watches read.

An object in the store is never changed in place: a write puts a new one there, so readers need no copies.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airgap.rehearsal.kubernetes.kinds import Kind, Kinds

Object = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One change: resource version, ADDED, MODIFIED or DELETED, the object then, and the one before."""

    version: int
    sort: str
    kind: Kind
    item: Object
    before: Object | None


def stamp() -> str:
    """Return the time of day as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """Objects by resource, namespace and name; ``changed`` is the lock, and is notified at each write."""

    def __init__(self, history: int = 5000) -> None:
        self.kinds = Kinds()
        self.changed = threading.Condition(threading.RLock())
        self.version = 1
        self.forgotten = 0
        self._history: deque[Event] = deque()
        self._length = history
        self._objects: dict[tuple[str, str], dict[tuple[str, str], Object]] = defaultdict(dict)
        self.listeners: list[Callable[[Event], None]] = []

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, None where there is none."""
        return self._objects[kind.group, kind.plural].get((namespace if kind.namespaced else "", name))

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """Return the objects of a resource in a namespace (empty: in all), by namespace and name."""
        held = self._objects[kind.group, kind.plural]
        return [held[key] for key in sorted(held) if namespace in ("", key[0])]

    def put(self, kind: Kind, item: Object) -> Object:
        """Keep an object in a new resource version, and return it; what does not change anything keeps its version."""
        meta = item["metadata"]
        key = (meta.get("namespace", "") if kind.namespaced else "", meta["name"])
        held = self._objects[kind.group, kind.plural]
        before = held.get(key)
        if before is not None and _same(before, item):
            return before
        self.version += 1
        meta = {**meta, "resourceVersion": str(self.version)}
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", stamp())
        item = {**item, "metadata": meta}
        held[key] = item
        self._note(Event(self.version, "MODIFIED" if before else "ADDED", kind, item, before))
        return item

    def remove(self, kind: Kind, item: Object) -> Object:
        """Take an object away, and return it as it was last."""
        meta = item["metadata"]
        held = self._objects[kind.group, kind.plural]
        before = held.pop((meta.get("namespace", "") if kind.namespaced else "", meta["name"]))
        self.version += 1
        item = {**item, "metadata": {**meta, "resourceVersion": str(self.version)}}
        self._note(Event(self.version, "DELETED", kind, item, before))
        return item

    def since(self, version: int) -> list[Event]:
        """Return the changes after a resource version, which is not older than ``forgotten``."""
        found = []
        for event in reversed(self._history):
            if event.version <= version:
                break
            found.append(event)
        return found[::-1]

    def _note(self, event: Event) -> None:
        self._history.append(event)
        while len(self._history) > self._length:
            self.forgotten = self._history.popleft().version
        for listener in self.listeners:
            listener(event)
        self.changed.notify_all()


def _same(before: Object, after: Object) -> bool:
    return {**before, "metadata": _plain(before)} == {**after, "metadata": _plain(after)}


def _plain(item: Object) -> Object:
    return {key: value for key, value in item["metadata"].items() if key != "resourceVersion"}
