"""What of a live Kubernetes object is compared with a declared one: nothing of the server's, all that somebody set."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.model.kubernetes import APIS, OPERATIONS, api_of, at, comparable, differences, immutable, key_of

DECLARED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "apps", "labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "r.example/web@sha256:" + "a" * 64, "args": ["--x"]}]},
        },
    },
}


def served(declared: dict[str, Any]) -> dict[str, Any]:
    """Return an object as an API server gives it back: defaults, status and its own bookkeeping added."""
    live = copy.deepcopy(declared)
    live["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": "2026-11-23T00:00:00Z",
        "managedFields": [{"manager": "airgap", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}],
    }
    live["spec"]["progressDeadlineSeconds"] = 600
    live["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    live["status"] = {"availableReplicas": 2}
    return live


def owned(live: dict[str, Any], manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the object after another manager set some fields."""
    live["metadata"]["managedFields"].append({"manager": manager, "operation": "Update", "fieldsV1": fields, **more})
    return live


def changed(live: dict[str, Any], declared: dict[str, Any] = DECLARED) -> list[tuple[str, Any, Any]]:
    return list(differences(comparable(live, declared), declared))


def test_defaults_and_status_are_no_difference() -> None:
    assert changed(served(DECLARED)) == []


def test_a_changed_field_is_named_by_its_path() -> None:
    live = served(DECLARED)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil.example/web:latest"
    (path, before, _), *rest = changed(live)
    assert (path, before, rest) == ("spec.template.spec.containers[web].image", "evil.example/web:latest", [])


def test_a_field_that_somebody_added_is_a_difference_though_nobody_declared_it() -> None:
    live = served(DECLARED)
    live["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    key = "k:" + json.dumps({"name": "web"})
    inner = {"f:containers": {key: {"f:securityContext": {".": {}, "f:privileged": {}}}}}
    owned(live, "kubectl-edit", {"f:spec": {"f:template": {"f:spec": inner}}})
    assert changed(live) == [("spec.template.spec.containers[web].securityContext", {"privileged": True}, None)]


def test_a_container_that_somebody_added_is_a_difference() -> None:
    live = served(DECLARED)
    live["spec"]["template"]["spec"]["containers"].append({"name": "extra", "image": "evil.example/x:1"})
    assert [path for path, _, _ in changed(live)] == ["spec.template.spec.containers"]


@pytest.mark.parametrize("manager", ["kube-controller-manager", "kubelet", "kube-scheduler"])
def test_what_the_controllers_write_is_theirs(manager: str) -> None:
    live = served(DECLARED)
    live["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "3"}
    owned(live, manager, {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}})
    assert changed(live) == []


def test_what_a_subresource_wrote_is_no_declaration() -> None:
    live = served(DECLARED)
    live["spec"]["paused"] = True
    assert changed(owned(live, "someone", {"f:spec": {"f:paused": {}}}, subresource="scale")) == []
    assert changed(owned(live, "someone", {"f:spec": {"f:paused": {}}})) == [("spec.paused", True, None)]


def test_a_missing_field_is_a_difference() -> None:
    live = served(DECLARED)
    del live["metadata"]["labels"]
    assert changed(live) == [("metadata.labels", None, {"app": "web"})]


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(json_data)
def test_equal_data_has_no_differences(value: Any) -> None:
    assert list(differences(value, copy.deepcopy(value))) == []


@given(json_data, json_data)
def test_unequal_data_has_some(one: Any, other: Any) -> None:
    none_for_absent = json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)
    found = list(differences(one, other))
    assert bool(found) <= none_for_absent
    if not isinstance(one, dict) or not isinstance(other, dict):
        assert bool(found) == (one != other)


def test_the_table_names_each_list_call_once() -> None:
    assert len(OPERATIONS) == len(APIS)
    assert {"ListDeployments", "ListNetworkPolicies", "ListIngressClasses", "ListIngressClassParams"} <= set(OPERATIONS)
    assert APIS["Deployment"].path("apps", "web") == "/apis/apps/v1/namespaces/apps/deployments/web"
    assert APIS["Namespace"].path("", "apps") == "/api/v1/namespaces/apps"


def test_an_object_of_another_version_is_not_in_the_table() -> None:
    assert api_of(DECLARED) is APIS["Deployment"]
    assert api_of({**DECLARED, "apiVersion": "apps/v1beta1"}) is None
    assert key_of(DECLARED) == "Deployment apps/web"


def test_a_selector_is_replaced_and_an_image_is_not() -> None:
    assert immutable("Deployment", "spec.selector.matchLabels.app")
    assert not immutable("Deployment", "spec.selectors")
    assert not immutable("Deployment", "spec.template.spec.containers[web].image")


@given(json_data, json_data)
def test_a_path_of_a_difference_leads_to_both_sides(one: Any, other: Any) -> None:
    for path, before, after in differences({"a": one}, {"a": other}):
        assert before in [*at({"a": one}, path), None]
        assert after in [*at({"a": other}, path), None]


def test_a_path_through_named_items_leads_to_one() -> None:
    (path, before, _), *_ = differences({"c": [{"name": "x.y", "b": 1}]}, {"c": [{"name": "x.y", "b": 2}]})
    assert list(at({"c": [{"name": "x.y", "b": 1}]}, path)) == [before]
