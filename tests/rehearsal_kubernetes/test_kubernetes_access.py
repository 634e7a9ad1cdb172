"""Who may do what: tokens of EKS, access entries and policies, roles and bindings."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rehearsed import FACTS, Rehearsed, entry, role, token, who

from airgap.rehearsal.kubernetes.tokens import checked

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SECRETS, PODS = "/api/v1/namespaces/web/secrets", "/api/v1/namespaces/web/pods"


def test_a_token_proves_its_signer_to_its_own_cluster() -> None:
    assert checked(who)(token("admin"), "demo") == "arn:aws:sts::123456789012:assumed-role/admin/alice"


def altered(text: str) -> str:
    url = base64.urlsafe_b64decode(text.removeprefix("k8s-aws-v1.") + "==").decode()
    changed = url.replace("Action=GetCallerIdentity", "Action=GetSessionToken")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(changed.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "k8s-aws-v1.",
        "k8s-aws-v1.!!!",
        token()[:-9],
        token().replace("k8s-aws-v1.", "k8s-aws-v2."),
        altered(token()),
        token(cluster="other"),
        token(secret="another-word"),
    ],
)
def test_a_token_that_proves_nothing(cluster: Rehearsed, bad: str) -> None:
    assert checked(who)(bad, "demo") is None
    code, status = cluster.ask("GET", PODS, Authorization=f"Bearer {bad}")
    assert (code, status["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize(("minutes", "good"), [(0, True), (14, True), (15, False), (60, False), (-30, False)])
def test_a_token_lives_for_a_quarter_of_an_hour(minutes: int, good: bool) -> None:
    clock = datetime.now(UTC) + timedelta(minutes=minutes)
    assert (checked(who, lambda: clock)(token(), "demo") is not None) is good


def test_without_a_token_only_health_is_told(cluster: Rehearsed) -> None:
    assert cluster.ask("GET", "/readyz", Authorization="") == (200, "ok")
    for path in (PODS, "/version", "/api"):
        assert cluster.ask("GET", path, Authorization="")[0] == 401


def test_a_signer_without_an_entry_is_nobody(cluster: Rehearsed) -> None:
    cluster.refused(401, "GET", PODS, name="stranger")
    cluster.change(access=(*FACTS.access, entry("stranger", AmazonEKSViewPolicy=())))
    assert cluster.refused(401, "GET", PODS, name="another")
    cluster.do("GET", PODS, name="stranger")


def test_a_refusal_names_caller_verb_resource_and_namespace(cluster: Rehearsed) -> None:
    user = "arn:aws:sts::123456789012:assumed-role/nobody/alice"
    message = cluster.refused(403, "GET", SECRETS, name="nobody")
    assert message == (
        f'secrets is forbidden: User "{user}" cannot list resource "secrets" in API group "" in the namespace "web"'
    )
    message = cluster.refused(403, "DELETE", f"{RBAC}/clusterroles/view", name="nobody")
    assert message == (
        f'clusterroles.rbac.authorization.k8s.io "view" is forbidden: User "{user}" cannot delete resource'
        ' "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope'
    )
    message = cluster.refused(403, "GET", "/metrics", name="nobody")
    assert message == f'forbidden: User "{user}" cannot get path "/metrics"'


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("AmazonEKSClusterAdminPolicy", {"pods", "secrets", "write", "nodes", "roles"}),
        ("AmazonEKSAdminPolicy", {"pods", "secrets", "write", "roles"}),
        ("AmazonEKSEditPolicy", {"pods", "secrets", "write"}),
        ("AmazonEKSViewPolicy", {"pods"}),
        ("AmazonEKSAdminViewPolicy", {"pods", "secrets", "nodes", "roles"}),
    ],
)
def test_access_policies(cluster: Rehearsed, policy: str, allowed: set[str]) -> None:
    cluster.change(access=(entry("someone", **{policy: ()}),))
    secret = {"metadata": {"name": "s"}}
    asked: dict[str, tuple[Any, ...]] = {
        "pods": ("GET", "/api/v1/namespaces/default/pods"),
        "secrets": ("GET", "/api/v1/namespaces/default/secrets"),
        "write": ("POST", "/api/v1/namespaces/default/secrets", secret),
        "nodes": ("GET", "/api/v1/nodes"),
        "roles": ("GET", f"{RBAC}/namespaces/default/roles"),
    }
    assert {name for name, words in asked.items() if cluster.ask(*words, name="someone")[0] < 300} == allowed


def test_a_policy_for_a_namespace_ends_there(cluster: Rehearsed) -> None:
    cluster.do("GET", PODS, name="viewer")
    cluster.refused(403, "GET", "/api/v1/namespaces/default/pods", name="viewer")
    cluster.refused(403, "GET", "/api/v1/pods", name="viewer")


def test_no_group_of_an_entry_makes_a_master(cluster: Rehearsed) -> None:
    cluster.change(access=(entry("someone", "system:masters"),))
    cluster.refused(403, "GET", SECRETS, name="someone")


def bind(cluster: Rehearsed, rules: list[Any], namespace: str = "") -> None:
    place = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
    prefix = "" if namespace else "Cluster"
    plural = ("roles", "rolebindings") if namespace else ("clusterroles", "clusterrolebindings")
    cluster.do("POST", f"{place}/{plural[0]}", {"metadata": {"name": "some"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{prefix}Role", "name": "some"}
    subjects = [{"kind": "Group", "name": "deployers", "apiGroup": "rbac.authorization.k8s.io"}]
    binding = {"metadata": {"name": "some"}, "roleRef": reference, "subjects": subjects}
    cluster.do("POST", f"{place}/{plural[1]}", binding)


def rule(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [group], **more}


def test_bindings_of_groups(cluster: Rehearsed) -> None:
    bind(cluster, [rule("get list", "pods pods/log"), rule("get", "secrets", resourceNames=["one"])], "default")
    cluster.do("GET", "/api/v1/namespaces/default/pods", name="deployer")
    for path in ("/api/v1/namespaces/kube-system/pods", "/api/v1/namespaces/default/secrets/two"):
        cluster.refused(403, "GET", path, name="deployer")
    assert cluster.refused(404, "GET", "/api/v1/namespaces/default/secrets/one", name="deployer")
    cluster.refused(403, "DELETE", "/api/v1/namespaces/default/pods/x", name="deployer")


def test_nobody_gives_more_than_they_have(cluster: Rehearsed) -> None:
    bind(cluster, [rule("create get", "roles rolebindings", "rbac.authorization.k8s.io"), rule("get", "pods")])
    roles = f"{RBAC}/namespaces/default/roles"
    small = {"metadata": {"name": "small"}, "rules": [rule("get", "pods")]}
    cluster.do("POST", roles, small, name="deployer")
    large = {"metadata": {"name": "large"}, "rules": [rule("get", "pods secrets")]}
    message = cluster.refused(403, "POST", roles, large, name="deployer")
    assert "is attempting to grant RBAC permissions not currently held:\n" in message
    assert message.endswith('{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}')
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "up"}, "roleRef": reference, "subjects": [{"kind": "User", "name": "me"}]}
    message = cluster.refused(403, "POST", f"{RBAC}/namespaces/default/rolebindings", binding, name="deployer")
    assert 'Resources:["*"], Verbs:["*"]' in message


def test_an_apply_that_creates_needs_the_right_to_create(cluster: Rehearsed) -> None:
    bind(cluster, [rule("get patch", "configmaps")])
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    path, apply = "/api/v1/namespaces/default/configmaps/c?fieldManager=me", "application/apply-patch+yaml"
    assert "cannot create resource" in cluster.refused(403, "PATCH", path, item, name="deployer", content=apply)


def test_aggregated_roles_gather_rules_by_label(cluster: Rehearsed) -> None:
    cluster.change(access=(entry("admin", AmazonEKSClusterAdminPolicy=()), entry("someone", AmazonEKSViewPolicy=())))
    cluster.refused(403, "GET", "/api/v1/nodes", name="someone")
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    extra = {"metadata": {"name": "see-nodes", "labels": labels}, "rules": [rule("get list", "nodes")]}
    cluster.do("POST", f"{RBAC}/clusterroles", extra)
    cluster.do("GET", "/api/v1/nodes", name="someone")


def review(cluster: Rehearsed, name: str, **attributes: str) -> bool:
    spec = {"resourceAttributes": attributes}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    found = cluster.do("POST", path, {"kind": "SelfSubjectAccessReview", "spec": spec}, name=name)
    return bool(found["status"]["allowed"])


def test_reviews(cluster: Rehearsed) -> None:
    assert review(cluster, "admin", verb="delete", resource="nodes")
    assert review(cluster, "viewer", verb="get", resource="pods", namespace="web")
    assert not review(cluster, "viewer", verb="get", resource="secrets", namespace="web")
    body = {"kind": "SelfSubjectRulesReview", "spec": {"namespace": "web"}}
    found = cluster.do("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body, name="viewer")
    listed = {resource for rule in found["status"]["resourceRules"] for resource in rule["resources"]}
    assert ("pods" in listed, "secrets" in listed) == (True, False)
    mine = {"kind": "SelfSubjectReview"}
    told = cluster.do("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", mine, name="viewer")
    assert told["status"]["userInfo"]["username"] == "arn:aws:sts::123456789012:assumed-role/viewer/alice"


@pytest.mark.parametrize(
    ("username", "shown"),
    [("", "arn:aws:sts::123456789012:assumed-role/named/alice"), ("team:{{SessionName}}", "team:alice"), ("ci", "ci")],
)
def test_names_of_entries(cluster: Rehearsed, username: str, shown: str) -> None:
    one = replace(entry("named"), username=username, principal_arn=role("path/to/named"))
    cluster.change(access=(one,))
    assert f'User "{shown}"' in cluster.refused(403, "GET", PODS, name="named")


def test_acting_as_somebody_else_needs_a_right(cluster: Rehearsed) -> None:
    path = "/api/v1/namespaces/default/secrets"
    message = cluster.refused(403, "GET", path, name="nobody", Impersonate_User="ci")
    assert message.startswith(
        'users "ci" is forbidden: User "arn:aws:sts::123456789012:assumed-role/nobody/alice" cannot'
    )
    assert 'User "ci" cannot list resource "secrets"' in cluster.refused(403, "GET", path, Impersonate_User="ci")
    bind(cluster, [rule("list", "secrets")])
    cluster.do("GET", path, Impersonate_User="ci", Impersonate_Group="deployers")
