"""Tables, as ``kubectl get`` asks for them: a few columns of the kinds that people look at."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.selecting import at

Object = dict[str, Any]


def age(text: str | None) -> str:
    """Return how long ago a moment was, as kubectl shows it."""
    if not text:
        return "<unknown>"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(text.replace("Z", "+00:00"))).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _ready(item: Object) -> str:
    statuses = at(item, "status.containerStatuses") or []
    return f"{sum(bool(one.get('ready')) for one in statuses)}/{len(at(item, 'spec.containers') or ())}"


def _phase(item: Object) -> str:
    for one in (at(item, "status.initContainerStatuses") or []) + (at(item, "status.containerStatuses") or []):
        waiting = at(one, "state.waiting.reason")
        if waiting and waiting != "PodInitializing":
            return str(waiting)
    if item["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return {"Succeeded": "Completed", "Failed": "Error"}.get(at(item, "status.phase"), at(item, "status.phase") or "")


def _share(path: str) -> Callable[[Object], str]:
    return lambda item: f"{at(item, path) or 0}/{at(item, 'spec.replicas') or 0}"


def _plain(path: str, default: Any = "<none>") -> Callable[[Object], Any]:
    return lambda item: default if at(item, path) is None else at(item, path)


def _node_status(item: Object) -> str:
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in at(item, "status.conditions") or ())
    return ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if at(item, "spec.unschedulable") else "")


def _ports(item: Object) -> str:
    return ",".join(f"{one['port']}/{one.get('protocol', 'TCP')}" for one in at(item, "spec.ports") or ()) or "<none>"


_COLUMNS: dict[str, tuple[tuple[str, Callable[[Object], Any]], ...]] = {
    "Pod": (("Ready", _ready), ("Status", _phase), ("Restarts", lambda _: 0)),
    "Deployment": (
        ("Ready", _share("status.readyReplicas")),
        ("Up-to-date", _plain("status.updatedReplicas", 0)),
        ("Available", _plain("status.availableReplicas", 0)),
    ),
    "ReplicaSet": (
        ("Desired", _plain("spec.replicas", 0)),
        ("Current", _plain("status.replicas", 0)),
        ("Ready", _plain("status.readyReplicas", 0)),
    ),
    "StatefulSet": (("Ready", _share("status.readyReplicas")),),
    "DaemonSet": (
        ("Desired", _plain("status.desiredNumberScheduled", 0)),
        ("Current", _plain("status.currentNumberScheduled", 0)),
        ("Ready", _plain("status.numberReady", 0)),
    ),
    "Job": (("Completions", lambda item: f"{at(item, 'status.succeeded') or 0}/{at(item, 'spec.completions') or 1}"),),
    "Service": (("Type", _plain("spec.type")), ("Cluster-IP", _plain("spec.clusterIP")), ("Port(s)", _ports)),
    "Namespace": (("Status", _plain("status.phase")),),
    "Node": (("Status", _node_status), ("Version", _plain("status.nodeInfo.kubeletVersion"))),
    "Secret": (("Type", _plain("type")), ("Data", lambda item: len(item.get("data") or ()))),
    "ConfigMap": (("Data", lambda item: len(item.get("data") or ())),),
    "Event": (("Type", _plain("type")), ("Reason", _plain("reason")), ("Message", _plain("message"))),
}


def _columns(kind: Kind) -> list[tuple[str, Callable[[Object], Any]]]:
    if not kind.custom:
        return list(_COLUMNS.get(kind.name, ()))
    return [
        (one["name"], _custom(one["jsonPath"]))
        for one in kind.columns
        if one.get("priority", 0) == 0 and one["name"] != "Age"
    ]


def _custom(path: str) -> Callable[[Object], Any]:
    steps = re.findall(r'\.([\w-]+)|\[\?\(@\.(\w+)=="([^"]*)"\)\]', path)

    def read(item: Any) -> Any:
        for name, key, value in steps:
            if name:
                item = item.get(name) if isinstance(item, dict) else None
            else:
                item = next((one for one in item or () if one.get(key) == value), None)
        return "" if item is None else item

    return read


def table(kind: Kind, items: list[Object], version: str, whole: bool) -> Object:
    """Return a ``meta.k8s.io/v1`` Table of objects, with the objects whole or their metadata alone."""
    columns = _columns(kind)
    names = ["Name", *(name for name, _ in columns), "Age"]
    definitions = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "priority": 0} for name in names
    ]
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    rows = [
        {
            "cells": [
                item["metadata"]["name"],
                *(read(item) for _, read in columns),
                age(item["metadata"].get("creationTimestamp")),
            ],
            "object": item if whole else {**partial, "metadata": item["metadata"]},
        }
        for item in items
    ]
    meta = {"resourceVersion": version}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": definitions,
        "rows": rows,
    }
