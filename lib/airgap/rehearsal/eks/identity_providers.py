"""Identity providers of a cluster: one OIDC issuer, whose tokens its API accepts; each is a way in past IAM."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.eks.state import CLUSTER, PROVIDER, cluster, in_use, kept, key, part, parts, shown, tags
from airgap.rehearsal.eks.updates import begin
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, new_id
from airgap.rehearsal.wire import Call


@answers("eks", "AssociateIdentityProviderConfig")
def associate(call: Call) -> dict[str, Any]:
    """Make a cluster accept the tokens of an OIDC issuer; it accepts one."""
    record, asked = cluster(call), call.get("oidc")
    if parts(call, PROVIDER):
        raise in_use("Cluster already has an identity provider configuration", clusterName=record["name"])
    name = asked["identityProviderConfigName"]
    answer = begin(call, CLUSTER, record, {}, "AssociateIdentityProviderConfig", IdentityProviderConfig=asked)
    place = key(record["name"], name)
    config = {
        **asked,
        "identityProviderConfigArn": call.arn(f"identityproviderconfig/{record['name']}/oidc/{name}/{new_id('')}"),
        "clusterName": record["name"],
        "tags": tags(call),
        "status": "CREATING",
        "_key": place,
    }
    kept(call).put(PROVIDER, place, config)
    kept(call).later(PROVIDER, place, f"eks:{call.operation}", {"status": "ACTIVE"})
    return answer | {"tags": config["tags"]}


def _found(call: Call) -> Record:
    name = call.get("identityProviderConfig", {}).get("name", "")
    return part(call, PROVIDER, name, f"Identity provider config {name} not found")


@answers("eks", "DisassociateIdentityProviderConfig")
def disassociate(call: Call) -> dict[str, Any]:
    """Make a cluster refuse the tokens of its OIDC issuer again."""
    config = _found(call)
    answer = begin(call, CLUSTER, cluster(call), {}, "DisassociateIdentityProviderConfig")
    config["status"] = "DELETING"
    kept(call).later(PROVIDER, config["_key"], f"eks:{call.operation}", None)
    return answer


@answers("eks", "DescribeIdentityProviderConfig")
def describe(call: Call) -> dict[str, Any]:
    """Return one configuration."""
    return {"identityProviderConfig": {"oidc": shown(_found(call))}}


@answers("eks", "ListIdentityProviderConfigs")
def list_configs(call: Call) -> dict[str, Any]:
    """Return type and name of the configurations."""
    found = parts(call, PROVIDER)
    return {"identityProviderConfigs": [{"type": "oidc", "name": x["identityProviderConfigName"]} for x in found]}
