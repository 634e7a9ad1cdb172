"""Add-ons of a cluster: what EKS installs in it and keeps at a version.

https://docs.aws.amazon.com/eks/latest/userguide/eks-add-ons.html
"""

from __future__ import annotations

from typing import Any

import yaml

from airgap.rehearsal.eks.addon_catalogue import OFFERS, offer, schema, versions_for
from airgap.rehearsal.eks.facts import announce
from airgap.rehearsal.eks.nodes import joined
from airgap.rehearsal.eks.pod_identity import associate
from airgap.rehearsal.eks.roles import role_of
from airgap.rehearsal.eks.state import (
    ADDON,
    ASSOCIATION,
    born,
    cluster,
    in_use,
    invalid,
    kept,
    key,
    part,
    parts,
    shown,
    tags,
)
from airgap.rehearsal.eks.updates import begin, refuse_while_busy
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, now
from airgap.rehearsal.wire import Call

_ISSUE = {
    "code": "InsufficientNumberOfReplicas",
    "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
}


def _judge(call: Call, record: Record) -> None:
    """Judge version, settings and roles of an add-on that is made or changed."""
    name, version = call.get("addonName"), call.get("addonVersion")
    offer(name)
    if version is not None and version not in versions_for(name, record["version"]):
        raise invalid(f"Addon version specified is not supported: {version}", addonName=name)
    role = call.get("serviceAccountRoleArn")
    if role is not None and role_of(call, role) is None:
        raise invalid(f"Role provided in the request does not exist: {role}", addonName=name)
    for one in call.get("podIdentityAssociations", []):
        if one["serviceAccount"] != OFFERS[name].account:
            raise invalid(f"Service account {one['serviceAccount']} is not one of addon {name}", addonName=name)
    _judge_settings(name, call.get("configurationValues"))


def _judge_settings(name: str, text: str | None) -> None:
    if not text:
        return
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise invalid(f"ConfigurationValue provided in request is not valid JSON or YAML: {error}") from error
    known = schema(name)["properties"]
    unknown = [x for x in settings if x not in known] if isinstance(settings, dict) else [str(settings)]
    if unknown:
        message = "ConfigurationValue provided in request is not supported: Json schema validation failed with error"
        raise invalid(f"{message}: [$.{unknown[0]}: is not defined in the schema]", addonName=name)


@answers("eks", "CreateAddon")
def create(call: Call) -> dict[str, Any]:
    """Install an add-on: it is CREATING and then ACTIVE, or DEGRADED while its replicas have no nodes."""
    born(call)
    record, name = cluster(call), call.get("addonName")
    _judge(call, record)
    place = key(record["name"], name)
    if kept(call).get(ADDON, place) is not None:
        raise in_use("Addon already exists.", clusterName=record["name"], addonName=name)
    addon = {
        "addonName": name,
        "clusterName": record["name"],
        "status": "CREATING",
        "addonVersion": call.get("addonVersion", versions_for(name, record["version"])[0]),
        "addonArn": call.arn(f"addon/{record['name']}/{name}/{record['_id'].lower()}"),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": tags(call),
        "podIdentityAssociations": [],
        "namespaceConfig": {"namespace": OFFERS[name].namespace},
        **_settings(call),
        "_key": place,
    }
    addon["podIdentityAssociations"] = _associate(call, addon)
    kept(call).put(ADDON, place, addon)
    kept(call).later(ADDON, place, "eks:CreateAddon", {"status": "ACTIVE"})
    announce(call.region, record, addon, addon["addonVersion"])
    return {"addon": _shown(call, addon)}


def _settings(call: Call) -> Record:
    members = ("serviceAccountRoleArn", "configurationValues")
    return {member: call.get(member) for member in members if call.get(member) is not None}


def _associate(call: Call, addon: Record) -> list[str]:
    """Give the add-on's service account its role by Pod Identity, as an association that the add-on owns."""
    namespace, owner = addon["namespaceConfig"]["namespace"], addon["addonArn"]
    asked = call.get("podIdentityAssociations", [])
    made = [associate(call, namespace, one["serviceAccount"], one["roleArn"], owner) for one in asked]
    return [one["associationArn"] for one in made]


def _dissociate(call: Call, addon: Record) -> None:
    for one in parts(call, ASSOCIATION):
        if one.get("ownerArn") == addon["addonArn"]:
            kept(call).remove(ASSOCIATION, one["_key"])


def _shown(call: Call, addon: Record) -> Record:
    waits = addon["status"] == "ACTIVE" and OFFERS[addon["addonName"]].needs_nodes and not joined(call)
    answer = shown(addon)
    answer["health"] = {"issues": [dict(_ISSUE)] if waits else []}
    return answer | ({"status": "DEGRADED"} if waits else {})


def _found(call: Call) -> Record:
    name = call.get("addonName")
    return part(call, ADDON, name, f"No addon: {name} found in cluster: {call.get('clusterName')}")


@answers("eks", "DescribeAddon")
def describe(call: Call) -> dict[str, Any]:
    """Return one add-on with its health."""
    return {"addon": _shown(call, _found(call))}


@answers("eks", "ListAddons")
def list_addons(call: Call) -> dict[str, Any]:
    """Return the names of the add-ons of a cluster."""
    return {"addons": [addon["addonName"] for addon in parts(call, ADDON)]}


@answers("eks", "UpdateAddon")
def update(call: Call) -> dict[str, Any]:
    """Change version, settings or roles of an add-on."""
    addon = _found(call)
    _judge(call, cluster(call))
    refuse_while_busy(call, ADDON, addon["_key"])
    change: Record = {"modifiedAt": now(), **_settings(call)}
    if call.get("addonVersion"):
        change["addonVersion"] = call.get("addonVersion")
    if "podIdentityAssociations" in call.params:
        _dissociate(call, addon)
        change["podIdentityAssociations"] = _associate(call, addon)
    announce(call.region, cluster(call), addon, str(change.get("addonVersion", addon["addonVersion"])))
    asked = {name: value for name, value in call.params.items() if name not in ("clusterName", "addonName")}
    params = {name[0].upper() + name[1:]: value for name, value in asked.items() if "Token" not in name}
    return begin(call, ADDON, addon, change, "AddonUpdate", **params)


@answers("eks", "DeleteAddon")
def delete(call: Call) -> dict[str, Any]:
    """Take an add-on away, or (``preserve``) only EKS's care for it."""
    addon = _found(call)
    refuse_while_busy(call, ADDON, addon["_key"])
    _dissociate(call, addon)
    addon["status"] = "DELETING"
    if not call.get("preserve"):
        announce(call.region, cluster(call), addon, "")
    kept(call).later(ADDON, addon["_key"], "eks:DeleteAddon", None)
    return {"addon": _shown(call, addon)}
