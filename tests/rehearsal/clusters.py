"""A network, roles and a cluster in an embedded AWS, as the step ``cluster`` leaves them, for tests."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from emulated import Account

QUICK = {
    f"eks:{operation}": 0.0
    for operation in (
        *("AssociateEncryptionConfig", "AssociateIdentityProviderConfig", "CreateAddon", "CreateCluster"),
        *("CreateNodegroup", "DeleteAddon", "DeleteCluster", "DeleteNodegroup", "DisassociateIdentityProviderConfig"),
        *("UpdateAddon", "UpdateClusterConfig", "UpdateClusterVersion", "UpdateNodegroupConfig"),
        "UpdateNodegroupVersion",
    )
} | {"ec2:CreateVpcEndpoint": 0.0, "ssm:UpdateInstanceInformation": 0.0}
NAME = "fintech-prod"
LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
SIZES = {"minSize": 2, "maxSize": 10, "desiredSize": 3}


def trust(service: str, *actions: str, **conditions: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions) or ["sts:AssumeRole"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **conditions}]})


@dataclass
class Site:
    """An account with a VPC of two private subnets, their endpoints and groups, and the roles of a cluster."""

    account: Account
    vpc: str = ""
    subnets: list[str] = field(default_factory=list)
    endpoint_group: str = ""
    roles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account.control("POST", "/latency", QUICK)
        self.vpc = self.account.vpc()
        zones = ("us-east-1a", "us-east-1b")
        self.subnets = [self.account.subnet(self.vpc, 10 + number, zone) for number, zone in enumerate(zones)]
        self.role("cluster", trust("eks.amazonaws.com"), "AmazonEKSClusterPolicy")
        nodes = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
        self.role("node", trust("ec2.amazonaws.com"), *nodes)
        pods = trust("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession")
        self.role("cni", pods, "AmazonEKS_CNI_Policy")

    def client(self, service: str, **options: Any) -> Any:
        return self.account.client(service, **options)

    def slow(self, *operations: str) -> None:
        """Let operations of EKS take a minute."""
        self.account.control("POST", "/latency", {f"eks:{operation}": 60 for operation in operations})

    def skip(self) -> None:
        """Let a minute pass."""
        self.account.control("POST", "/skip", {"seconds": 60})

    def role(self, name: str, document: str, *policies: str) -> str:
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        for policy in policies:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        self.roles[name] = arn
        return arn

    def cluster(self, **changes: Any) -> dict[str, Any]:
        """Create the reference cluster with changes, and return it as it is described."""
        self.client("eks").create_cluster(**self.asked(**changes))
        return self.described()

    def asked(self, **changes: Any) -> dict[str, Any]:
        network = {
            "subnetIds": self.subnets,
            "endpointPublicAccess": False,
            "endpointPrivateAccess": True,
            "controlPlaneEgressMode": "CUSTOMER_ROUTED",
        }
        return {
            "name": NAME,
            "version": "1.35",
            "roleArn": self.roles["cluster"],
            "resourcesVpcConfig": network,
            "accessConfig": {"bootstrapClusterCreatorAdminPermissions": False, "authenticationMode": "API"},
            "bootstrapSelfManagedAddons": False,
            "logging": {"clusterLogging": [{"types": LOGS, "enabled": True}]},
            **changes,
        }

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client("eks").describe_cluster(name=NAME)["cluster"]
        return found

    def addons(self, *names: str) -> None:
        """Install add-ons; the network add-on takes its role by Pod Identity."""
        for name in names or ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
            cni = [{"serviceAccount": "aws-node", "roleArn": self.roles["cni"]}] if name == "vpc-cni" else []
            given = {"podIdentityAssociations": cni} if cni else {}
            self.client("eks").create_addon(clusterName=NAME, addonName=name, **given)

    def endpoints(self, *names: str) -> None:
        """Make endpoints that admit the VPC, and the gateway for S3."""
        ec2 = self.client("ec2")
        group = ec2.create_security_group(GroupName="endpoints", Description="endpoints", VpcId=self.vpc)["GroupId"]
        ranges = [{"CidrIp": "10.0.0.0/16"}]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        self.endpoint_group = group
        for name in names or ("ec2", "ecr.api", "ecr.dkr"):
            self.endpoint(name)
        tables = [x["RouteTableId"] for x in ec2.describe_route_tables()["RouteTables"]]
        ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=tables)

    def endpoint(self, name: str) -> str:
        made = self.client("ec2").create_vpc_endpoint(
            VpcId=self.vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.us-east-1.{name}",
            SubnetIds=self.subnets,
            SecurityGroupIds=[self.endpoint_group],
            PrivateDnsEnabled=True,
        )
        identifier: str = made["VpcEndpoint"]["VpcEndpointId"]
        return identifier

    def template(self, **changes: Any) -> dict[str, str]:
        """Make the node template of the reference, and return how a node group names its first version."""
        disk = {"Encrypted": True, "VolumeSize": 50, "VolumeType": "gp3", "DeleteOnTermination": True}
        data = {
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": disk}],
            "SecurityGroupIds": [self.described()["resourcesVpcConfig"]["clusterSecurityGroupId"]],
            "TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "owner", "Value": "us"}]}],
            **changes,
        }
        made = self.client("ec2").create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData=data)
        return {"id": made["LaunchTemplate"]["LaunchTemplateId"], "version": "1"}

    def nodes(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of the reference node group with changes."""
        return {
            "clusterName": NAME,
            "nodegroupName": "main",
            "subnets": self.subnets,
            "nodeRole": self.roles["node"],
            "instanceTypes": ["m6i.xlarge", "m6i.2xlarge"],
            "scalingConfig": SIZES,
            **changes,
        }

    def nodegroup(self, **changes: Any) -> dict[str, Any]:
        """Create the reference node group with changes, and return it as it is described."""
        self.client("eks").create_nodegroup(**self.nodes(**changes))
        return self.group(changes.get("nodegroupName", "main"))

    def group(self, name: str = "main") -> dict[str, Any]:
        found: dict[str, Any] = self.client("eks").describe_nodegroup(clusterName=NAME, nodegroupName=name)["nodegroup"]
        return found

    def instances(self) -> list[dict[str, Any]]:
        """Return the running instances."""
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        found = self.client("ec2").describe_instances(Filters=running)["Reservations"]
        return [one for reservation in found for one in reservation["Instances"]]


def decoded(data: str) -> str:
    return base64.b64decode(data).decode()
