"""Read calls on EKS clusters, versions and machine images (K1, K2, K3)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

IMAGE = "/aws/service/eks/optimized-ami/{clusterVersion}/amazon-linux-2023/x86_64/standard/recommended/image_id"
CLUSTERS = ("eks:ListClusters", "clusters", {"name": "@"})


def _listed(operation: str, items: str, describe: str, name: str) -> tuple[Query, Query]:
    """Return the list of one kind of member of every cluster, and the description of each."""
    return (
        follow(f"eks:{operation}", "eks:ListClusters", "clusters", {"clusterName": "@"}),
        follow(f"eks:{describe}", f"eks:{operation}", items, {"clusterName": "^.?.clusterName", name: "@"}),
    )


QUERIES: tuple[Query, ...] = (
    Query("eks:DescribeClusterVersions"),
    follow(
        "ssm:GetParameter",
        "eks:DescribeClusterVersions",
        "clusterVersions",
        {"Name": IMAGE},
        only=(("versionStatus", "STANDARD_SUPPORT"),),
        absent=("ParameterNotFound",),
    ),
    Query("eks:ListClusters"),
    follow("eks:DescribeCluster", *CLUSTERS),
    # Every version in standard support: add-ons are chosen before there is a cluster.
    follow(
        "eks:DescribeAddonVersions",
        "eks:DescribeClusterVersions",
        "clusterVersions",
        {"kubernetesVersion": "clusterVersion"},
        params={"owners": ["aws"]},
        only=(("versionStatus", "STANDARD_SUPPORT"),),
    ),
    *_listed("ListNodegroups", "nodegroups", "DescribeNodegroup", "nodegroupName"),
    *_listed("ListFargateProfiles", "fargateProfileNames", "DescribeFargateProfile", "fargateProfileName"),
    *_listed("ListAddons", "addons", "DescribeAddon", "addonName"),
    *_listed("ListAccessEntries", "accessEntries", "DescribeAccessEntry", "principalArn"),
    follow(
        "eks:ListAssociatedAccessPolicies",
        "eks:ListAccessEntries",
        "accessEntries",
        {"clusterName": "^.?.clusterName", "principalArn": "@"},
    ),
    follow("eks:ListCapabilities", "eks:ListClusters", "clusters", {"clusterName": "@"}),
    follow(
        "eks:DescribeCapability",
        "eks:ListCapabilities",
        "capabilities",
        {"clusterName": "^.?.clusterName", "capabilityName": "capabilityName"},
    ),
    follow("eks:ListPodIdentityAssociations", "eks:ListClusters", "clusters", {"clusterName": "@"}),
    follow(
        "eks:DescribePodIdentityAssociation",
        "eks:ListPodIdentityAssociations",
        "associations",
        {"clusterName": "clusterName", "associationId": "associationId"},
    ),
    follow("eks:ListIdentityProviderConfigs", "eks:ListClusters", "clusters", {"clusterName": "@"}),
    follow(
        "eks:DescribeIdentityProviderConfig",
        "eks:ListIdentityProviderConfigs",
        "identityProviderConfigs",
        {
            "clusterName": "^.?.clusterName",
            "identityProviderConfig.type": "type",
            "identityProviderConfig.name": "name",
        },
    ),
    Query("autoscaling:DescribeAutoScalingGroups"),
    Query("ec2:DescribeLaunchTemplates"),
    # The version that a node group runs, and what the next instance of any other user would start with.
    follow(
        "ec2:DescribeLaunchTemplateVersions",
        "eks:DescribeNodegroup",
        "nodegroup",
        {"LaunchTemplateId": "launchTemplate.id", "Versions": "[launchTemplate.version]"},
    ),
    follow(
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeLaunchTemplates",
        "LaunchTemplates",
        {"LaunchTemplateId": "LaunchTemplateId"},
        params={"Versions": ["$Latest", "$Default"]},
    ),
)
