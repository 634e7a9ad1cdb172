"""Getting, listing and watching."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from airgap.rehearsal.kubernetes import selecting, tables
from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.refusals import Refusal, bad_request, expired
from airgap.rehearsal.kubernetes.requests import Request
from airgap.rehearsal.kubernetes.store import Event, Object

# How long a watch lasts that names no time, and the least and longest wait before controllers may act again, in
# seconds: what happens outside the cluster (a push, a new node) wakes nobody.
WATCH_SECONDS = 1800.0
_STEP = 0.005
_LOOK = 0.25
_NO_WATCH_LIST = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"


def seen(kind: Kind, version: str, item: Object) -> Object:
    """Return an object as a version shows it."""
    wanted = kind.api_version(version)
    return item if item["apiVersion"] == wanted else {**item, "apiVersion": wanted}


def as_asked(request: Request, items: list[Object], version: str) -> Object | None:
    """Return a Table where a client asks for one, None where it wants the objects."""
    if "as=Table" not in request.accept.replace(" ", ""):
        return None
    return tables.table(request.kind, items, version, request.params.get("includeObject") == "Object")


def selected(request: Request) -> Callable[[Object], bool]:
    """Return the test of a request's name and selectors."""
    tests = []
    if request.params.get("labelSelector"):
        tests.append(selecting.labels(request.params["labelSelector"]))
    if request.params.get("fieldSelector"):
        tests.append(selecting.fields(request.params["fieldSelector"]))
    if request.name:
        tests.append(lambda item: item["metadata"]["name"] == request.name)
    return lambda item: all(test(item) for test in tests)


def listed(cluster: Cluster, request: Request) -> Object:
    """Return the list that a request asks for, in pages where it sets a limit."""
    kind, test = request.kind, selected(request)
    items = [seen(kind, request.version, item) for item in cluster.store.all(kind, request.namespace) if test(item)]
    version, meta = str(cluster.store.version), {}
    start, limit = _page(request)
    if limit and start + limit < len(items):
        meta = {"continue": f"{start + limit}:{version}", "remainingItemCount": len(items) - start - limit}
    items = items[start : start + limit] if limit else items[start:]
    table = as_asked(request, items, version)
    if table is not None:
        table["metadata"].update(meta)
        return table
    return {
        "kind": kind.list_name,
        "apiVersion": kind.api_version(request.version),
        "metadata": {"resourceVersion": version, **meta},
        "items": items,
    }


def _page(request: Request) -> tuple[int, int]:
    try:
        start = int(request.params.get("continue", "").split(":")[0] or 0)
        return start, int(request.params.get("limit") or 0)
    except ValueError as error:
        raise bad_request("continue key is not valid") from error


def watched(cluster: Cluster, request: Request, tick: Callable[[], float | None]) -> Iterator[bytes]:
    """Return the stream of changes that a watch asks for; a Refusal where its resource version is too old.

    ``tick`` lets controllers act and returns the moment when one of them wants to act next.
    """
    if "sendInitialEvents" in request.params:
        raise Refusal(
            422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: {_NO_WATCH_LIST}'
        )
    asked = request.params.get("resourceVersion") or "0"
    if not asked.isdigit():
        raise bad_request(f'Invalid value: "{asked}": invalid resource version')
    since, test = int(asked), selected(request)
    first: list[Object] = []
    if since == 0:
        first = [item for item in cluster.store.all(request.kind, request.namespace) if test(item)]
        since = cluster.store.version
    elif since < cluster.store.forgotten:
        raise expired(since, cluster.store.forgotten)
    return _stream(cluster, request, tick, test, first, since)


def _stream(
    cluster: Cluster,
    request: Request,
    tick: Callable[[], float | None],
    test: Callable[[Object], bool],
    first: list[Object],
    since: int,
) -> Iterator[bytes]:
    for item in first:
        yield _line(request, "ADDED", item)
    end = cluster.around.clock() + float(request.params.get("timeoutSeconds") or WATCH_SECONDS)
    store = cluster.store
    while True:
        with store.changed:
            due = tick()
            lost, events = since < store.forgotten, store.since(since)
            now = cluster.around.clock()
            if not events and not lost:
                if now >= end:
                    return
                store.changed.wait(min(_LOOK, max(_STEP, min(end, end if due is None else due) - now)))
        if not events and not lost:
            yield b""  # lets the listener see whether anybody still reads
            continue
        if lost:
            yield _encoded({"type": "ERROR", "object": expired(since, store.forgotten).status()})
            return
        since = events[-1].version
        for event in events:
            yield from _told(request, event, test)


def _told(request: Request, event: Event, test: Callable[[Object], bool]) -> Iterator[bytes]:
    """Yield how a watcher sees a change: what leaves its selection is deleted for it, what enters is added."""
    item = event.item
    if (event.kind.group, event.kind.plural) != (request.kind.group, request.kind.plural):
        return
    if request.namespace and request.kind.namespaced and item["metadata"]["namespace"] != request.namespace:
        return
    before = event.before is not None and test(event.before)
    after = event.sort != "DELETED" and test(item)
    if before or after:
        sort = ("MODIFIED" if before else "ADDED") if after else "DELETED"
        yield _line(request, sort, item)


def _line(request: Request, sort: str, item: Object) -> bytes:
    shown: Any = seen(request.kind, request.version, item)
    table = as_asked(request, [shown], item["metadata"]["resourceVersion"])
    return _encoded({"type": sort, "object": shown if table is None else table})


def _encoded(document: Object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
