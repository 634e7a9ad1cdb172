"""EKS: clusters, their versions and the changes that AWS makes and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import LOGS, NAME, Site, decoded, trust
from emulated import refused

from airgap.rehearsal import faces


@pytest.fixture
def site(aws) -> Site:
    return Site(aws)


def network(site: Site, **changes: Any) -> dict[str, Any]:
    return {"resourcesVpcConfig": {**site.asked()["resourcesVpcConfig"], **changes}}


def test_a_cluster_is_creating_without_endpoint_and_then_active_with_it(site):
    site.slow("CreateCluster")
    eks = site.client("eks")
    made = eks.create_cluster(**site.asked(deletionProtection=True))["cluster"]
    assert made["status"] == "CREATING"
    assert not {"endpoint", "identity"} & set(made)
    assert made["certificateAuthority"] == {}
    assert "clusterSecurityGroupId" not in made["resourcesVpcConfig"]
    refused("InvalidRequestException", eks.create_addon, clusterName=NAME, addonName="vpc-cni")
    refused("ResourceInUseException", eks.update_cluster_config, name=NAME, deletionProtection=False)
    site.skip()
    assert site.described()["status"] == "ACTIVE"
    cluster = site.described()
    assert cluster["endpoint"].endswith(".us-east-1.eks.amazonaws.com")
    identifier = cluster["identity"]["oidc"]["issuer"].rpartition("/")[2]
    assert cluster["endpoint"].startswith(f"https://{identifier}.")
    assert decoded(cluster["certificateAuthority"]["data"]) == faces.ca_pem()


def test_what_moto_loses_is_kept(site):
    cluster = site.cluster(
        deletionProtection=True,
        upgradePolicy={"supportType": "STANDARD"},
        zonalShiftConfig={"enabled": True},
        kubernetesNetworkConfig={"serviceIpv4Cidr": "172.16.0.0/16"},
        tags={"owner": "us"},
    )
    assert cluster["deletionProtection"] is True
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster["zonalShiftConfig"] == {"enabled": True}
    assert cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "172.16.0.0/16"
    assert cluster["computeConfig"] == {"enabled": False}
    assert cluster["resourcesVpcConfig"]["controlPlaneEgressMode"] == "CUSTOMER_ROUTED"
    assert cluster["resourcesVpcConfig"]["publicAccessCidrs"] == []
    assert cluster["logging"] == {"clusterLogging": [{"types": LOGS, "enabled": True}]}
    assert cluster["tags"] == {"owner": "us"}
    assert cluster["accessConfig"] == {"authenticationMode": "API"}


def test_defaults_are_those_of_the_api_and_open(site):
    roles = {"roleArn": site.roles["cluster"], "resourcesVpcConfig": {"subnetIds": site.subnets}}
    made = site.client("eks").create_cluster(name=NAME, **roles)["cluster"]
    assert made["accessConfig"] == {
        "bootstrapClusterCreatorAdminPermissions": True,
        "authenticationMode": "CONFIG_MAP",
    }
    cluster = site.described()
    assert (cluster["version"], cluster["upgradePolicy"]) == ("1.36", {"supportType": "EXTENDED"})
    vpc = cluster["resourcesVpcConfig"]
    assert (vpc["endpointPublicAccess"], vpc["endpointPrivateAccess"]) == (True, False)
    assert (vpc["publicAccessCidrs"], vpc["controlPlaneEgressMode"]) == (["0.0.0.0/0"], "AWS_MANAGED")
    assert cluster["logging"] == {"clusterLogging": [{"types": LOGS, "enabled": False}]}
    assert cluster["deletionProtection"] is False
    assert site.client("logs").describe_log_groups()["logGroups"] == []


def test_the_cluster_group_is_real_and_born_open(site):
    cluster, ec2 = site.cluster(), site.client("ec2")
    identifier = cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
    group = ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]
    assert group["VpcId"] == site.vpc
    assert [x["IpRanges"] for x in group["IpPermissionsEgress"]] == [[{"CidrIp": "0.0.0.0/0"}]]
    assert [x["UserIdGroupPairs"][0]["GroupId"] for x in group["IpPermissions"]] == [identifier]
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert (tags["aws:eks:cluster-name"], tags[f"kubernetes.io/cluster/{NAME}"]) == (NAME, "owned")
    refused("DependencyViolation", ec2.delete_security_group, GroupId=identifier)
    held = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [identifier]}])["NetworkInterfaces"]
    assert {x["SubnetId"] for x in held} == set(site.subnets)
    assert all(x["RequesterManaged"] and x["Description"] == f"Amazon EKS {NAME}" for x in held)
    own = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": identifier}]}
    ec2.revoke_security_group_ingress(GroupId=identifier, IpPermissions=[own])
    site.client("eks").update_cluster_config(name=NAME, deletionProtection=True)
    again = ec2.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]
    assert len(again["IpPermissions"]) == 1


def test_a_log_group_that_nobody_made_comes_without_retention_and_comes_back(site):
    logs, name = site.client("logs"), f"/aws/eks/{NAME}/cluster"
    site.cluster()
    group = logs.describe_log_groups()["logGroups"][0]
    assert group["logGroupName"] == name
    assert not {"retentionInDays", "kmsKeyId"} & set(group)
    logs.delete_log_group(logGroupName=name)
    assert [x["logGroupName"] for x in logs.describe_log_groups()["logGroups"]] == [name]
    site.client("eks").delete_cluster(name=NAME)
    assert site.client("eks").list_clusters()["clusters"] == []
    logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups()["logGroups"] == []


def test_a_log_group_that_was_made_first_keeps_its_retention(site):
    logs, name = site.client("logs"), f"/aws/eks/{NAME}/cluster"
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=365)
    site.cluster()
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 365


ONE = "InvalidParameterException"


@pytest.mark.parametrize(
    ("code", "changes", "words"),
    [
        (ONE, {"version": "1.30"}, "unsupported Kubernetes version"),
        (ONE, {"roleArn": "arn:aws:iam::123456789012:role/none"}, "does not exist or the trusted entity"),
        (ONE, {"name": "-"}, "not valid"),
        (ONE, {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/16"}}, "overlaps"),
        (ONE, {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "8.8.0.0/16"}}, "private range"),
        (ONE, {"computeConfig": {"enabled": True}}, "Auto Mode"),
        (ONE, {"encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "arn:x"}}]}, "keyArn"),
    ],
)
def test_a_cluster_is_refused(site, code, changes, words):
    assert words in refused(code, site.client("eks").create_cluster, **site.asked(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"endpointPrivateAccess": False}, "cannot both be disabled"),
        ({"securityGroupIds": ["sg-0123456789abcdef0"]}, "does not exist"),
        ({"endpointPublicAccess": True, "publicAccessCidrs": ["10.0.0.0/8"]}, "publicAccessCidrs"),
        ({"subnetIds": ["subnet-0123456789abcdef0", "subnet-1"]}, "does not exist"),
    ],
)
def test_a_network_is_refused(site, changes, words):
    assert words in refused(ONE, site.client("eks").create_cluster, **site.asked(**network(site, **changes)))


def test_a_control_plane_wants_two_supported_zones_with_addresses(site):
    create, account = site.client("eks").create_cluster, site.account
    one_zone = [site.subnets[0], account.subnet(site.vpc, 20)]
    assert "two different AZs" in refused(ONE, create, **site.asked(**network(site, subnetIds=one_zone)))
    sparse = [site.subnets[0], account.subnet(site.vpc, 21, "us-east-1e")]
    code = "UnsupportedAvailabilityZoneException"
    assert "us-east-1a" in refused(code, create, **site.asked(**network(site, subnetIds=sparse)))
    ec2, zone = site.client("ec2"), "us-east-1b"
    small = ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.0.30.0/28", AvailabilityZone=zone)["Subnet"]["SubnetId"]
    for _ in range(6):
        ec2.create_network_interface(SubnetId=small)
    full = network(site, subnetIds=[site.subnets[0], small])
    assert "free IPs" in refused("InvalidRequestException", create, **site.asked(**full))


def test_the_role_trusts_eks_for_this_cluster(site):
    arn = "arn:aws:eks:us-east-1:123456789012:cluster/"
    for name, end, fits in (("own", NAME, True), ("other", "another", False)):
        condition = {"ArnLike": {"aws:SourceArn": arn + end}}
        role = site.role(name, trust("eks.amazonaws.com", Condition=condition), "AmazonEKSClusterPolicy")
        if fits:
            site.cluster(roleArn=role)
            site.client("eks").delete_cluster(name=NAME)
        else:
            refused(ONE, site.client("eks").create_cluster, **site.asked(roleArn=role))


def test_customer_routed_egress_needs_rights_and_amazons_dns(site):
    ec2, create = site.client("ec2"), site.client("eks").create_cluster
    bare = site.role("bare", trust("eks.amazonaws.com"))
    assert "ec2:DescribeDhcpOptions" in refused(ONE, create, **site.asked(roleArn=bare))
    servers = [{"Key": "domain-name-servers", "Values": ["10.0.0.53"]}]
    options = ec2.create_dhcp_options(DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=site.vpc)
    assert "AmazonProvidedDNS" in refused(ONE, create, **site.asked())


def test_a_name_is_taken_and_a_token_repeats(site):
    eks = site.client("eks")
    asked = site.asked(clientRequestToken="t" * 32)
    first = eks.create_cluster(**asked)["cluster"]
    assert eks.create_cluster(**asked)["cluster"] == first
    refused("ResourceInUseException", eks.create_cluster, **site.asked())


def test_secrets_are_encrypted_once_and_for_good(site):
    eks, kms = site.client("eks"), site.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    site.cluster()
    asked = [{"resources": ["secrets"], "provider": {"keyArn": key}}]
    update = eks.associate_encryption_config(clusterName=NAME, encryptionConfig=asked)["update"]
    assert update["type"] == "AssociateEncryptionConfig"
    assert site.described()["encryptionConfig"] == asked
    refused("InvalidRequestException", eks.associate_encryption_config, clusterName=NAME, encryptionConfig=asked)


def test_a_cluster_says_what_it_is_ill_of(site):
    key = site.client("kms").create_key()["KeyMetadata"]
    asked = [{"resources": ["secrets"], "provider": {"keyArn": key["Arn"]}}]
    assert site.cluster(encryptionConfig=asked)["health"] == {"issues": []}
    site.client("kms").disable_key(KeyId=key["KeyId"])
    iam = site.client("iam")
    iam.detach_role_policy(RoleName="cluster", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    iam.delete_role(RoleName="cluster")
    issues = {x["code"]: x["resourceIds"] for x in site.described()["health"]["issues"]}
    assert issues == {"IamRoleNotFound": [site.roles["cluster"]], "KmsKeyDisabled": [key["Arn"]]}


def test_one_update_at_a_time_and_each_is_listed(site):
    site.cluster()
    site.slow("UpdateClusterConfig")
    eks = site.client("eks")
    update = eks.update_cluster_config(name=NAME, deletionProtection=True)["update"]
    assert (update["status"], update["type"]) == ("InProgress", "DeletionProtectionUpdate")
    assert (site.described()["status"], site.described()["deletionProtection"]) == ("UPDATING", False)
    shift = {"name": NAME, "zonalShiftConfig": {"enabled": True}}
    message = refused("ResourceInUseException", eks.update_cluster_config, **shift)
    assert update["id"] in message
    refused("ResourceInUseException", eks.update_cluster_version, name=NAME, version="1.36")
    site.skip()
    assert eks.describe_update(name=NAME, updateId=update["id"])["update"]["status"] == "Successful"
    assert (site.described()["status"], site.described()["deletionProtection"]) == ("ACTIVE", True)
    assert eks.list_updates(name=NAME)["updateIds"] == [update["id"]]
    refused("ResourceNotFoundException", eks.describe_update, name=NAME, updateId="none")


def test_a_change_keeps_the_rest_of_the_network(site):
    eks, before = site.client("eks"), site.cluster()["resourcesVpcConfig"]
    eks.update_cluster_config(name=NAME, resourcesVpcConfig={"endpointPublicAccess": True})
    after = site.described()["resourcesVpcConfig"]
    assert after == {**before, "endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}
    public = {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
    update = eks.update_cluster_config(name=NAME, resourcesVpcConfig=public)["update"]
    assert {x["type"] for x in update["params"]} >= {"EndpointPublicAccess", "PublicAccessCidrs"}
    eks.update_cluster_config(name=NAME, resourcesVpcConfig={"endpointPublicAccess": False})
    assert site.described()["resourcesVpcConfig"] == before


def test_logging_is_switched_type_by_type(site):
    eks = site.client("eks")
    site.cluster()
    off = {"clusterLogging": [{"types": ["audit"], "enabled": False}]}
    eks.update_cluster_config(name=NAME, logging=off)
    lists = {x["enabled"]: x["types"] for x in site.described()["logging"]["clusterLogging"]}
    assert lists == {True: [x for x in LOGS if x != "audit"], False: ["audit"]}
    assert "No changes needed" in refused(ONE, eks.update_cluster_config, name=NAME, logging=off)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "was not provided"),
        ({"deletionProtection": True, "zonalShiftConfig": {"enabled": True}}, "Only one type"),
        ({"deletionProtection": False}, "already at the desired configuration"),
        ({"resourcesVpcConfig": {"endpointPublicAccess": False}}, "already at the desired configuration"),
        ({"resourcesVpcConfig": {"endpointPrivateAccess": False}}, "cannot both be disabled"),
        ({"resourcesVpcConfig": {"controlPlaneEgressMode": "CUSTOMER_ROUTED"}}, "already at the desired"),
        ({"resourcesVpcConfig": {"controlPlaneEgressMode": "AWS_MANAGED"}}, "cannot be changed from CUSTOMER_ROUTED"),
        ({"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}, "Unsupported authentication mode update"),
        ({"accessConfig": {"authenticationMode": "CONFIG_MAP"}}, "Unsupported authentication mode update"),
    ],
)
def test_a_change_is_refused(site, changes, words):
    site.cluster()
    assert words in refused(ONE, site.client("eks").update_cluster_config, name=NAME, **changes)


def test_one_way_changes_go_forward(site):
    eks = site.client("eks")
    managed = network(site, controlPlaneEgressMode="AWS_MANAGED")
    site.cluster(accessConfig={"authenticationMode": "CONFIG_MAP"}, **managed)
    refused("InvalidRequestException", eks.list_access_entries, clusterName=NAME)
    for mode in ("API_AND_CONFIG_MAP", "API"):
        eks.update_cluster_config(name=NAME, accessConfig={"authenticationMode": mode})
        assert site.described()["accessConfig"]["authenticationMode"] == mode
    creator = "arn:aws:iam::123456789012:role/platform-engineer"
    assert creator in eks.list_access_entries(clusterName=NAME)["accessEntries"]
    eks.update_cluster_config(name=NAME, resourcesVpcConfig={"controlPlaneEgressMode": "CUSTOMER_ROUTED"})
    assert site.described()["resourcesVpcConfig"]["controlPlaneEgressMode"] == "CUSTOMER_ROUTED"


def test_a_version_goes_one_step_up(site):
    eks = site.client("eks")
    site.cluster()
    for version in ("1.34", "1.37", "1.35"):
        refused(ONE, eks.update_cluster_version, name=NAME, version=version)
    assert eks.update_cluster_version(name=NAME, version="1.36")["update"]["type"] == "VersionUpdate"
    assert site.described()["version"] == "1.36"


def test_a_protected_cluster_stays(site):
    eks = site.client("eks")
    site.cluster(deletionProtection=True)
    assert "deletion protection" in refused("InvalidRequestException", eks.delete_cluster, name=NAME)
    eks.update_cluster_config(name=NAME, deletionProtection=False)
    site.slow("DeleteCluster")
    assert eks.delete_cluster(name=NAME)["cluster"]["status"] == "DELETING"
    refused("DependencyViolation", site.client("ec2").delete_subnet, SubnetId=site.subnets[0])
    site.skip()
    assert eks.list_clusters()["clusters"] == []
    refused("ResourceNotFoundException", eks.describe_cluster, name=NAME)
    groups = site.client("ec2").describe_security_groups()["SecurityGroups"]
    assert [x["GroupName"] for x in groups] == ["default"]
    site.client("ec2").delete_subnet(SubnetId=site.subnets[0])


def test_a_new_cluster_of_the_name_begins_anew(site):
    eks = site.client("eks")
    site.cluster()
    site.addons()
    eks.create_access_entry(clusterName=NAME, principalArn="arn:aws:iam::123456789012:role/platform-engineer")
    eks.delete_cluster(name=NAME)
    site.cluster()
    assert eks.list_addons(clusterName=NAME)["addons"] == []
    assert len(eks.list_access_entries(clusterName=NAME)["accessEntries"]) == 1
    assert eks.list_pod_identity_associations(clusterName=NAME)["associations"] == []
    assert eks.list_updates(name=NAME)["updateIds"] == []
