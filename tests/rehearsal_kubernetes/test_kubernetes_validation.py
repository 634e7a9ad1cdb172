"""Manifests that the API server refuses, and Pod Security."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from rehearsed import DIGEST, Rehearsed, deployment, image

CASES = yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text())
POD = {"containers": [{"name": "one", "image": image("web")}]}
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "Deployment": ("/apis/apps/v1/namespaces/default/deployments", deployment()),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", {"spec": {"podSelector": {}}}),
    "Service": ("/api/v1/namespaces/default/services", {"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}),
    "ConfigMap": ("/api/v1/namespaces/default/configmaps", {"data": {"a": "1"}}),
    "Secret": ("/api/v1/namespaces/default/secrets", {"data": {"a": "YQ=="}}),
    "Role": ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", {"rules": []}),
    "Job": (
        "/apis/batch/v1/namespaces/default/jobs",
        {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
    ),
    "Ingress": (
        "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
        {
            "spec": {
                "rules": [
                    {
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "w", "port": {"number": 80}}},
                                }
                            ]
                        }
                    }
                ]
            }
        },
    ),
}


def manifest(kind: str) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(json.dumps(GOOD[kind][1]))
    item.setdefault("metadata", {})["name"] = "web"
    return item


def change(node: Any, path: str, value: Any) -> None:
    steps: list[Any] = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps[:-1]:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    if value is None:
        node.pop(steps[-1], None)
    else:
        node[steps[-1]] = value


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_the_unchanged_manifests_are_good(cluster: Rehearsed, kind: str) -> None:
    cluster.do("POST", f"{GOOD[kind][0]}?fieldValidation=Strict", manifest(kind))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}-{'-'.join(case['set'])}")
def test_what_is_refused(cluster: Rehearsed, case: dict[str, Any]) -> None:
    item = manifest(case["kind"])
    for path, value in case["set"].items():
        change(item, path, value)
    path = GOOD[case["kind"]][0]
    assert case["words"] in cluster.refused(case["code"], "POST", f"{path}?fieldValidation=Strict", item)
    items = cluster.do("GET", path)["items"]
    assert [one for one in items if one["metadata"]["name"].lower().startswith("web")] == []


def test_an_unknown_field_is_refused_warned_of_or_ignored(cluster: Rehearsed) -> None:
    item = manifest("ConfigMap") | {"dta": {}}
    path = GOOD["ConfigMap"][0]
    cluster.refused(400, "POST", f"{path}?fieldValidation=Strict", item)
    cluster.do("POST", f"{path}?fieldValidation=Warn&dryRun=All", item)
    assert 'unknown field \\"dta\\"' in cluster.warnings
    cluster.do("POST", f"{path}?fieldValidation=Ignore&dryRun=All", item)
    assert cluster.warnings == ""


@pytest.mark.parametrize(
    ("kind", "path", "value", "words"),
    [
        ("Deployment", "spec.selector.matchLabels.app", "x", "spec.selector: Invalid value"),
        ("Secret", "type", "kubernetes.io/tls", "type: Invalid value"),
        ("Service", "spec.clusterIP", "172.20.9.9", "may not change once set"),
        ("Job", "spec.template.spec.containers.0.image", "x", "field is immutable"),
    ],
)
def test_what_cannot_be_changed(cluster: Rehearsed, kind: str, path: str, value: str, words: str) -> None:
    place = GOOD[kind][0]
    item = cluster.do("POST", place, manifest(kind))
    change(item, path, value)
    if kind == "Deployment":
        change(item, "spec.template.metadata.labels.app", value)
    item["metadata"].pop("resourceVersion")
    assert words in cluster.refused(422, "PUT", f"{place}/web", item)


def space(cluster: Rehearsed, **labels: str) -> None:
    given = {f"pod-security.kubernetes.io/{mode}": level for mode, level in labels.items()}
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "shop", "labels": given}})


TIGHT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(security: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "one", "image": image("web"), **({"securityContext": security} if security else {})}
    return {"metadata": {"name": "one"}, "spec": {"containers": [container], **spec}}


def test_restricted_names_everything_that_is_wrong(cluster: Rehearsed) -> None:
    space(cluster, enforce="restricted")
    message = cluster.refused(403, "POST", "/api/v1/namespaces/shop/pods", pod({"privileged": True}))
    assert message == (
        'pods "one" is forbidden: violates PodSecurity "restricted:latest": privileged (container "one" must not set'
        ' securityContext.privileged=true), allowPrivilegeEscalation != false (container "one" must set'
        ' securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "one" must set'
        ' securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "one" must set'
        ' securityContext.runAsNonRoot=true), seccompProfile (pod or container "one" must set'
        ' securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )
    cluster.do("POST", "/api/v1/namespaces/shop/pods", pod(TIGHT))


@pytest.mark.parametrize(
    ("security", "spec", "words"),
    [
        ({}, {"hostNetwork": True}, "host namespaces (hostNetwork=true)"),
        ({}, {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
        ({"capabilities": {"add": ["NET_ADMIN"]}}, {}, 'must not include "NET_ADMIN"'),
        ({"privileged": True}, {}, "privileged (container"),
    ],
)
def test_baseline(cluster: Rehearsed, security: dict[str, Any], spec: dict[str, Any], words: str) -> None:
    space(cluster, enforce="baseline")
    assert words in cluster.refused(403, "POST", "/api/v1/namespaces/shop/pods", pod(security, **spec))
    cluster.do("POST", "/api/v1/namespaces/shop/pods", pod())


def test_a_deployment_is_let_in_and_its_pods_are_not(cluster: Rehearsed) -> None:
    space(cluster, enforce="restricted", warn="restricted")
    cluster.images.held[image("web")] = DIGEST
    path = "/apis/apps/v1/namespaces/shop/deployments"
    cluster.do("POST", path, deployment(namespace="shop"))
    assert 'would violate PodSecurity \\"restricted:latest\\"' in cluster.warnings
    status = cluster.do("GET", f"{path}/web")["status"]
    (failed,) = (one for one in status["conditions"] if one["type"] == "ReplicaFailure")
    assert (failed["reason"], "violates PodSecurity" in failed["message"]) == ("FailedCreate", True)
    assert cluster.pods("shop") == []


def test_a_pod_needs_its_service_account(cluster: Rehearsed) -> None:
    message = cluster.refused(403, "POST", "/api/v1/namespaces/default/pods", pod(serviceAccountName="ghost"))
    assert message.endswith('error looking up service account default/ghost: serviceaccount "ghost" not found')
