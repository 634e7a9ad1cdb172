"""Rules that an API server holds and its published schemas do not, as functions that yield (field, problem)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from airgap.rehearsal.kubernetes import custom
from airgap.rehearsal.kubernetes.defaults import POD_SPECS, containers, pod_spec
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.quantities import quantity
from airgap.rehearsal.kubernetes.selecting import at, selects

Object = dict[str, Any]
Problems = Iterator[tuple[str, str]]

_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SELECTING = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
_LABEL_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def _one_of(field: str, value: Any, *allowed: str) -> Problems:
    if value is not None and value not in allowed:
        listed = ", ".join(f'"{one}"' for one in sorted(allowed))
        yield field, f'Unsupported value: "{value}": supported values: {listed}'


def _port(field: str, value: Any, least: int = 1) -> Problems:
    if isinstance(value, int) and not least <= value <= 65535:
        yield field, f"Invalid value: {value}: must be between {least} and 65535, inclusive"


def _labels(field: str, labels: Any) -> Problems:
    for value in (labels or {}).values():
        if not _LABEL_VALUE.fullmatch(str(value)) or len(str(value)) > 63:
            yield field, f'Invalid value: "{value}": {_LABEL_TEXT}'


def _pod(item: Object) -> Problems:
    path = POD_SPECS[item["kind"]]
    spec = pod_spec(item)
    if not isinstance(spec, dict):
        return
    if not spec.get("containers"):
        yield f"{path}.containers", "Required value"
    seen: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    places: dict[str, int] = {}
    for group, container in containers(spec, "initContainers", "containers"):
        place = places[group] = places.get(group, -1) + 1
        field, name = f"{path}.{group}[{place}]", container.get("name") or ""
        if name in seen:
            yield f"{field}.name", f'Duplicate value: "{name}"'
        seen.add(name)
        yield from _container(field, container, volumes)
    yield from _restarts(item["kind"], path, spec)


def _restarts(kind: str, path: str, spec: Object) -> Problems:
    field, policy = f"{path}.restartPolicy", spec.get("restartPolicy")
    if kind in _SELECTING:
        yield from _one_of(field, policy, "Always")
    elif kind in ("Job", "CronJob") and policy not in ("OnFailure", "Never"):
        yield field, 'Required value: valid values: "OnFailure", "Never"'
    else:
        yield from _one_of(field, policy, "Always", "OnFailure", "Never")


def _container(field: str, container: Object, volumes: set[Any]) -> Problems:
    name = container.get("name") or ""
    if not _NAME.fullmatch(name):
        yield (
            f"{field}.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 label must consist of lower case characters',
        )
    if not (container.get("image") or "").strip():
        yield f"{field}.image", "Required value"
    yield from _one_of(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), "Always", "IfNotPresent", "Never")
    for place, port in enumerate(container.get("ports") or ()):
        yield from _port(f"{field}.ports[{place}].containerPort", port.get("containerPort"))
        yield from _one_of(f"{field}.ports[{place}].protocol", port.get("protocol"), "SCTP", "TCP", "UDP")
    for place, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            yield f"{field}.volumeMounts[{place}].name", f'Not found: "{mount.get("name")}"'
    yield from _resources(f"{field}.resources", container.get("resources") or {})


def _resources(field: str, resources: Object) -> Problems:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for sort, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            if quantity(value) is None:
                yield (
                    f"{field}.{sort}[{name}]",
                    f'Invalid value: "{value}": quantities must match the regular expression',
                )
    for name, value in requests.items():
        least, most = quantity(value), quantity(limits.get(name))
        if least is not None and most is not None and least > most:
            yield (
                f"{field}.requests",
                f'Invalid value: "{value}": must be less than or equal to {name} limit of {limits[name]}',
            )


def _selector(item: Object) -> Problems:
    spec = item.get("spec") or {}
    selector, labels = spec.get("selector") or {}, at(spec, "template.metadata.labels") or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield (
            "spec.selector",
            f"Invalid value: {json.dumps(selector)}: empty selector is invalid for {item['kind'].lower()}",
        )
    elif not selects(selector, labels):
        shown = ", ".join(f'"{name}":"{value}"' for name, value in sorted(labels.items()))
        yield (
            "spec.template.metadata.labels",
            f"Invalid value: map[string]string{{{shown}}}: `selector` does not match template `labels`",
        )


def _shares(item: Object) -> Problems:
    """Counts of a rollout are numbers or percentages."""
    for strategy in ("strategy", "updateStrategy"):
        for name, value in (at(item, f"spec.{strategy}.rollingUpdate") or {}).items():
            if isinstance(value, str) and not re.fullmatch(r"\d+%", value):
                text = "a valid percent string must be a numeric string followed by an ending '%'"
                yield f"spec.{strategy}.rollingUpdate.{name}", f'Invalid value: "{value}": {text}'


def _network_policy(item: Object) -> Problems:
    spec = item.get("spec") or {}
    for place, sort in enumerate(spec.get("policyTypes") or ()):
        yield from _one_of(f"spec.policyTypes[{place}]", sort, "Egress", "Ingress")
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for first, rule in enumerate(spec.get(way) or ()):
            for second, peer in enumerate(rule.get(peers) or ()):
                yield from _cidr(f"spec.{way}[{first}].{peers}[{second}].ipBlock.cidr", at(peer, "ipBlock.cidr"))
            for second, port in enumerate(rule.get("ports") or ()):
                yield from _port(f"spec.{way}[{first}].ports[{second}].port", port.get("port"))


def _cidr(field: str, value: str | None) -> Problems:
    try:
        ipaddress.ip_network(value or "0.0.0.0/0")
    except ValueError:
        yield field, f'Invalid value: "{value}": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'


def _service(item: Object) -> Problems:
    spec = item.get("spec") or {}
    yield from _one_of("spec.type", spec.get("type"), "ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield "spec.ports", "Required value"
    names: set[str] = set()
    for place, port in enumerate(spec.get("ports") or ()):
        yield from _port(f"spec.ports[{place}].port", port.get("port"))
        yield from _one_of(f"spec.ports[{place}].protocol", port.get("protocol"), "SCTP", "TCP", "UDP")
        name = port.get("name") or ""
        if not name and len(spec["ports"]) > 1:
            yield f"spec.ports[{place}].name", "Required value"
        if name in names:
            yield f"spec.ports[{place}].name", f'Duplicate value: "{name}"'
        names.add(name)


def _keys(item: Object) -> Problems:
    for name in {**(item.get("data") or {}), **(item.get("binaryData") or {})}:
        if not _KEY.fullmatch(name):
            yield (
                f"data[{name}]",
                f'Invalid value: "{name}": a valid config key must consist of alphanumeric characters',
            )


def _secret(item: Object) -> Problems:
    yield from _keys(item)
    for name, value in (item.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield f"data[{name}]", 'Invalid value: "<secret contents redacted>": illegal base64 data'


def _rules(item: Object) -> Problems:
    for place, rule in enumerate(item.get("rules") or ()):
        if not rule.get("verbs"):
            yield f"rules[{place}].verbs", "Required value: verbs must contain at least one value"
        if not rule.get("nonResourceURLs") and not rule.get("apiGroups"):
            yield f"rules[{place}].apiGroups", "Required value: resource rules must supply at least one api group"


def _binding(item: Object) -> Problems:
    yield from _one_of(
        "roleRef.kind", at(item, "roleRef.kind"), "ClusterRole", *(["Role"] if item["kind"] == "RoleBinding" else [])
    )


def _ingress(item: Object) -> Problems:
    for first, rule in enumerate(at(item, "spec.rules") or ()):
        for second, path in enumerate(at(rule, "http.paths") or ()):
            field = f"spec.rules[{first}].http.paths[{second}].pathType"
            yield from _one_of(field, path.get("pathType"), "Exact", "ImplementationSpecific", "Prefix")


def _webhooks(item: Object) -> Problems:
    for place, hook in enumerate(item.get("webhooks") or ()):
        yield from _one_of(f"webhooks[{place}].failurePolicy", hook.get("failurePolicy"), "Fail", "Ignore")
        yield from _one_of(f"webhooks[{place}].sideEffects", hook.get("sideEffects"), "None", "NoneOnDryRun")
        if str(hook.get("name", "")).count(".") < 2:
            yield (
                f"webhooks[{place}].name",
                f'Invalid value: "{hook.get("name")}": should be a domain with at least three segments',
            )


_RULES: dict[str, tuple[Callable[[Object], Problems], ...]] = {
    **dict.fromkeys(POD_SPECS, (_pod,)),
    **dict.fromkeys(_SELECTING, (_selector, _pod, _shares)),
    "NetworkPolicy": (_network_policy,),
    "Service": (_service,),
    "ConfigMap": (_keys,),
    "Secret": (_secret,),
    **dict.fromkeys(("Role", "ClusterRole"), (_rules,)),
    **dict.fromkeys(("RoleBinding", "ClusterRoleBinding"), (_binding,)),
    "Ingress": (_ingress,),
    **dict.fromkeys(("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"), (_webhooks,)),
    "CustomResourceDefinition": (lambda item: iter(custom.problems(item)),),
}


def problems(kind: Kind, item: Object) -> Problems:
    """Yield what is wrong with an object that its schema accepts."""
    yield from _labels("metadata.labels", item["metadata"].get("labels"))
    for rule in () if kind.custom else _RULES.get(kind.name, ()):
        yield from rule(item)
