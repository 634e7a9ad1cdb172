"""Step cluster on the embedded AWS: brought, settled, drifted, destroyed, brought again."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from embedded import AWS, DEMO, kinds_of
from test_network import moved

from airgap.resources.cluster import CLUSTER
from airgap.resources.endpoints import ENDPOINTS
from airgap.resources.identity import IDENTITY
from airgap.resources.network import NETWORK

BEFORE = (*IDENTITY, *NETWORK, *ENDPOINTS)
ALL = (*BEFORE, *CLUSTER)
GOLDEN = Path(__file__).parent / "cases" / "cluster_keys.txt"
NAME = DEMO.cluster.name

pytestmark = pytest.mark.timeout(300)


def test_the_cluster_comes_stays_and_goes(aws: AWS) -> None:
    for _ in range(2):
        aws.settled(*ALL)
        aws.destroy(*ALL)
        left = aws.plan(*ALL).found
        stays = {name for name, kind in kinds_of(ALL).items() if kind.account_wide}
        assert {key.split(":")[0] for key in left.lives} <= stays
        assert left.orphans == []
        assert aws.client("ec2").describe_vpcs()["Vpcs"] == []
        assert aws.client("logs").describe_log_groups()["logGroups"] == []


def test_the_api_is_private_and_closed_from_the_first_call_on(aws: AWS) -> None:
    aws.apply(*ALL)
    calls = aws.memory.calls("write")
    assert "eks:UpdateClusterConfig" not in calls
    assert calls.index("logs:CreateLogGroup") < calls.index("eks:CreateCluster") < calls.index("eks:CreateNodegroup")
    made = aws.client("eks").describe_cluster(name=NAME)["cluster"]
    network = made["resourcesVpcConfig"]
    assert (network["endpointPublicAccess"], network["endpointPrivateAccess"]) == (False, True)
    assert network["controlPlaneEgressMode"] == "CUSTOMER_ROUTED"
    rules = aws.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [network["clusterSecurityGroupId"]]}]
    )["SecurityGroupRules"]
    assert {one["ReferencedGroupInfo"]["GroupId"] for one in rules} == {network["clusterSecurityGroupId"]}
    principals = aws.client("eks").list_access_entries(clusterName=NAME)["accessEntries"]
    assert len([one for one in principals if "aws-service-role" not in one]) == 6


def test_what_is_changed_behind_the_back_is_shown_field_by_field(aws: AWS) -> None:
    aws.settled(*ALL)
    eks, ec2, lives = aws.client("eks"), aws.client("ec2"), aws.plan(*ALL).found.lives
    eks.update_nodegroup_config(
        clusterName=NAME, nodegroupName="general", scalingConfig={"maxSize": 20, "desiredSize": 5}
    )
    eks.create_access_entry(clusterName=NAME, principalArn=DEMO.arn("iam", "role/fintech-runner", region=""))
    eks.associate_access_policy(
        clusterName=NAME,
        principalArn=DEMO.arn("iam", "role/platform-auditor", region=""),
        policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        accessScope={"type": "cluster"},
    )
    ec2.modify_instance_metadata_options(InstanceId=lives["instance:operations-host"].id, HttpTokens="optional")
    group = lives["cluster-security-group:main"].id
    anywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=anywhere)
    seen = aws.plan(*ALL).changes
    assert seen.pop("node-group:general") == {"max_size": ("update", 20, 10)}
    assert seen.pop("instance:operations-host") == {"metadata_tokens": ("update", "optional", "required")}
    assert {op for fields in seen.values() for op, _, _ in fields.values()} == {"delete"}
    assert sorted(key.partition(" ")[0] for key in seen) == [
        "access-entry:undeclared",
        "access-policy:undeclared",
        "security-group-rule:undeclared",
    ]
    aws.settled(*ALL)
    assert (
        eks.describe_nodegroup(clusterName=NAME, nodegroupName="general")["nodegroup"]["scalingConfig"]["desiredSize"]
        == 5
    )


def test_changes_say_how_they_come_about(aws: AWS) -> None:
    aws.settled(*ALL)
    group = dataclasses.replace(DEMO.cluster.node_groups[0], volume_gib=200, instance_types=("m6i.4xlarge",))
    changed = dataclasses.replace(
        DEMO.cluster,
        version="1.37",
        node_groups=(group,),
        control_plane_egress="aws-managed",
        service_cidr="172.21.0.0/16",
    )
    aws.change(cluster=changed)
    plan = aws.plan(*ALL).plan
    risks = {(one.resource.split(":")[0], one.field): (one.op, one.risk) for one in plan.changes}
    assert risks["eks-cluster", "version"] == ("update", "one-way")
    assert risks["eks-cluster", "egress"] == ("update", "impossible")
    assert risks["eks-cluster", "service_cidr"] == ("update", "impossible")
    assert risks["node-group", "version"] == ("update", "rolls")
    assert risks["node-group", "volume_gib"] == ("update", "rolls")
    assert risks["node-group", "instance_types"] == ("replace", "replaces")
    assert risks["eks-addon", "version"] == ("update", "rolls")
    assert {one.field for one in plan.impossible} == {"egress", "service_cidr"}


def test_nodes_roll_with_their_template_and_the_cluster_goes_up(aws: AWS) -> None:
    aws.settled(*ALL)
    group = dataclasses.replace(DEMO.cluster.node_groups[0], volume_gib=200)
    aws.change(cluster=dataclasses.replace(DEMO.cluster, version="1.37", node_groups=(group,)))
    aws.settled(*ALL)
    eks = aws.client("eks")
    assert eks.describe_cluster(name=NAME)["cluster"]["version"] == "1.37"
    nodes = eks.describe_nodegroup(clusterName=NAME, nodegroupName="general")["nodegroup"]
    assert (nodes["version"], nodes["launchTemplate"]["version"]) == ("1.37", "2")


def test_a_version_out_of_support_is_refused_with_the_choices(aws: AWS) -> None:
    aws.change(cluster=dataclasses.replace(DEMO.cluster, version="1.31"))
    impossible = {one.resource: one.why for one in aws.plan(*CLUSTER).plan.impossible}
    assert impossible["eks-cluster:main"].startswith("Kubernetes 1.31 is in ")
    assert "1.36" in impossible["eks-cluster:main"].partition("in standard support: ")[2]


def test_an_addon_version_that_does_not_fit_is_refused_with_the_choices(aws: AWS) -> None:
    aws.change(cluster=dataclasses.replace(DEMO.cluster, addon_versions={"coredns": "v1.2.3"}))
    (refused,) = aws.plan(*CLUSTER).plan.impossible
    assert (refused.resource, refused.field) == ("eks-addon:coredns", "version")
    assert refused.why.startswith("Kubernetes 1.36 supports v1.")


def test_irsa_brings_the_issuer_and_roles_that_trust_it(aws: AWS) -> None:
    components = tuple(one for one in DEMO.components if one != "pod-identity-agent")
    aws.change(components=(*components, "irsa"), cluster=dataclasses.replace(DEMO.cluster, workload_identity="irsa"))
    aws.settled(*ALL)
    issuer = aws.client("eks").describe_cluster(name=NAME)["cluster"]["identity"]["oidc"]["issuer"]
    host = issuer.removeprefix("https://")
    trust = aws.client("iam").get_role(RoleName="fintech-external-secrets")["Role"]["AssumeRolePolicyDocument"]
    claims = trust["Statement"][0]["Condition"]["StringEquals"]
    assert claims == {
        f"{host}:aud": "sts.amazonaws.com",
        f"{host}:sub": "system:serviceaccount:external-secrets:external-secrets",
    }
    aws.destroy(*ALL)
    assert aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_what_the_reference_environment_declares(aws: AWS) -> None:
    wanted = [one.key for one in aws.desired(*CLUSTER)]
    assert sorted(wanted) == GOLDEN.read_text().split()
    assert [key for key, times in Counter(wanted).items() if times > 1] == []
    assert [one.key for one in aws.desired(*CLUSTER) if not one.why] == []


def test_no_declared_field_is_of_another_place(aws: AWS) -> None:
    there = dataclasses.replace(
        moved(DEMO, "aws-cn", "cn-north-1"), account="111122223333", prefix="acme", environment="prod"
    )
    there = dataclasses.replace(there, cluster=dataclasses.replace(there.cluster, name="acme-prod"))
    facts = aws.estate(*(call for one in CLUSTER for call in one.reads))
    text = json.dumps([one.as_data() for each in CLUSTER for one in each(there, facts)])
    for word in ("us-east-1", "123456789012", "arn:aws:", "fintech", "demo"):
        assert word not in text, word
