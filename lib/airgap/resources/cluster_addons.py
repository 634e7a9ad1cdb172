"""EKS add-ons: network, proxy and Pod Identity agent before the nodes, DNS, storage and the log shipper after them.

A version is the declared one, else the one that is there while the cluster's version supports it, else EKS's default.
AWS: EKS User Guide, "Amazon EKS add-ons"; EKS API Reference, "DescribeAddonVersions".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.cluster import Addon, addons
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.cluster_control_plane import BUSY, GONE
from airgap.resources.kind import Call, Fields, Kind, declares

_OFFERED, _THERE = "eks:DescribeAddonVersions", "eks:DescribeAddon"


def _named(f: Fields) -> dict[str, Any]:
    return {"clusterName": f["cluster"], "addonName": f["name"]}


def _settings(f: Fields) -> dict[str, Any]:
    return {
        **_named(f),
        "addonVersion": f["version"],
        "resolveConflicts": "OVERWRITE",
        "configurationValues": f.get("configuration"),
        "serviceAccountRoleArn": f.get("role"),
    }


_UPDATED = (Call("eks:UpdateAddon", _settings, retry=BUSY, actions=("iam:PassRole",)),)

ADDON = Kind(
    "eks-addon",
    "EKS add-on",
    Reading(
        _THERE,
        "addon",
        "clusterName+addonName",
        owner="parent",
        natural=("cluster", "name"),
        fields={
            "cluster": Field("clusterName", change=NEVER, why="an add-on is a part of its cluster"),
            "name": Field("addonName", change=NEVER, why="an add-on is its name"),
            "version": Field("addonVersion", risk="rolls", why="its pods are replaced one by one"),
            "configuration": Field("configurationValues", risk="rolls", why="its pods are replaced one by one"),
            "role": Field("serviceAccountRoleArn", risk="opens", why="what its pods may do"),
        },
        state="status",
        settled=("ACTIVE",),
        failed=("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"),
    ),
    create=(
        Call(
            "eks:CreateAddon",
            lambda f: {**_settings(f), "tags": f["tags"]},
            result="addon",
            retry=BUSY,
            actions=("eks:TagResource", "iam:PassRole"),
        ),
    ),
    updates={"version": _UPDATED, "configuration": _UPDATED, "role": _UPDATED},
    delete=(Call("eks:DeleteAddon", _named, ignore=GONE, retry=BUSY),),
    poll=Call(_THERE, _named, result="addon", ignore=GONE),
    seconds=60,
    limit=1200,
    gone=True,
    serial=True,
)


@declares(ADDON, reads=(_OFFERED, _THERE))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the add-ons of the chosen components, each once what its pods stand on is there."""
    nodes = tuple(f"node-group:{group.name}" for group in intent.cluster.node_groups)
    for one in addons(intent):
        fields: dict[str, Any] = {"cluster": ref("eks-cluster:main"), "name": one.name, **_identity(intent, one)}
        fields["version"], refused = version(intent, facts, one.name)
        if one.configuration:
            fields["configuration"] = one.configuration
        needs = (*(() if one.before_nodes else nodes), *_association(intent, one))
        why = "nodes are not Ready without it" if one.before_nodes else f"for {one.component or 'names in the cluster'}"
        yield Desired(
            "eks-addon", one.name, fields, needs=needs, why=why, refused={"version": refused} if refused else {}
        )


def _identity(intent: Intent, one: Addon) -> dict[str, str]:
    """With IRSA the add-on itself names the role of its service account; with Pod Identity an association does."""
    irsa = one.identity and intent.cluster.workload_identity == "irsa"
    return {"role": ref(f"role:workload-{one.identity}", "arn")} if irsa else {}


def _association(intent: Intent, one: Addon) -> tuple[str, ...]:
    pod_identity = one.identity and intent.cluster.workload_identity == "pod-identity"
    return (f"pod-identity:{one.identity}",) if pod_identity else ()


def version(intent: Intent, facts: Estate, name: str) -> tuple[str, str]:
    """Return the version that an add-on is to have, and why it cannot be had ('' where it can)."""
    offered = supported(intent, facts, name)
    wanted = intent.cluster.addon_versions.get(name) or _there(intent, facts, name, offered)
    if not offered:
        return wanted, f"EKS offers no {name} for Kubernetes {intent.cluster.version}"
    wanted = wanted or next((one for one, default in offered.items() if default), next(iter(offered)))
    if wanted not in offered:
        return wanted, f"Kubernetes {intent.cluster.version} supports {', '.join(offered)}"
    return wanted, ""


def _there(intent: Intent, facts: Estate, name: str, offered: Mapping[str, bool]) -> str:
    """The version that is there, while the declared Kubernetes version supports it: EKS's default moves on."""
    for asked, body in facts.pages(_THERE):
        if asked == {"clusterName": intent.cluster.name, "addonName": name}:
            found = str(body["addon"].get("addonVersion", ""))
            return found if found in offered or not offered else ""
    return ""


def supported(intent: Intent, facts: Estate, name: str) -> dict[str, bool]:
    """Return the versions of an add-on that the declared Kubernetes version supports; true for EKS's default."""
    offers: dict[str, bool] = {}
    for asked, body in facts.pages(_OFFERED):
        if asked.get("kubernetesVersion") != intent.cluster.version:
            continue
        for one in body.get("addons", []):
            for each in one.get("addonVersions", []) if one["addonName"] == name else ():
                fits = [fit for fit in each["compatibilities"] if fit.get("clusterVersion") == intent.cluster.version]
                if fits:
                    offers[each["addonVersion"]] = any(fit.get("defaultVersion") for fit in fits)
    return offers
