"""Managed node groups: their instances, what keeps them from joining, what EKS refuses, changes and the end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clusters import NAME, SIZES, Site, trust
from emulated import refused

LINKED = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
ONE = "InvalidParameterException"


@pytest.fixture
def site(aws) -> Site:
    """A cluster whose nodes can join."""
    ready = Site(aws)
    ready.cluster()
    ready.addons()
    ready.endpoints()
    return ready


def issues(group: dict[str, Any]) -> str:
    assert group["status"] == "CREATE_FAILED", group
    return str(group["health"]["issues"][0]["message"])


def test_a_node_group_has_instances_in_its_subnets(site):
    site.slow("CreateNodegroup")
    group = site.nodegroup(launchTemplate=site.template(), tags={"owner": "us"}, labels={"tier": "app"})
    assert group["status"] == "CREATING"
    site.skip()
    group = site.group()
    assert group["status"] == "ACTIVE"
    assert (group["version"], group["releaseVersion"]) == ("1.35", "1.35.0-20261112")
    assert (group["amiType"], group["capacityType"]) == ("AL2023_x86_64_STANDARD", "ON_DEMAND")
    assert (group["scalingConfig"], group["instanceTypes"]) == (SIZES, ["m6i.xlarge", "m6i.2xlarge"])
    assert (group["tags"], group["labels"]) == ({"owner": "us"}, {"tier": "app"})
    assert (group["updateConfig"], group["nodeRepairConfig"]) == ({"maxUnavailable": 1}, {"enabled": False})
    assert "diskSize" not in group
    found = site.instances()
    assert sorted(x["SubnetId"] for x in found).count(site.subnets[0]) == 2
    assert {x["SubnetId"] for x in found} == set(site.subnets)
    assert all(x["PrivateIpAddress"].startswith(("10.0.10.", "10.0.11.")) for x in found)
    assert {x["InstanceType"] for x in found} == {"m6i.xlarge"}
    tags = {tag["Key"]: tag["Value"] for tag in found[0]["Tags"]}
    assert (tags["eks:cluster-name"], tags["eks:nodegroup-name"]) == (NAME, "main")
    assert tags["aws:autoscaling:groupName"] == group["resources"]["autoScalingGroups"][0]["name"]
    assert tags[f"kubernetes.io/cluster/{NAME}"] == "owned"


def test_nodes_are_what_the_template_says(site):
    site.nodegroup(launchTemplate=site.template())
    node, ec2 = site.instances()[0], site.client("ec2")
    metadata = node["MetadataOptions"]
    assert (metadata["HttpTokens"], metadata["HttpPutResponseHopLimit"]) == ("required", 1)
    assert not {"KeyName", "PublicIpAddress"} & set(node)
    cluster_group = site.described()["resourcesVpcConfig"]["clusterSecurityGroupId"]
    assert [x["GroupId"] for x in node["SecurityGroups"]] == [cluster_group]
    disks = [x["Ebs"]["VolumeId"] for x in node["BlockDeviceMappings"]]
    volume = ec2.describe_volumes(VolumeIds=disks)["Volumes"]
    assert [(x["Encrypted"], x["Size"], x["Tags"]) for x in volume] == [(True, 50, [{"Key": "owner", "Value": "us"}])]
    parameter = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id"
    assert node["ImageId"] == site.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    profile = node["IamInstanceProfile"]["Arn"].rpartition("/")[2]
    roles = site.client("iam").get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    assert [x["Arn"] for x in roles] == [site.roles["node"]]


def test_the_auto_scaling_group_is_the_autoscalers(site):
    scaling = site.client("autoscaling")
    name = site.nodegroup(launchTemplate=site.template())["resources"]["autoScalingGroups"][0]["name"]
    group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (2, 10, 3)
    assert set(group["VPCZoneIdentifier"].split(",")) == set(site.subnets)
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert (tags["k8s.io/cluster-autoscaler/enabled"], tags[f"k8s.io/cluster-autoscaler/{NAME}"]) == ("true", "owned")
    overrides = group["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
    assert [x["InstanceType"] for x in overrides] == ["m6i.xlarge", "m6i.2xlarge"]
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=5)
    assert site.group()["scalingConfig"]["desiredSize"] == 5
    assert len(site.instances()) == 5
    too_many = {"AutoScalingGroupName": name, "DesiredCapacity": 11}
    assert "above max value 10" in refused("ValidationError", scaling.set_desired_capacity, **too_many)
    scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    broken = site.group()
    assert (broken["status"], broken["health"]["issues"][0]["code"]) == ("DEGRADED", "AutoScalingGroupNotFound")


def test_eks_admits_the_node_role_and_takes_it_back(site):
    eks, role = site.client("eks"), site.roles["node"]
    site.nodegroup()
    entry = eks.describe_access_entry(clusterName=NAME, principalArn=role)["accessEntry"]
    assert (entry["type"], entry["kubernetesGroups"]) == ("EC2_LINUX", ["system:nodes"])
    assert entry["username"] == "system:node:{{EC2PrivateDNSName}}"
    refused("InvalidRequestException", eks.update_access_entry, clusterName=NAME, principalArn=role, username="other")
    eks.delete_nodegroup(clusterName=NAME, nodegroupName="main")
    refused("ResourceNotFoundException", eks.describe_access_entry, clusterName=NAME, principalArn=role)


@pytest.mark.parametrize("missing", ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])
def test_nodes_never_join_without_the_software_of_their_network(site, missing):
    site.client("eks").delete_addon(clusterName=NAME, addonName=missing)
    if missing == "vpc-cni":
        site.client("eks").create_pod_identity_association(
            clusterName=NAME, namespace="kube-system", serviceAccount="aws-node", roleArn=site.roles["cni"]
        )
    assert f"no {missing}" in issues(site.nodegroup())


def test_nodes_of_a_cluster_with_its_own_software_need_the_rights_of_its_network(aws):
    site = Site(aws)
    site.cluster(bootstrapSelfManagedAddons=True)
    site.endpoints()
    assert "aws-node lacks ec2:AssignPrivateIpAddresses" in issues(site.nodegroup())
    site.client("iam").attach_role_policy(RoleName="node", PolicyArn="arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy")
    assert site.nodegroup(nodegroupName="second")["status"] == "ACTIVE"


@pytest.mark.parametrize("missing", ["ec2", "ecr.api", "ecr.dkr", "s3"])
def test_nodes_never_join_without_their_endpoints(site, missing):
    ec2 = site.client("ec2")
    name = [{"Name": "service-name", "Values": [f"com.amazonaws.us-east-1.{missing}"]}]
    found = [x["VpcEndpointId"] for x in ec2.describe_vpc_endpoints(Filters=name)["VpcEndpoints"]]
    ec2.delete_vpc_endpoints(VpcEndpointIds=found)
    site.skip()
    assert f"no way to {missing} from" in issues(site.nodegroup())


def test_nodes_need_egress_to_endpoints_and_to_the_api(site):
    ec2, group = site.client("ec2"), site.described()["resourcesVpcConfig"]["clusterSecurityGroupId"]
    own = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=site.vpc)["GroupId"]
    open_egress = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=own, IpPermissions=open_egress)
    template = site.template(SecurityGroupIds=[own])
    told = issues(site.nodegroup(launchTemplate=template))
    assert "no way to ecr.api" in told
    assert "no way to the cluster's API" in told
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    lists = ec2.describe_prefix_lists()["PrefixLists"]
    s3 = next(x["PrefixListId"] for x in lists if x["PrefixListName"].endswith(".s3"))
    peers = {"UserIdGroupPairs": [{"GroupId": site.endpoint_group}, {"GroupId": group}]}
    egress = [{**https, **peers, "PrefixListIds": [{"PrefixListId": s3}]}]
    ec2.authorize_security_group_egress(GroupId=own, IpPermissions=egress)
    from_nodes = [{**https, "UserIdGroupPairs": [{"GroupId": own}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=from_nodes)
    assert site.nodegroup(nodegroupName="second", launchTemplate=template)["status"] == "ACTIVE"


def test_nodes_need_names_in_their_vpc(site):
    site.client("ec2").modify_vpc_attribute(VpcId=site.vpc, EnableDnsHostnames={"Value": False})
    assert "DNS hostnames" in issues(site.nodegroup())


@pytest.mark.parametrize("policy", ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"])
def test_nodes_need_their_roles_rights(site, policy):
    site.client("iam").detach_role_policy(RoleName="node", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    assert "the node role lacks" in issues(site.nodegroup())


def test_volumes_under_a_customers_key_need_its_policy(site):
    kms = site.client("kms")
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*"}
    key = kms.create_key(Policy=json.dumps({"Statement": [{**root, "Resource": "*"}]}))["KeyMetadata"]["Arn"]
    disk = {"Encrypted": True, "KmsKeyId": key, "VolumeSize": 50}
    template = site.template(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": disk}])
    failed = site.nodegroup(launchTemplate=template)
    assert failed["health"]["issues"][0]["code"] == "AsgInstanceLaunchFailures"
    assert site.instances() == []
    role = {"Effect": "Allow", "Principal": {"AWS": LINKED}, "Action": "kms:CreateGrant", "Resource": "*"}
    policy = json.dumps({"Statement": [{**root, "Resource": "*"}, role]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    assert site.nodegroup(nodegroupName="second", launchTemplate=template)["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nodeRole": "arn:aws:iam::123456789012:role/none"}, "cannot be found"),
        ({"nodeRole": "arn:aws:iam::123456789012:role/cni"}, "[ec2.amazonaws.com] were not found"),
        ({"subnets": ["subnet-0123456789abcdef0"]}, "does not exist"),
        ({"scalingConfig": {"minSize": 3, "maxSize": 5, "desiredSize": 2}}, "can't be greater than desired"),
        ({"scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 3}}, "can't be greater than max"),
        ({"instanceTypes": ["m6i.none"]}, "do not exist: [m6i.none]"),
        ({"version": "1.34"}, "must be the cluster's version"),
        ({"launchTemplate": {"id": "lt-0123456789abcdef0"}}, "not found"),
    ],
)
def test_a_node_group_is_refused(site, changes, words):
    assert words in refused(ONE, site.client("eks").create_nodegroup, **site.nodes(**changes))


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        ({"InstanceType": "m6i.xlarge"}, {}, "both in the launch template"),
        ({}, {"diskSize": 50}, "Disk size must be specified within"),
        ({}, {"remoteAccess": {"ec2SshKey": "key"}}, "Remote access"),
        ({"IamInstanceProfile": {"Name": "own"}}, {}, "IamInstanceProfile"),
        ({"ImageId": "ami-12345678"}, {"amiType": "AL2023_x86_64_STANDARD"}, "image id within the launch template"),
        ({"ImageId": "ami-12345678"}, {"releaseVersion": "1.35.0-20261112"}, "custom AMIs"),
        ({}, {"amiType": "CUSTOM"}, "must specify an image id"),
    ],
)
def test_a_template_and_its_group_are_refused(site, data, changes, words):
    named = site.template(**data)
    asked = site.nodes(launchTemplate=named, **changes)
    assert words in refused(ONE, site.client("eks").create_nodegroup, **asked)


def test_a_launch_template_names_no_subnet_and_a_version_that_exists(site):
    eks, named = site.client("eks"), site.template()
    assert "not found" in refused(ONE, eks.create_nodegroup, **site.nodes(launchTemplate={**named, "version": "7"}))
    interface = {"DeviceIndex": 0, "SubnetId": site.subnets[0]}
    data = {"NetworkInterfaces": [interface]}
    site.client("ec2").create_launch_template(LaunchTemplateName="other", LaunchTemplateData=data)
    asked = site.nodes(launchTemplate={"name": "other", "version": "1"})
    assert "should not specify a subnet" in refused(ONE, eks.create_nodegroup, **asked)


def test_sizes_labels_and_taints_change_in_place(site):
    eks, names = site.client("eks"), {"clusterName": NAME, "nodegroupName": "main"}
    taint = {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}
    site.nodegroup(labels={"a": "1", "b": "2"}, taints=[taint])
    before = {x["InstanceId"] for x in site.instances()}
    update = eks.update_nodegroup_config(**names, scalingConfig={"minSize": 3, "desiredSize": 4})["update"]
    assert update["type"] == "ConfigUpdate"
    assert site.group()["scalingConfig"] == {"minSize": 3, "maxSize": 10, "desiredSize": 4}
    assert before < {x["InstanceId"] for x in site.instances()}
    eks.update_nodegroup_config(**names, labels={"addOrUpdateLabels": {"b": "3"}, "removeLabels": ["a"]})
    eks.update_nodegroup_config(**names, taints={"removeTaints": [taint]}, updateConfig={"maxUnavailable": 2})
    group = site.group()
    assert (group["labels"], group["taints"], group["updateConfig"]) == ({"b": "3"}, [], {"maxUnavailable": 2})
    refused(ONE, eks.update_nodegroup_config, **names)
    refused(ONE, eks.update_nodegroup_config, **names, scalingConfig={"minSize": 11})
    assert len(eks.list_updates(name=NAME, nodegroupName="main")["updateIds"]) == 3
    assert eks.list_updates(name=NAME)["updateIds"] == []


def test_a_new_template_version_replaces_every_node(site):
    eks, ec2 = site.client("eks"), site.client("ec2")
    names, named = {"clusterName": NAME, "nodegroupName": "main"}, site.template()
    site.nodegroup(launchTemplate=named)
    before = {x["InstanceId"] for x in site.instances()}
    hop = {"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}}
    ec2.create_launch_template_version(LaunchTemplateId=named["id"], SourceVersion="1", LaunchTemplateData=hop)
    update = eks.update_nodegroup_version(**names, launchTemplate={"id": named["id"], "version": "2"})["update"]
    assert {x["type"]: x["value"] for x in update["params"]}["LaunchTemplateVersion"] == "2"
    assert site.group()["launchTemplate"]["version"] == "2"
    nodes = site.instances()
    assert (len(nodes), before & {x["InstanceId"] for x in nodes}) == (3, set())
    assert {x["MetadataOptions"]["HttpPutResponseHopLimit"] for x in nodes} == {2}
    refused("InvalidRequestException", eks.update_nodegroup_version, **names)
    other = ec2.create_launch_template(LaunchTemplateName="other", LaunchTemplateData=hop)["LaunchTemplate"]
    another = {"id": other["LaunchTemplateId"], "version": "1"}
    assert "cannot be changed" in refused(ONE, eks.update_nodegroup_version, **names, launchTemplate=another)


def test_the_cluster_waits_for_its_nodes_and_nodes_for_their_cluster(site):
    eks = site.client("eks")
    site.nodegroup()
    refused(ONE, eks.update_nodegroup_version, clusterName=NAME, nodegroupName="main", version="1.36")
    eks.update_cluster_version(name=NAME, version="1.36")
    message = refused("InvalidRequestException", eks.update_cluster_version, name=NAME, version="1.37")
    assert "must be updated" in message


def test_nodes_follow_their_cluster(site):
    eks, names = site.client("eks"), {"clusterName": NAME, "nodegroupName": "main"}
    site.nodegroup()
    eks.update_cluster_version(name=NAME, version="1.36")
    eks.update_nodegroup_version(**names, version="1.36")
    assert (site.group()["version"], site.group()["releaseVersion"]) == ("1.36", "1.36.0-20261112")


def test_a_deleted_group_leaves_nothing(site):
    eks, ec2, iam = site.client("eks"), site.client("ec2"), site.client("iam")
    site.nodegroup(launchTemplate=site.template())
    refused("ResourceInUseException", eks.delete_cluster, name=NAME)
    refused("DeleteConflict", iam.delete_role, RoleName="node")
    refused("ResourceInUseException", eks.create_nodegroup, **site.nodes())
    site.slow("DeleteNodegroup")
    deleting = eks.delete_nodegroup(clusterName=NAME, nodegroupName="main")["nodegroup"]
    assert deleting["status"] == "DELETING"
    refused("ResourceInUseException", eks.delete_cluster, name=NAME)
    site.skip()
    assert eks.list_nodegroups(clusterName=NAME)["nodegroups"] == []
    assert site.instances() == []
    assert site.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert [x["LaunchTemplateName"] for x in ec2.describe_launch_templates()["LaunchTemplates"]] == ["nodes"]
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    held = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert {x["Description"][:6] for x in held} == {"VPC En", "Amazon"}


def test_node_roles_trust_ec2(site):
    role = site.role("odd", trust("lambda.amazonaws.com"))
    assert "trust relationships" in refused(ONE, site.client("eks").create_nodegroup, **site.nodes(nodeRole=role))
