"""The controllers' releases: which chart, where, and the values that keep it off the internet.

The value paths are those of the projects' own charts. Sources: Cluster Autoscaler on AWS ("static instance list"), AWS
Load Balancer Controller ("isolated VPC"), External Secrets Operator ("values").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airgap.model.cluster import SERVICE_ACCOUNTS
from airgap.model.intent import Intent
from airgap.model.mirror import Lock, canonical_source, registry, repository
from airgap.model.plan import ref

Values = dict[str, Any]
Pinned = Callable[[str], Values]
"""Gives the ``image`` values of a reference: the private repository, and the tag with the digest behind it."""


@dataclass(frozen=True)
class Release:
    """One Helm release: its component, the chart's source, and its values."""

    name: str
    component: str
    chart: str
    namespace: str
    values: Callable[[Intent, Pinned], Values]


def _account(component: str) -> str:
    return next(one.account for one in SERVICE_ACCOUNTS if one.name == component)


def _autoscaler(intent: Intent, image: Pinned) -> Values:
    flags = {
        # Prices and sizes are built in: the list on the internet is out of reach.
        "aws-use-static-instance-list": "true",
        "balance-similar-node-groups": "true",
        "skip-nodes-with-system-pods": "false",
    }
    return {
        "image": image("registry.k8s.io/autoscaling/cluster-autoscaler"),
        "preflight": {"image": image("registry-1.docker.io/library/busybox")},
        "placeholder": {"image": image("registry.k8s.io/pause")},
        "autoDiscovery": {"clusterName": intent.cluster.name},
        "awsRegion": intent.region,
        "rbac": {"serviceAccount": {"create": True, "name": _account("cluster-autoscaler")}},
        "extraArgs": flags,
    }


def _load_balancer(intent: Intent, image: Pinned) -> Values:
    return {
        "image": image("public.ecr.aws/eks/aws-load-balancer-controller"),
        "clusterName": intent.cluster.name,
        # Both are looked up in the instance metadata otherwise, which pods do not reach.
        "region": intent.region,
        "vpcId": ref("vpc:main"),
        "serviceAccount": {"create": True, "name": _account("load-balancer-controller")},
        # The runbook makes balancer, listeners and the WAF association; these APIs have no endpoint here.
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        "createIngressClassResource": False,
        "enableServiceMutatorWebhook": False,
    }


def _external_secrets(intent: Intent, image: Pinned) -> Values:
    own = image("ghcr.io/external-secrets/external-secrets")
    return {
        "image": own,
        "webhook": {"image": own},
        "certController": {"image": own},
        "serviceAccount": {"create": True, "name": _account("external-secrets")},
        # Kinds that act in every namespace are not used, and their controllers stay off.
        "processClusterExternalSecret": False,
        "processPushSecret": False,
    }


RELEASES: tuple[Release, ...] = (
    Release("cluster-autoscaler", "cluster-autoscaler", "cluster-autoscaler", "kube-system", _autoscaler),
    Release(
        "aws-load-balancer-controller",
        "load-balancer-controller",
        "aws-load-balancer-controller",
        "kube-system",
        _load_balancer,
    ),
    Release("external-secrets", "external-secrets", "external-secrets", "external-secrets", _external_secrets),
)


def _application(intent: Intent, image: Pinned) -> Values:
    source, _, tag = (intent.images.application or "").rpartition(":")
    return {
        "image": {"repository": source, "tag": tag, **image(source)},
        "port": intent.edge.target_port,
        "healthPath": intent.edge.health_path,
        "serviceAccount": _account("application"),
        "secret": {"name": intent.secrets.external_secret, "key": "password"},
        "targetGroupArn": ref("target-group:app"),
        "vpcId": ref("vpc:main"),
    }


APPLICATION = Release("application", "application", "application", "application", _application)
"""The first deployment: any chart with these value paths, as ``rehearsal/charts/application`` has them."""


def chosen(intent: Intent) -> tuple[Release, ...]:
    """Return the controllers' releases: those of the chosen components."""
    return tuple(one for one in RELEASES if one.component in intent.components)


def every(intent: Intent) -> tuple[Release, ...]:
    """Return the controllers' releases and, where the params name its image, the application's."""
    return (*chosen(intent), *((APPLICATION,) if intent.images.application else ()))


def source_values(release: Release, intent: Intent) -> Mapping[str, Any]:
    """Return a release's values with every image where its chart has it: what they render is what must be mirrored."""
    return release.values(intent, lambda source: {})


def values(release: Release, intent: Intent, lock: Lock) -> Mapping[str, Any]:
    """Return a release's values; raises ``LookupError`` with the source of an image that the lock does not pin."""

    def pinned(source: str) -> Values:
        wanted = canonical_source(source)
        entry = next((one for one in lock.images() if canonical_source(one.source) == wanted), None)
        if entry is None:
            raise LookupError(source)
        return {"repository": f"{registry(intent)}/{repository(intent, entry)}", "tag": f"{entry.tag}@{entry.digest}"}

    return release.values(intent, pinned)
