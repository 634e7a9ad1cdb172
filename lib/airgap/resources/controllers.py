"""What stands in the cluster: the platform's own objects, and the controllers' releases as their charts render them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from airgap.errors import ParamsError
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.manifests import every_image
from airgap.model.mirror import Lock
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import platform, releases
from airgap.resources.kind import Call, Kind, declares
from airgap.resources.objects import OBJECTS, desired, kind_name
from airgap.resources.repositories import LOCK, locked

TEMPLATE = "helm:Template"

PHASES: tuple[tuple[str, ...], ...] = (
    ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass"),
    ("ServiceAccount", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding", "ConfigMap", "Service", "Secret",
     "NetworkPolicy", "PodDisruptionBudget", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    ("certificate",),
    ("Job",),
    ("Deployment", "DaemonSet", "StatefulSet", "CronJob", "APIService"),
    ("IngressClassParams", "ClusterSecretStore", "SecretStore", "ExternalSecret", "TargetGroupBinding"),
)  # fmt: skip
"""Kubernetes kinds in the order in which the objects of one release come; each phase waits for the one before."""

_CONFIGURATIONS = "kubernetes:ListValidatingWebhookConfigurations"

CERTIFICATE = Kind(
    "webhook-certificate",
    "Certificate of a webhook",
    Reading(
        _CONFIGURATIONS,
        "items",
        "metadata.name",
        owner="name",
        tags="",
        natural=("cluster", "configuration"),
        fields={
            "cluster": Field("^.?.cluster", change=NEVER, why="it stays in its cluster"),
            "configuration": Field("metadata.name", change=NEVER, why="it belongs to one configuration"),
            "issued": Field("webhooks[].clientConfig.caBundle", form="present", why="the API server trusts nobody yet"),
        },
        declarative=True,
    ),
    create=(Call("kubernetes:IssueCertificate", lambda f: dict(f["certificate"]) | {"cluster": f["cluster"]}),),
    updates={
        "issued": (Call("kubernetes:IssueCertificate", lambda f: dict(f["certificate"]) | {"cluster": f["cluster"]}),)
    },
    delete=(
        Call(
            "kubernetes:Delete",
            lambda f: {
                "cluster": f["cluster"],
                "kind": "Secret",
                "namespace": f["certificate"]["namespace"],
                "name": f["certificate"]["secret"],
            },
            when=lambda f: "certificate" in f,
        ),
    ),
)


def ordered(intent: Intent, objects: Iterable[Mapping[str, Any]], after: tuple[str, ...] = (),
            certificates: Iterable[Mapping[str, Any]] = (), why: str = "") -> Iterator[Desired]:  # fmt: skip
    """Yield objects and certificates as resources, each phase after the one before it."""
    phase_of = {kind: number for number, kinds in enumerate(PHASES) for kind in kinds}
    cluster = intent.cluster.name
    waiting: dict[int, list[Desired]] = {}
    for one in objects:
        found = desired(cluster, one, intent.environment, why=why)
        waiting.setdefault(phase_of[one["kind"]], []).append(found)
    for one in certificates:
        for kind, name, _ in one["configurations"]:
            if kind == "ValidatingWebhookConfiguration":
                fields = {"cluster": cluster, "configuration": name, "issued": True, "certificate": dict(one)}
                made = Desired("webhook-certificate", name, fields, why="its key is made in use and kept nowhere else")
                waiting.setdefault(phase_of["certificate"], []).append(made)
    before = after
    for number in sorted(waiting):
        for each in waiting[number]:
            yield Desired(each.kind, each.name, each.fields, needs=before, why=each.why)
        before = tuple(each.key for each in waiting[number])


_STAYS = "it lets the runbook see that nothing else is left, and goes with the cluster"

KINDS = (*OBJECTS.values(), CERTIFICATE)


@declares(*KINDS, reads=(TEMPLATE, LOCK))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the platform's objects, then every release's; releases come side by side, after their namespaces."""
    node_groups = tuple(f"node-group:{one.name}" for one in intent.cluster.node_groups)
    for one in ordered(intent, platform.manifests(intent), after=node_groups, why="every namespace of ours has it"):
        yield replace(one, kept=_STAYS) if "airgap-" in one.name and one.kind.startswith("k8s-cluster-role") else one
    for release in releases.chosen(intent):
        yield from released(release, node_groups, intent, facts)


def released(release: releases.Release, after: tuple[str, ...], intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield what a release's chart renders, once its images are mirrored and its namespace is there."""
    page = facts.page(TEMPLATE, release=release.name)
    if page is None:
        what = f"Release {release.name} has no chart: no image is locked for {intent.environment}"
        raise ParamsError(what, f"release {release.name}", f"run 'airgap mirror lock --env {intent.environment}'")
    made = release.namespace in platform.namespaces(intent)
    home = (f"{kind_name('Namespace')}:{release.namespace}",) if made else ()
    why = f"release {release.name}, chart {page['chart']['version']}"
    mirrored = {"images": _mirrored(page["objects"], locked(intent, facts))}
    for one in ordered(intent, page["objects"], (*after, *home), page["certificates"], why):
        yield replace(one, fields={**one.fields, **mirrored})


def _mirrored(objects: Iterable[Mapping[str, Any]], lock: Lock) -> list[str]:
    """Return references to every mirrored image of a release: without one of them nothing of it is made."""
    digests = {reference.rpartition("@")[2] for reference in every_image(objects)}
    return [ref(f"image:{one.reference}") for one in lock.images() if one.digest in digests]
