"""The cluster's own pages for the views: nothing in it yet, and all of its releases in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airgap.checks.running import PODS
from airgap.model.intent import Intent
from airgap.model.kubernetes import OPERATIONS
from airgap.resources import platform
from airgap.run import pinned
from airgap.views.releases import COMPARED

Pages = dict[tuple[str, str], Any]
ROOT = Path(__file__).parents[2]
CALLS = (PODS, *COMPARED.values())


def none(intent: Intent) -> Pages:
    """There is no cluster to ask; the charts render all the same."""
    return {(call, "{}"): None for call in CALLS} | _rendered(intent)


def _rendered(intent: Intent) -> Pages:
    releases = ("aws-load-balancer-controller", "external-secrets")
    return {("helm:Template", json.dumps({"release": name})): pinned.render(ROOT, intent, name) for name in releases}


def deployed(intent: Intent) -> Pages:
    """The platform's objects, a pod of every release, and somebody who reads what is not theirs."""
    objects = list(platform.manifests(intent))
    for _, page in _rendered(intent).items():
        objects += page["objects"]
        objects += [_pod(one) for one in page["objects"] if one["kind"] == "Deployment"]
    stranger = {"kind": "User", "name": "<mallory>"}
    objects.append({"kind": "ClusterRoleBinding", "metadata": {"name": "debug"}, "subjects": [stranger],
                    "roleRef": {"kind": "ClusterRole", "name": "external-secrets-controller"}})  # fmt: skip
    return {(call, json.dumps({"cluster": intent.cluster.name})): _list(call, objects) for call in CALLS}


def _list(call: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    kind = OPERATIONS[call.split(":")[1]].kind
    return {"kind": f"{kind}List", "items": [one for one in objects if one["kind"] == kind]}


def _pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec = deployment["spec"]["template"]["spec"]
    meta = {"name": deployment["metadata"]["name"], "namespace": deployment["metadata"]["namespace"]}
    return {"kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Running"}}
