"""What happens to an object between its validation and the store."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from airgap.rehearsal.kubernetes import pod_security
from airgap.rehearsal.kubernetes.cluster import Cluster, suffix
from airgap.rehearsal.kubernetes.defaults import containers, pod_spec
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.refusals import Refusal, forbidden, not_found
from airgap.rehearsal.kubernetes.selecting import at, selects

Object = dict[str, Any]
_DIRECTORY = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
_IDENTITY = {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{_DIRECTORY}/eks-pod-identity-token",
}

_IDENTITY_TOKEN: list[Object] = [
    {
        "serviceAccountToken": {
            "audience": "pods.eks.amazonaws.com",
            "expirationSeconds": 86400,
            "path": "eks-pod-identity-token",
        }
    }
]
_TOKEN: list[Object] = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {
        "downwardAPI": {
            "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
        }
    },
]


def in_namespace(cluster: Cluster, kind: Kind, item: Object) -> None:
    """Refuse an object in a namespace that is not there or is being deleted."""
    if not kind.namespaced:
        return
    name = item["metadata"].get("namespace", "")
    namespace = cluster.namespace(name)
    if namespace is None:
        raise not_found(core("Namespace"), name)
    if namespace["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(kind, item["metadata"]["name"], why)


def admitted(cluster: Cluster, kind: Kind, item: Object, before: Object | None) -> Object:
    """Return an object as admission leaves it; a Refusal where it does not let it in."""
    change = _CHANGES.get(kind.name) if not kind.custom else None
    if change is not None:
        item = change(cluster, kind, copy.deepcopy(item), before)
    _reachable_webhooks(cluster, kind, item, "CREATE" if before is None else "UPDATE")
    return item


def warnings(cluster: Cluster, kind: Kind, item: Object) -> Iterator[str]:
    """Yield what Pod Security warns of in an object that makes pods."""
    namespace = cluster.namespace(item["metadata"].get("namespace", ""))
    spec = pod_spec(item) if not kind.custom else None
    if namespace is not None and spec is not None:
        text = pod_security.violations(namespace, "warn", spec)
        if text:
            yield f"would {text}"


def _pod(cluster: Cluster, kind: Kind, item: Object, before: Object | None) -> Object:
    meta, spec = item["metadata"], item["spec"]
    namespace = cluster.namespace(meta["namespace"])
    assert namespace is not None
    text = pod_security.violations(namespace, "enforce", spec)
    if text:
        raise forbidden(kind, meta["name"], text.replace("violate ", "violates ", 1))
    if before is not None:
        return item
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    held = cluster.store.get(core("ServiceAccount"), meta["namespace"], account)
    if held is None:
        why = f'error looking up service account {meta["namespace"]}/{account}: serviceaccount "{account}" not found'
        raise forbidden(kind, meta["name"], why)
    spec |= {"serviceAccountName": account, "serviceAccount": account}
    if spec.get("automountServiceAccountToken", held.get("automountServiceAccountToken")) is not False:
        _mount(spec, f"kube-api-access-{suffix()}", _TOKEN, "/var/run/secrets/kubernetes.io/serviceaccount")
    if cluster.facts.role_of(meta["namespace"], account):
        _mount(spec, "eks-pod-identity-token", _IDENTITY_TOKEN, _DIRECTORY)
        for _, container in containers(spec, "initContainers", "containers"):
            values = [{"name": name, "value": value} for name, value in _IDENTITY.items()]
            container["env"] = [*(container.get("env") or ()), *values]
    item["status"] = {"phase": "Pending", "qosClass": _quality(spec)}
    return item


def _mount(spec: Object, name: str, sources: list[Object], place: str) -> None:
    """Mount a projected volume in every container that has nothing there."""
    volume = {"name": name, "projected": {"defaultMode": 420, "sources": sources}}
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]
    for _, container in containers(spec, "initContainers", "containers"):
        mounts = container.get("volumeMounts") or []
        if all(mount["mountPath"] != place for mount in mounts):
            container["volumeMounts"] = [*mounts, {"name": name, "mountPath": place, "readOnly": True}]


def _quality(spec: Object) -> str:
    resources = [container.get("resources") or {} for _, container in containers(spec, "initContainers", "containers")]
    if not any(one.get("limits") or one.get("requests") for one in resources):
        return "BestEffort"
    full = all(
        (one.get("limits") or {}).keys() >= {"cpu", "memory"} and one.get("requests", one["limits"]) == one["limits"]
        for one in resources
    )
    return "Guaranteed" if full else "Burstable"


def _service(cluster: Cluster, _: Kind, item: Object, before: Object | None) -> Object:
    spec = item["spec"]
    if spec.get("type") == "ExternalName":
        return item
    spec["clusterIP"] = spec.get("clusterIP") or at(before, "spec.clusterIP") or cluster.address()
    spec["clusterIPs"] = [spec["clusterIP"]]
    held = {port.get("name", ""): port.get("nodePort") for port in at(before, "spec.ports") or ()}
    for port in spec.get("ports") or ():
        if spec["type"] in ("NodePort", "LoadBalancer"):
            port["nodePort"] = port.get("nodePort") or held.get(port.get("name", "")) or cluster.node_port()
    return item


def _job(_: Cluster, __: Kind, item: Object, before: Object | None) -> Object:
    if before is not None or item["spec"].get("selector"):
        return item
    uid, name = item["metadata"]["uid"], item["metadata"]["name"]
    labels = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    template = item["spec"]["template"]
    held = template.setdefault("metadata", {}).get("labels") or {}
    template["metadata"]["labels"] = {**held, **labels, "controller-uid": uid, "job-name": name}
    item["spec"]["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    return item


_CHANGES: dict[str, Callable[[Cluster, Kind, Object, Object | None], Object]] = {
    "Pod": _pod,
    "Service": _service,
    "Job": _job,
}
_CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def _reachable_webhooks(cluster: Cluster, kind: Kind, item: Object, operation: str) -> None:
    """Refuse a write that a webhook must see which cannot be reached: no service, nobody behind it, no certificate.

    One that can be reached is not called, and lets everything pass.
    """
    for name in _CONFIGURATIONS:
        for configuration in cluster.store.all(core(name, "admissionregistration.k8s.io")):
            for hook in configuration.get("webhooks") or ():
                if hook.get("failurePolicy") == "Fail" and _concerns(cluster, hook, kind, item, operation):
                    _reach(cluster, hook)


def _concerns(cluster: Cluster, hook: Object, kind: Kind, item: Object, operation: str) -> bool:
    if kind.group == "admissionregistration.k8s.io":
        return False

    def fits(rule: Object) -> bool:
        wanted = (
            (rule.get("operations"), operation),
            (rule.get("apiGroups"), kind.group),
            (rule.get("resources"), kind.plural),
        )
        return all(value in (listed or ()) or "*" in (listed or ()) for listed, value in wanted)

    if not any(fits(rule) for rule in hook.get("rules") or ()):
        return False
    namespace = cluster.namespace(item["metadata"].get("namespace", "")) if kind.namespaced else item
    labels = at(namespace, "metadata.labels") if kind.namespaced or kind.name == "Namespace" else None
    placed = not (kind.namespaced or kind.name == "Namespace") or selects(hook.get("namespaceSelector") or {}, labels)
    return placed and selects(hook.get("objectSelector") or {}, item["metadata"].get("labels"))


def _reach(cluster: Cluster, hook: Object) -> None:
    client = hook.get("clientConfig") or {}
    service = client.get("service")
    if not service:
        return
    namespace, name = service["namespace"], service["name"]
    place = f"{name}.{namespace}.svc:{service.get('port', 443)}{service.get('path', '')}"
    url = f"https://{place}?timeout={hook.get('timeoutSeconds', 10)}s"
    slices = cluster.store.all(core("EndpointSlice", "discovery.k8s.io"), namespace)
    ours = [one for one in slices if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name]
    if cluster.store.get(core("Service"), namespace, name) is None:
        why = f'service "{name}" not found'
    elif not any(at(end, "conditions.ready") for one in ours for end in one.get("endpoints") or ()):
        why = f'no endpoints available for service "{name}"'
    elif not client.get("caBundle"):
        why = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    else:
        return
    message = (
        f'Internal error occurred: failed calling webhook "{hook["name"]}": failed to call webhook: Post "{url}": {why}'
    )
    raise Refusal(500, "InternalError", message, {"causes": [{"message": message}]})
