"""Kubernetes objects as kinds: applied under one field manager, compared by what is declared, settled by their status.

Source: Kubernetes API conventions ("Typical status properties"), "Server-Side Apply".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airgap.model.canonical import dig
from airgap.model.kubernetes import APIS, OWNED, Api
from airgap.model.plan import Desired
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Ask, Call, Fields, Kind

READY, WAITING, FAILED, GOING = "ready", "waiting", "failed", "terminating"


def _condition(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = dig(item, "status.conditions") or []
    return next((one for one in found if one.get("type") == name), {})


def _when(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda item: READY if _condition(item, name).get("status") == "True" else WAITING


def _seen(item: Mapping[str, Any]) -> bool:
    return int(dig(item, "status.observedGeneration") or 0) >= int(dig(item, "metadata.generation") or 0)


def _deployment(item: Mapping[str, Any]) -> str:
    if _condition(item, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return FAILED
    wanted = dig(item, "spec.replicas")
    counts = [dig(item, f"status.{name}") or 0 for name in ("updatedReplicas", "availableReplicas", "replicas")]
    return READY if _seen(item) and all(count == wanted for count in counts) else WAITING


def _daemon_set(item: Mapping[str, Any]) -> str:
    wanted = dig(item, "status.desiredNumberScheduled")
    counts = [dig(item, f"status.{name}") or 0 for name in ("updatedNumberScheduled", "numberReady")]
    return READY if _seen(item) and wanted and all(count == wanted for count in counts) else WAITING


def _stateful_set(item: Mapping[str, Any]) -> str:
    counts = [dig(item, f"status.{name}") or 0 for name in ("updatedReplicas", "readyReplicas")]
    return READY if _seen(item) and all(count == dig(item, "spec.replicas") for count in counts) else WAITING


def _job(item: Mapping[str, Any]) -> str:
    if _condition(item, "Failed").get("status") == "True":
        return FAILED
    return READY if _condition(item, "Complete").get("status") == "True" else WAITING


def _namespace(item: Mapping[str, Any]) -> str:
    return READY if dig(item, "status.phase") in (None, "Active") else GOING


SETTLING: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "Namespace": _namespace,
    "CustomResourceDefinition": _when("Established"),
    "Deployment": _deployment,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "ClusterSecretStore": _when("Ready"),
    "SecretStore": _when("Ready"),
    "ExternalSecret": _when("Ready"),
}
"""Kind -> how its status tells whether it is ready; the others are ready once they are served."""

_ORDER = (
    *("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass", "ServiceAccount"),
    *("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "ConfigMap", "Service", "NetworkPolicy"),
    *("PodDisruptionBudget", "Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "APIService"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "IngressClassParams"),
    *("ClusterSecretStore", "SecretStore", "ExternalSecret", "TargetGroupBinding"),
)

_WAITS = ("ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff", "CreateContainerConfigError", "InvalidImageName")


def _blocked(ask: Ask, fields: Fields) -> str:
    """Say what the pods of a workload wait for: the reason and message of the first container that is stuck."""
    asked = {"cluster": fields["cluster"], "namespace": fields["namespace"]}
    for pod in ask("kubernetes:ListPods", asked).get("items") or []:
        for member in ("initContainerStatuses", "containerStatuses"):
            for one in dig(pod, f"status.{member}") or []:
                waiting = dig(one, "state.waiting") or {}
                if waiting.get("reason") in _WAITS:
                    name = dig(pod, "metadata.name")
                    return f"pod {name}, container {one.get('name')}: {waiting['reason']}: {waiting.get('message', '')}"
        if reason := _condition(pod, "PodScheduled").get("message"):
            return f"pod {dig(pod, 'metadata.name')} is not scheduled: {reason}"
    return ""


ENTERING = ("eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy")
"""What a change in the cluster needs of IAM: to be let in for the moment; the way in is ``rights.way_in``'s."""


def _kind(api: Api) -> Kind:
    call = f"kubernetes:{api.operation}"
    place = {"namespace": Field("metadata.namespace", absent="", change=NEVER, why="an object stays in its namespace")}
    apply = Call(
        "kubernetes:Apply",
        lambda f: {"cluster": f["cluster"], "manifest": f["manifest"]},
        retry=_NOT_YET,
        actions=ENTERING,
    )
    asked = {"kind": api.kind}
    return Kind(
        kind_name(api.kind),
        api.kind,
        Reading(
            call,
            "items",
            "metadata.namespace+metadata.name" if api.namespaced else "metadata.name",
            owner="name",
            tags="metadata.annotations",
            natural=("cluster", "namespace", "name"),
            fields={
                "cluster": Field("^.?.cluster", change=NEVER, why="an object stays in its cluster"),
                **place,
                "name": Field("metadata.name", change=NEVER, why="an object keeps its name"),
                "manifest": Field(form="object", risk="rolls" if api.kind in _ROLLING else "none"),
            },
            settled=(READY,),
            failed=(FAILED,),
            declarative=True,
        ),
        create=(apply,),
        updates={"manifest": (apply,)},
        delete=(Call("kubernetes:Delete", lambda f: {**asked, **_one(f)}),),
        poll=Call(call, _one),
        state_of=SETTLING.get(api.kind, lambda item: READY),
        diagnose=_blocked if api.kind in _ROLLING else None,
        gone=True,
        limit=600.0 if api.kind in _ROLLING else 120.0,
    )


_ROLLING = ("Deployment", "DaemonSet", "StatefulSet", "Job")
# A webhook or a definition of the same release may not answer yet.
_NOT_YET = ("failed calling webhook", "no endpoints available", "the server could not find the requested resource")


def _one(fields: Fields) -> dict[str, Any]:
    place = {"namespace": fields["namespace"]} if fields["namespace"] else {}
    return {"cluster": fields["cluster"], **place, "name": fields["name"]}


def kind_name(kind: str) -> str:
    """Return the name of the resource kind of a Kubernetes kind, as ``k8s-network-policy``."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.replace("API", "Api"))
    return f"k8s{words}"


OBJECTS: dict[str, Kind] = {name: _kind(APIS[name]) for name in _ORDER}
"""Kubernetes kind -> resource kind, in the order of creation; removal goes the other way."""


def desired(
    cluster: str, manifest: Mapping[str, Any], environment: str, needs: tuple[str, ...] = (), why: str = ""
) -> Desired:
    """Return the declaration of one object, with the ownership annotations added to its manifest."""
    meta = manifest["metadata"]
    namespace = meta.get("namespace", "")
    kind = kind_name(manifest["kind"])
    name = f"{namespace}/{meta['name']}" if namespace else meta["name"]
    owned = dict(zip(OWNED, (environment, f"{kind}:{name}"), strict=True))
    annotations = {**(meta.get("annotations") or {}), **owned}
    whole = {**manifest, "metadata": {**meta, "annotations": annotations}}
    fields = {"cluster": cluster, "namespace": namespace, "name": meta["name"], "manifest": whole}
    return Desired(kind, name, fields, needs=needs, why=why)
