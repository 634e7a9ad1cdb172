"""Step identity against the embedded AWS: brought, settled, drifted, destroyed, brought again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from embedded import AWS, DEMO

from airgap.model.plan import Desired
from airgap.resources.identity import IDENTITY

KEYS = (Path(__file__).parent / "cases" / "identity_keys.txt").read_text().split()
OPEN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def declared(**changes: Any) -> dict[str, Desired]:
    """What the step declares for the demo environment with some of its fields changed."""
    intent = dataclasses.replace(DEMO, **changes)
    return {one.key: one for declare in IDENTITY for one in declare.declare(intent, None)}


def test_the_demo_environment_has_these_identities() -> None:
    assert list(declared()) == KEYS


def test_names_that_outsiders_rely_on() -> None:
    wanted = declared()
    names = {key: wanted[f"role:{key}"].fields["name"] for key in ("developer", "cicd", "node")}
    assert names == {"developer": "fintech-developer", "cicd": "cicd-deploy-role", "node": "fintech-node"}
    assert wanted["kms-alias:data"].fields["name"] == "alias/fintech-data"


def test_every_name_and_arn_comes_from_the_params() -> None:
    gov = {"partition": "aws-us-gov", "region": "us-gov-west-1", "account": "098765432109", "prefix": "bank"}
    text = json.dumps([one.as_data() for one in declared(environment="prod", **gov).values()])
    for foreign in ("arn:aws:", "us-east-1", "123456789012"):
        assert foreign not in text
    # What is named fintech now is a parameter of its own: cluster, database, table, secret.
    assert "fintech-" not in text.replace("fintech-prod", "").replace("fintech-postgres", "").replace(
        "fintech-sessions", ""
    )


def test_irsa_leaves_the_roles_of_workloads_to_the_cluster() -> None:
    irsa = dataclasses.replace(DEMO.cluster, workload_identity="irsa")
    left = set(declared()) - set(declared(cluster=irsa))
    assert left == {key for key in KEYS if "workload-" in key}


def test_only_chosen_components_have_roles() -> None:
    few = set(declared(components=("control-plane", "node-bootstrap")))
    roles = {key for key in few if key.startswith("role:")}
    assert roles == {f"role:{name}" for name in ("developer", "runner", "cicd", "cluster", "node", "flow-logs")}


def test_a_permissions_boundary_is_on_every_role() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    bound = declared(identity=dataclasses.replace(DEMO.identity, permissions_boundary=boundary))
    roles = [one for key, one in bound.items() if key.startswith("role:")]
    assert roles
    assert {one.fields["boundary"] for one in roles} == {boundary}


def test_bring_settle_destroy_and_bring_again(aws: AWS) -> None:
    aws.settled(*IDENTITY)
    aws.destroy(*IDENTITY)
    left = aws.plan(*IDENTITY)
    assert {change.op for change in left.plan.changes} == {"create"}
    assert {key for key in KEYS if key not in left.changes} - {"ebs-default:account"} == {
        f"service-linked-role:{name}"
        for name in ("autoscaling", "eks", "eks-nodegroup", "elasticache", "elasticloadbalancing", "rds")
    }
    states = {aws.client("kms").describe_key(KeyId=one["KeyId"])["KeyMetadata"]["KeyState"] for one in _keys(aws)}
    assert states == {"PendingDeletion"}
    aws.settled(*IDENTITY)
    assert len(_keys(aws)) == 8


def _keys(aws: AWS) -> list[dict[str, Any]]:
    """The customer keys; the emulator makes AWS's own when somebody lists aliases."""
    kms = aws.client("kms")
    aliases = kms.list_aliases()["Aliases"]
    own = {one.get("TargetKeyId") for one in aliases if one["AliasName"].startswith("alias/aws/")}
    return [one for one in kms.list_keys()["Keys"] if one["KeyId"] not in own]


