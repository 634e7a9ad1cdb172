"""What belongs to a cluster: access, Pod Identity, add-ons, identity providers, tags, what its Kubernetes API knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clusters import NAME, Site, trust
from emulated import refused

from airgap.rehearsal.eks import facts
from airgap.rehearsal.eks.addon_catalogue import images, versions_for
from airgap.rehearsal.registry.pulling import Pulled, Refused, pull

ONE = "InvalidParameterException"
ALICE = "arn:aws:iam::123456789012:role/platform-engineer"
OWN = "arn:aws:iam::123456789012:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


@pytest.fixture
def site(aws) -> Site:
    ready = Site(aws)
    ready.cluster()
    return ready


def policies(site: Site, principal: str) -> dict[str, Any]:
    eks = site.client("eks")
    found = eks.list_associated_access_policies(clusterName=NAME, principalArn=principal)["associatedAccessPolicies"]
    return {x["policyArn"]: x["accessScope"] for x in found}


def test_a_cluster_is_born_with_eks_own_entry_alone(site):
    assert site.client("eks").list_access_entries(clusterName=NAME)["accessEntries"] == [OWN]
    assert {arn.rpartition("/")[2] for arn in policies(site, OWN)} == {
        "AmazonEKSClusterInsightsPolicy",
        "AmazonEKSEventPolicy",
    }


def test_its_creator_is_an_administrator_unless_that_is_declined(aws):
    site = Site(aws)
    site.cluster(accessConfig={"authenticationMode": "API"})
    eks = site.client("eks")
    assert eks.list_access_entries(clusterName=NAME, associatedPolicyArn=ADMIN)["accessEntries"] == [ALICE]
    assert policies(site, ALICE) == {ADMIN: {"type": "cluster", "namespaces": []}}
    eks.delete_access_entry(clusterName=NAME, principalArn=ALICE)
    assert eks.list_access_entries(clusterName=NAME)["accessEntries"] == [OWN]


def test_an_entry_has_groups_and_a_name(site):
    eks, names = site.client("eks"), {"clusterName": NAME, "principalArn": ALICE}
    made = eks.create_access_entry(**names, kubernetesGroups=["deployers"], tags={"a": "b"})["accessEntry"]
    assert (made["type"], made["kubernetesGroups"], made["tags"]) == ("STANDARD", ["deployers"], {"a": "b"})
    assert made["username"] == "arn:aws:sts::123456789012:assumed-role/platform-engineer/{{SessionName}}"
    refused("ResourceInUseException", eks.create_access_entry, **names)
    eks.update_access_entry(**names, kubernetesGroups=["viewers"])
    entry = eks.describe_access_entry(**names)["accessEntry"]
    assert (entry["kubernetesGroups"], entry["username"]) == (["viewers"], made["username"])
    assert "system:" in refused(ONE, eks.update_access_entry, **names, kubernetesGroups=["system:masters"])
    eks.delete_access_entry(**names)
    refused("ResourceNotFoundException", eks.describe_access_entry, **names)


@pytest.mark.parametrize(
    "changes",
    [
        {"principalArn": "arn:aws:iam::123456789012:role/none"},
        {"principalArn": "arn:aws:sts::123456789012:assumed-role/platform-engineer/alice"},
        {"kubernetesGroups": ["system:masters"]},
        {"type": "EC2_LINUX", "kubernetesGroups": ["mine"]},
        {"type": "NONE"},
    ],
)
def test_an_entry_is_refused(site, changes):
    refused(ONE, site.client("eks").create_access_entry, **{"clusterName": NAME, "principalArn": ALICE, **changes})


def test_access_policies_have_a_scope(site):
    eks, names = site.client("eks"), {"clusterName": NAME, "principalArn": ALICE}
    cluster, space = {"type": "cluster"}, {"type": "namespace", "namespaces": ["app"]}
    associate = eks.associate_access_policy
    refused("ResourceNotFoundException", associate, **names, policyArn=VIEW, accessScope=cluster)
    eks.create_access_entry(**names)
    associate(**names, policyArn=VIEW, accessScope=space)
    assert policies(site, ALICE) == {VIEW: space}
    associate(**names, policyArn=VIEW, accessScope=cluster)
    assert policies(site, ALICE) == {VIEW: {"type": "cluster", "namespaces": []}}
    refused(ONE, associate, **names, policyArn=VIEW, accessScope={"type": "namespace"})
    refused(ONE, associate, **names, policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess", accessScope=cluster)
    eks.disassociate_access_policy(**names, policyArn=VIEW)
    refused("ResourceNotFoundException", eks.disassociate_access_policy, **names, policyArn=VIEW)
    assert VIEW in {x["arn"] for x in eks.list_access_policies()["accessPolicies"]}
    site.role("nodes-of-ours", trust("ec2.amazonaws.com"))
    nodes = {"clusterName": NAME, "principalArn": site.roles["nodes-of-ours"]}
    eks.create_access_entry(**nodes, type="EC2_LINUX")
    refused("InvalidRequestException", associate, **nodes, policyArn=VIEW, accessScope=cluster)


def test_pod_identity_gives_a_service_account_one_role(site):
    eks = site.client("eks")
    names = {"clusterName": NAME, "namespace": "kube-system", "serviceAccount": "autoscaler"}
    made = eks.create_pod_identity_association(**names, roleArn=site.roles["cni"], tags={"a": "b"})["association"]
    message = refused("ResourceInUseException", eks.create_pod_identity_association, **names, roleArn=site.roles["cni"])
    assert made["associationId"] in message
    listed = eks.list_pod_identity_associations(clusterName=NAME, namespace="kube-system")["associations"]
    assert [x["associationId"] for x in listed] == [made["associationId"]]
    assert "roleArn" not in listed[0]
    assert eks.list_pod_identity_associations(clusterName=NAME, namespace="other")["associations"] == []
    one = {"clusterName": NAME, "associationId": made["associationId"]}
    other = site.role("other", trust("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"))
    eks.update_pod_identity_association(**one, roleArn=other)
    found = eks.describe_pod_identity_association(**one)["association"]
    assert (found["roleArn"], found["tags"], found["disableSessionTags"]) == (other, {"a": "b"}, False)
    eks.delete_pod_identity_association(**one)
    refused("ResourceNotFoundException", eks.describe_pod_identity_association, **one)


@pytest.mark.parametrize("actions", [("sts:AssumeRole",), ("sts:TagSession",)])
def test_pod_identity_needs_a_trust_that_tags_sessions(site, actions):
    names = {"clusterName": NAME, "namespace": "app", "serviceAccount": "app"}
    role = site.role("half", trust("pods.eks.amazonaws.com", *actions))
    message = refused(ONE, site.client("eks").create_pod_identity_association, **names, roleArn=role)
    assert "sts:TagSession" in message
    refused(ONE, site.client("eks").create_pod_identity_association, **names, roleArn=role + "none")


def test_addon_versions_fit_the_cluster(site):
    eks = site.client("eks")
    offered = {x["addonName"]: x for x in eks.describe_addon_versions(kubernetesVersion="1.35")["addons"]}
    assert {"vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "aws-ebs-csi-driver"} <= set(offered)
    versions = [x["addonVersion"] for x in offered["kube-proxy"]["addonVersions"]]
    assert versions == ["v1.35.0-eksbuild.1"]
    of = {"clusterName": NAME, "addonName": "kube-proxy"}
    assert "not supported" in refused(ONE, eks.create_addon, **of, addonVersion="v1.34.0-eksbuild.1")
    refused("ResourceNotFoundException", eks.create_addon, clusterName=NAME, addonName="nonsense")
    refused("ResourceNotFoundException", eks.describe_addon_versions, addonName="nonsense")
    about = eks.describe_addon_configuration(addonName="vpc-cni", addonVersion=versions_for("vpc-cni", "1.35")[0])
    assert "enableNetworkPolicy" in json.loads(about["configurationSchema"])["properties"]
    assert about["podIdentityConfiguration"][0]["serviceAccount"] == "aws-node"


def test_an_addon_is_created_changed_and_deleted(site):
    eks, of = site.client("eks"), {"clusterName": NAME, "addonName": "vpc-cni"}
    site.slow("CreateAddon", "DeleteAddon")
    settings = json.dumps({"enableNetworkPolicy": "true"})
    role = [{"serviceAccount": "aws-node", "roleArn": site.roles["cni"]}]
    old = versions_for("vpc-cni", "1.35")[1]
    given = {"addonVersion": old, "configurationValues": settings, "podIdentityAssociations": role}
    made = eks.create_addon(**of, **given)["addon"]
    assert made["status"] == "CREATING"
    refused("ResourceInUseException", eks.update_addon, **of, addonVersion=versions_for("vpc-cni", "1.35")[0])
    refused("ResourceInUseException", eks.create_addon, **of)
    site.skip()
    addon = eks.describe_addon(**of)["addon"]
    assert addon["status"] == "ACTIVE"
    assert (addon["addonVersion"], addon["configurationValues"], addon["health"]) == (old, settings, {"issues": []})
    held = eks.list_pod_identity_associations(clusterName=NAME)["associations"]
    assert [(x["associationArn"], x["ownerArn"]) for x in held] == [
        (addon["podIdentityAssociations"][0], addon["addonArn"])
    ]
    update = eks.update_addon(**of, addonVersion=versions_for("vpc-cni", "1.35")[0])["update"]
    assert update["type"] == "AddonUpdate"
    assert eks.describe_addon(**of)["addon"]["addonVersion"] == versions_for("vpc-cni", "1.35")[0]
    assert eks.list_updates(name=NAME, addonName="vpc-cni")["updateIds"] == [update["id"]]
    assert eks.delete_addon(**of)["addon"]["status"] == "DELETING"
    site.skip()
    assert eks.list_addons(clusterName=NAME)["addons"] == []
    assert eks.list_pod_identity_associations(clusterName=NAME)["associations"] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"configurationValues": "{"}, "not valid JSON or YAML"),
        ({"configurationValues": '{"nonsense": 1}'}, "nonsense"),
        ({"serviceAccountRoleArn": "arn:aws:iam::123456789012:role/none"}, "does not exist"),
    ],
)
def test_an_addon_is_refused(site, changes, words):
    of = {"clusterName": NAME, "addonName": "vpc-cni"}
    assert words in refused(ONE, site.client("eks").create_addon, **of, **changes)


def test_replicas_wait_for_nodes(site):
    eks = site.client("eks")
    site.addons()
    site.addons("coredns")
    coredns = eks.describe_addon(clusterName=NAME, addonName="coredns")["addon"]
    assert (coredns["status"], coredns["health"]["issues"][0]["code"]) == ("DEGRADED", "InsufficientNumberOfReplicas")
    assert eks.describe_addon(clusterName=NAME, addonName="kube-proxy")["addon"]["status"] == "ACTIVE"
    site.endpoints()
    site.nodegroup()
    assert eks.describe_addon(clusterName=NAME, addonName="coredns")["addon"]["status"] == "ACTIVE"


def test_an_identity_provider_is_the_only_one(site):
    eks = site.client("eks")
    oidc = {"identityProviderConfigName": "corp", "issuerUrl": "https://idp.example.com", "clientId": "kubernetes"}
    update = eks.associate_identity_provider_config(clusterName=NAME, oidc=oidc, tags={"a": "b"})["update"]
    assert update["type"] == "AssociateIdentityProviderConfig"
    listed = eks.list_identity_provider_configs(clusterName=NAME)["identityProviderConfigs"]
    assert listed == [{"type": "oidc", "name": "corp"}]
    described = eks.describe_identity_provider_config(clusterName=NAME, identityProviderConfig=listed[0])
    assert described["identityProviderConfig"]["oidc"]["status"] == "ACTIVE"
    other = {**oidc, "identityProviderConfigName": "other"}
    refused("ResourceInUseException", eks.associate_identity_provider_config, clusterName=NAME, oidc=other)
    eks.disassociate_identity_provider_config(clusterName=NAME, identityProviderConfig=listed[0])
    assert eks.list_identity_provider_configs(clusterName=NAME)["identityProviderConfigs"] == []


def test_everything_has_tags(site):
    eks = site.client("eks")
    site.addons("kube-proxy")
    addon = eks.describe_addon(clusterName=NAME, addonName="kube-proxy")["addon"]["addonArn"]
    entry = eks.describe_access_entry(clusterName=NAME, principalArn=OWN)["accessEntry"]["accessEntryArn"]
    for arn in (site.described()["arn"], addon, entry):
        eks.tag_resource(resourceArn=arn, tags={"owner": "us", "gone": "x"})
        eks.untag_resource(resourceArn=arn, tagKeys=["gone"])
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"owner": "us"}
    assert site.described()["tags"] == {"owner": "us"}
    tagged = site.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["eks:cluster"])
    assert [x["ResourceARN"] for x in tagged["ResourceTagMappingList"]] == [site.described()["arn"]]
    refused("NotFoundException", eks.list_tags_for_resource, resourceArn=site.described()["arn"] + "x")
    refused(ONE, eks.tag_resource, resourceArn=addon, tags={"aws:mine": "x"})


def test_what_a_cluster_never_has_is_empty_and_cannot_be_made(site):
    eks = site.client("eks")
    assert eks.list_fargate_profiles(clusterName=NAME)["fargateProfileNames"] == []
    assert eks.list_capabilities(clusterName=NAME)["capabilities"] == []
    refused("ResourceNotFoundException", eks.list_fargate_profiles, clusterName="none")
    profile = {"fargateProfileName": "p", "podExecutionRoleArn": site.roles["node"]}
    refused("UnknownOperationException", eks.create_fargate_profile, clusterName=NAME, **profile)
    authority = eks.list_certificate_authorities(clusterName=NAME)["certificateAuthorities"]
    assert [(x["createdBy"], x["signingStatus"]) for x in authority] == [("EKS", "IN_USE")]


def test_its_kubernetes_api_knows_what_eks_knows(site):
    eks = site.client("eks")
    site.addons()
    site.endpoints()
    site.nodegroup()
    host = site.described()["endpoint"].removeprefix("https://")
    known = facts.cluster_of(host)
    assert known is not None
    assert (known.name, known.version, known.arn) == (NAME, "1.35", site.described()["arn"])
    assert {x.principal_arn for x in known.access} == {OWN, site.roles["node"]}
    assert known.role_of("kube-system", "aws-node") == site.roles["cni"]
    addresses = {x["PrivateDnsName"]: x["PrivateIpAddress"] for x in site.instances()}
    assert {node.name: node.private_ip for node in known.nodes} == addresses
    assert {(node.nodegroup, node.role_arn) for node in known.nodes} == {("main", site.roles["node"])}
    addons = {addon.name: addon for addon in facts.addons_of(host)}
    assert addons["kube-proxy"].images == images("kube-proxy", "v1.35.0-eksbuild.1", "us-east-1")
    assert facts.cluster_of("other.us-east-1.eks.amazonaws.com") is None
    eks.delete_nodegroup(clusterName=NAME, nodegroupName="main")
    eks.delete_cluster(name=NAME)
    assert facts.cluster_of(host) is None


def test_images_of_addons_can_be_pulled_with_the_nodes_role(site):
    site.addons("kube-proxy")
    image = images("kube-proxy", "v1.35.0-eksbuild.1", "us-east-1")[0]
    pulled = pull(image, site.roles["node"])
    assert isinstance(pulled, Pulled), pulled
    assert pulled.image_id.startswith("602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/kube-proxy@sha256:")
    assert isinstance(pull(image, site.roles["cluster"]), Refused)
    assert isinstance(pull(image.replace("v1.35.0", "v1.34.0"), site.roles["node"]), Refused)
    assert site.client("ecr").describe_repositories()["repositories"] == []


def test_an_installer_hears_of_every_addon(site, monkeypatch):
    heard: list[tuple[str, str, str]] = []
    listener = lambda host, addon: heard.append((host, addon.name, addon.version))  # noqa: E731
    monkeypatch.setattr(facts, "INSTALLERS", [listener])
    site.addons("kube-proxy")
    site.client("eks").delete_addon(clusterName=NAME, addonName="kube-proxy")
    host = facts.host_of(site.described())
    assert heard == [(host, "kube-proxy", "v1.35.0-eksbuild.1"), (host, "kube-proxy", "")]


def test_a_signer_is_known_by_the_key(site):
    sts = site.client("sts")
    person = facts.signer("AIRGAPREHEARSALALICE", "us-east-1")
    assert person is not None
    assert person[0] == "arn:aws:sts::123456789012:assumed-role/platform-engineer/alice"
    assumed = sts.assume_role(RoleArn=ALICE, RoleSessionName="run")
    key = assumed["Credentials"]
    expected = ("arn:aws:sts::123456789012:assumed-role/platform-engineer/run", key["SecretAccessKey"])
    assert facts.signer(key["AccessKeyId"], "us-east-1") == expected
    assert facts.signer("AKIANOBODY", "us-east-1") is None
