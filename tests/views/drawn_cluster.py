"""The cluster's pages for the views: none there yet, and all in place."""

from __future__ import annotations

import json
from typing import Any

from airgap.model.cluster import access, addons, role_arn
from airgap.model.intent import Intent

Pages = dict[tuple[str, str], Any]
FOLLOWING = (
    "DescribeCluster",
    "ListNodegroups",
    "DescribeNodegroup",
    "ListAddons",
    "DescribeAddon",
    "ListAccessEntries",
    "DescribeAccessEntry",
    "ListAssociatedAccessPolicies",
)


def asked(**params: Any) -> str:
    return json.dumps(params, sort_keys=True)


def none(intent: Intent) -> Pages:
    """EKS answered, and there is no cluster, so that nothing was listed to ask for."""
    versions = [
        {
            "clusterVersion": name,
            "versionStatus": "STANDARD_SUPPORT" if name >= "1.35" else "EXTENDED_SUPPORT",
            "endOfStandardSupportDate": "2027-03-27T00:00:00Z",
            "defaultVersion": name == "1.36",
        }
        for name in ("1.9", "1.34", "1.35", "1.36")
    ]
    offers = [
        {"addonName": one.name, "addonVersions": [_offer("v2", True), _offer("v1", False)]} for one in addons(intent)
    ]
    offered = asked(kubernetesVersion=intent.cluster.version, owners=["aws"])
    return {
        **{(f"eks:{call}", "{}"): None for call in FOLLOWING},
        ("ec2:DescribeLaunchTemplateVersions", "{}"): None,
        ("eks:DescribeClusterVersions", "{}"): {"clusterVersions": versions},
        ("eks:DescribeAddonVersions", offered): {"addons": offers},
    }


def _offer(version: str, default: bool) -> dict[str, Any]:
    return {"addonVersion": version, "compatibilities": [{"clusterVersion": "1.36", "defaultVersion": default}]}


def deployed(intent: Intent) -> Pages:
    """The cluster with everything declared in it."""
    name = intent.cluster.name
    template = {"LaunchTemplateData": {"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}}}
    pages: Pages = {
        ("eks:DescribeCluster", asked(name=name)): {"cluster": {"name": name, "version": intent.cluster.version}},
        ("eks:ListAccessEntries", asked(clusterName=name)): {"accessEntries": []},
        ("eks:ListNodegroups", asked(clusterName=name)): {"nodegroups": []},
        ("eks:ListAddons", asked(clusterName=name)): {"addons": []},
        ("ec2:DescribeLaunchTemplateVersions", asked(LaunchTemplateId="lt-1", Versions=["1"])): {
            "LaunchTemplateVersions": [template]
        },
    }
    for one in access(intent):
        entry = {"clusterName": name, "principalArn": role_arn(intent, one.role)}
        live = {**entry, "type": one.type, "kubernetesGroups": list(one.groups)}
        pages["eks:DescribeAccessEntry", asked(**entry)] = {"accessEntry": live}
        policies = [{"policyArn": f"arn:aws:eks::aws:cluster-access-policy/{each}"} for each in one.policies]
        pages["eks:ListAssociatedAccessPolicies", asked(**entry)] = {"associatedAccessPolicies": policies}
    for group in intent.cluster.node_groups:
        live = {
            "nodegroupName": group.name,
            "clusterName": name,
            "instanceTypes": list(group.instance_types),
            "scalingConfig": {"minSize": 2, "desiredSize": 3, "maxSize": 10},
            "version": intent.cluster.version,
            "launchTemplate": {"id": "lt-1", "version": "1"},
        }
        pages["eks:DescribeNodegroup", asked(clusterName=name, nodegroupName=group.name)] = {"nodegroup": live}
    for addon in addons(intent):
        live = {"addonName": addon.name, "clusterName": name, "addonVersion": "v1", "status": "ACTIVE"}
        pages["eks:DescribeAddon", asked(addonName=addon.name, clusterName=name)] = {"addon": live}
    return pages