def test_each_change_behind_our_back_is_that_field_alone(aws: AWS) -> None:
    aws.settled(*IDENTITY)
    iam, kms = aws.client("iam"), aws.client("kms")
    key = {one["AliasName"]: one.get("TargetKeyId") for one in kms.list_aliases()["Aliases"]}
    anyone = {**OPEN, "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
    iam.update_assume_role_policy(RoleName="cicd-deploy-role", PolicyDocument=json.dumps(anyone))
    iam.put_role_policy(RoleName="fintech-node", PolicyName="node-rights", PolicyDocument=json.dumps(OPEN))
    iam.put_role_policy(RoleName="fintech-developer", PolicyName="backdoor", PolicyDocument=json.dumps(OPEN))
    iam.put_role_policy(RoleName="fintech-cluster", PolicyName="backdoor", PolicyDocument=json.dumps(OPEN))
    iam.attach_role_policy(RoleName="fintech-runner", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.detach_role_policy(RoleName="fintech-cluster", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    kms.disable_key(KeyId=key["alias/fintech-evidence"])
    kms.disable_key_rotation(KeyId=key["alias/fintech-logs"])
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": "*"}}
    kms.put_key_policy(
        KeyId=key["alias/fintech-data"], PolicyName="default", Policy=json.dumps({**OPEN, "Statement": [statement]})
    )
    kms.update_alias(AliasName="alias/fintech-logs", TargetKeyId=key["alias/fintech-data"])
    changes = {(one, name): op[0] for one, fields in aws.plan(*IDENTITY).changes.items() for name, op in fields.items()}
    assert changes == {
        ("role:cicd", "trust"): "update",
        ("role-policy:node-rights", "document"): "update",
        ("role-policy:undeclared fintech-cluster|backdoor", ""): "delete",
        ("role-policy:undeclared fintech-developer|backdoor", ""): "delete",
        ("role-attachment:undeclared fintech-runner|arn:aws:iam::aws:policy/AdministratorAccess", ""): "delete",
        ("role-attachment:cluster-AmazonEKSClusterPolicy", "policy"): "create",
        ("role-attachment:cluster-AmazonEKSClusterPolicy", "role"): "create",
        ("kms-key:evidence", "enabled"): "update",
        ("kms-key:logs", "rotation"): "update",
        ("kms-key:data", "policy"): "update",
        ("kms-alias:logs", "target"): "update",
    }
    aws.settled(*IDENTITY)


def test_a_role_of_that_name_that_is_not_ours_is_never_touched(aws: AWS) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    document = json.dumps({**OPEN, "Statement": [trust]})
    aws.client("iam").create_role(RoleName="fintech-developer", AssumeRolePolicyDocument=document)
    planned = aws.plan(*IDENTITY)
    assert "role:developer" not in planned.changes
    assert [key for key, _ in planned.plan.unknowns] == ["role:developer"]


def test_a_prefix_that_changes_renames_by_replacing_what_was_ours(aws: AWS) -> None:
    aws.apply(*IDENTITY)
    aws.change(prefix="bank")
    aws.settled(*IDENTITY)
    names = {role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]}
    assert "bank-developer" in names
    assert not {name for name in names if name.startswith("fintech-")}


def test_an_instance_profile_without_its_role_is_mended(aws: AWS) -> None:
    aws.apply(*IDENTITY)
    iam = aws.client("iam")
    iam.remove_role_from_instance_profile(InstanceProfileName="fintech-runner", RoleName="fintech-runner")
    assert list(aws.plan(*IDENTITY).changes) == ["instance-profile:runner"]
    aws.settled(*IDENTITY)
    roles = iam.get_instance_profile(InstanceProfileName="fintech-runner")["InstanceProfile"]["Roles"]
    assert [role["RoleName"] for role in roles] == ["fintech-runner"]


def test_an_adopted_role_is_verified_and_never_changed(aws: AWS) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    document = json.dumps({**OPEN, "Statement": [trust]})
    iam = aws.client("iam")
    iam.create_role(RoleName="landing-zone-node", AssumeRolePolicyDocument=document)
    iam.put_role_policy(RoleName="landing-zone-node", PolicyName="theirs", PolicyDocument=json.dumps(OPEN))
    aws.change(adopt={"role:node": "landing-zone-node"})
    planned = aws.apply(*IDENTITY)
    assert {one.resource for one in planned.plan.differing if one.resource.startswith("role")} == {
        "role:node",
        "role-policy:node-rights",
        "role-attachment:node-AmazonEC2ContainerRegistryPullOnly",
        "role-attachment:node-AmazonEKSWorkerNodePolicy",
    }
    aws.destroy(*IDENTITY)
    assert iam.list_role_policies(RoleName="landing-zone-node")["PolicyNames"] == ["theirs"]
