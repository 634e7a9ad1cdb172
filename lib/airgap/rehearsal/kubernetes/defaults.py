"""What an API server fills in where a writer said nothing: the table ``defaults.tsv``, and what depends on more.

A path names members by dots; ``[]`` goes into each item of a list, ``[type=X]`` only into objects of that type, and
``+`` makes an object that is missing. Without a mark, what is missing stays missing.
"""

from __future__ import annotations

import base64
import copy
import csv
import functools
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

Object = dict[str, Any]
# Where kinds hold the specification of a pod.
POD_SPECS = {
    "Pod": "spec",
    "PodTemplate": "template.spec",
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"), "spec.template.spec"
    ),
    "CronJob": "spec.jobTemplate.spec.template.spec",
}
_STEP = re.compile(r"(\w+)(\[\])?(?:\[type=(\w+)\])?(\+)?$")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


@functools.cache
def _table() -> dict[str, list[tuple[list[str], str]]]:
    text = files(__package__).joinpath("defaults.tsv").read_text()
    found: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        found[row["kind"]].append((row["path"].split("."), row["value"]))
    return found


def _fill(node: Any, steps: list[str], value: str) -> None:
    """Set a member that is missing, in an object that is changed in place."""
    if not isinstance(node, dict):
        return
    if len(steps) == 1:
        if node.get(steps[0]) is None:
            node[steps[0]] = json.loads(value)
        return
    match = _STEP.match(steps[0])
    assert match is not None, steps
    name, each, sort, made = match.groups()
    if made and node.get(name) is None:
        node[name] = {}
    inner = node.get(name)
    for one in (inner or []) if each else [inner]:
        if not sort or (isinstance(one, dict) and one.get("type") == sort):
            _fill(one, steps[1:], value)


def _fill_all(name: str, node: Any) -> None:
    for steps, value in _table().get(name, ()):
        _fill(node, steps, value)


def pod_spec(item: Object) -> Object | None:
    """Return the pod specification in an object of any kind, None where it has none."""
    path = POD_SPECS.get(item.get("kind", ""))
    node: Any = item if path else None
    for step in (path or "").split(".") if path else ():
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def containers(spec: Object, *lists: str) -> Iterator[tuple[str, Object]]:
    """Yield (list, container) of a pod specification: init, plain and ephemeral ones."""
    for name in lists or ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(name) or ():
            yield name, container


def completed(item: Object) -> Object:
    """Return an object with its defaults filled in."""
    item = copy.deepcopy(item)
    _fill_all(item["kind"], item)
    spec = pod_spec(item)
    if isinstance(spec, dict):
        _complete_pod(spec)
    special = _SPECIAL.get(item["kind"])
    if special is not None:
        special(item)
    return item


def _complete_pod(spec: Object) -> None:
    _fill_all("PodSpec", spec)
    for _, container in containers(spec):
        _fill_all("Container", container)
        if container.get("imagePullPolicy") is None:
            container["imagePullPolicy"] = "Always" if _floating(container.get("image") or "") else "IfNotPresent"
        for name in _PROBES:
            if isinstance(container.get(name), dict):
                _fill_all("Probe", container[name])


def _floating(image: str) -> bool:
    last = image.rsplit("/", 1)[-1]
    return "@" not in image and (":" not in last or last.endswith(":latest"))


def _secret(item: Object) -> None:
    for name, text in (item.pop("stringData", None) or {}).items():
        item["data"] = {**(item.get("data") or {}), name: base64.b64encode(str(text).encode()).decode()}


def _namespace(item: Object) -> None:
    labels = item["metadata"].get("labels") or {}
    item["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": item["metadata"]["name"]}


def _network_policy(item: Object) -> None:
    spec = item.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _service(item: Object) -> None:
    spec = item.setdefault("spec", {})
    if spec.get("type") == "ExternalName":
        for name in ("internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
    for port in spec.get("ports") or ():
        if port.get("targetPort") is None and port.get("port") is not None:
            port["targetPort"] = port["port"]


def _subjects(item: Object) -> None:
    for subject in item.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _definition(item: Object) -> None:
    names = item.get("spec", {}).get("names", {})
    if names.get("kind"):
        names.setdefault("listKind", f"{names['kind']}List")
        names.setdefault("singular", names["kind"].lower())


_SPECIAL: dict[str, Callable[[Object], None]] = {
    "Secret": _secret,
    "Namespace": _namespace,
    "NetworkPolicy": _network_policy,
    "Service": _service,
    "RoleBinding": _subjects,
    "ClusterRoleBinding": _subjects,
    "CustomResourceDefinition": _definition,
}


def with_schema_defaults(item: Any, schema: dict[str, Any]) -> Any:
    """Return a custom object with the defaults of its definition's schema filled in."""
    if isinstance(item, dict):
        result = dict(item)
        for name, member in (schema.get("properties") or {}).items():
            if name not in result and "default" in member:
                result[name] = copy.deepcopy(member["default"])
            if name in result:
                result[name] = with_schema_defaults(result[name], member)
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            known = schema.get("properties") or {}
            for name in result.keys() - known.keys():
                result[name] = with_schema_defaults(result[name], more)
        return result
    if isinstance(item, list) and isinstance(schema.get("items"), dict):
        return [with_schema_defaults(one, schema["items"]) for one in item]
    return item
