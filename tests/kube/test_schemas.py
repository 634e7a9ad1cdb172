"""A manifest that the API server would refuse is refused before anything is applied, with its object and its place."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from airgap.errors import ParamsError
from airgap.kube.schemas import refusals
from airgap.model.intent import Intent, decode
from airgap.model.plan import CREATE, Change, Desired, Plan
from airgap.run.validating import refuse_invalid

DEMO: Intent = decode(yaml.safe_load((Path(__file__).parents[2] / "params" / "demo.yaml").read_text()))
VERSION = DEMO.cluster.version
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "namespace": "n"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "boxes.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"kind": "Box", "plural": "boxes"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "properties": {
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer", "minimum": 1},
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "note": {"type": "string", "nullable": True},
                                    "bare": {"type": "object"},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "sides": {
                                        "type": "array",
                                        "items": {"type": "object", "properties": {"a": {"type": "string"}}},
                                    },
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}
BOX: dict[str, Any] = {
    "apiVersion": "example.com/v1",
    "kind": "Box",
    "metadata": {"name": "b"},
    "spec": {
        "size": 1,
        "port": "http",
        "note": None,
        "free": {"any": [1]},
        "labels": {"a": "b"},
        "sides": [{"a": "x"}],
    },
}


def spoilt(manifest: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A manifest with one member set."""
    made = copy.deepcopy(manifest)
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place: Any = made
    for part in way:
        place = place[part]
    place[last] = value
    return made


@pytest.mark.parametrize("manifest", [DEPLOYMENT, DEFINITION, BOX], ids=lambda one: one["kind"])
def test_what_the_version_knows_passes(manifest: dict[str, Any]) -> None:
    assert list(refusals([manifest], VERSION, [DEFINITION])) == []


@pytest.mark.parametrize(
    ("manifest", "path", "value", "says"),
    [
        (DEPLOYMENT, "spec/replicas", "two", "Deployment app: spec.replicas: 'two' is not of type"),
        (DEPLOYMENT, "spec/replica", 2, "Deployment app: spec: Additional properties are not allowed ('replica'"),
        (DEPLOYMENT, "spec/template/spec/containers/0/name", None, "spec.template.spec.containers.0.name"),
        (DEPLOYMENT, "apiVersion", "apps/v1beta1", "the cluster's version has no kind apps/v1beta1/Deployment"),
        (DEPLOYMENT, "kind", "Deploiment", "the cluster's version has no kind apps/v1/Deploiment"),
        (BOX, "spec/size", 0, "Box b: spec.size: 0 is less than the minimum of 1"),
        (BOX, "spec/colour", "red", "Box b: spec: Additional properties are not allowed ('colour'"),
        (BOX, "spec/bare", {"a": 1}, "Box b: spec.bare: Additional properties are not allowed ('a'"),
        (BOX, "spec/port", [], "Box b: spec.port: [] is not of type 'integer', 'string'"),
        (BOX, "spec/labels/a", 1, "Box b: spec.labels.a: 1 is not of type 'string'"),
        (BOX, "spec/sides/0/b", "y", "Box b: spec.sides.0: Additional properties"),
        (BOX, "apiVersion", "example.com/v2", "the cluster's version has no kind example.com/v2/Box"),
    ],
)
def test_what_it_does_not_know_is_named_with_object_and_place(
    manifest: dict[str, Any], path: str, value: Any, says: str
) -> None:
    (told,) = refusals([spoilt(manifest, path, value)], VERSION, [DEFINITION])
    assert says in told


def test_a_custom_resource_without_its_definition_is_an_unknown_kind() -> None:
    (told,) = refusals([BOX], VERSION, [])
    assert "no kind example.com/v1/Box" in told


def test_a_version_without_schemas_is_said_and_not_passed_over() -> None:
    with pytest.raises(ParamsError, match=r"no schemas of Kubernetes 1\.9"):
        list(refusals([DEPLOYMENT], "1.9", []))


def object_of(manifest: dict[str, Any]) -> Desired:
    return Desired("k8s-deployment", manifest["metadata"]["name"], {"manifest": manifest})


def test_a_plan_that_writes_what_would_be_refused_is_refused_and_one_that_does_not_touch_it_is_not() -> None:
    bad = object_of(spoilt(DEPLOYMENT, "spec/replicas", "two"))
    writes = Plan("controllers", (Change(CREATE, bad.key),))
    with pytest.raises(ParamsError, match=r"would refuse: Deployment app: spec\.replicas") as caught:
        refuse_invalid(writes, [bad], DEMO)
    assert caught.value.unchanged == "anything of step controllers"
    refuse_invalid(dataclasses.replace(writes, changes=()), [bad], DEMO)


def test_what_schemas_miss_is_refused_too() -> None:
    bad = object_of(spoilt(DEPLOYMENT, "spec/selector/matchLabels", {"app": "other"}))
    with pytest.raises(ParamsError, match="Deployment app: the selector does not match the template's labels: app"):
        refuse_invalid(Plan("controllers", (Change(CREATE, bad.key),)), [bad], DEMO)


def test_many_refusals_are_counted() -> None:
    bad = [object_of(spoilt(spoilt(DEPLOYMENT, "kind", "X"), "metadata/name", f"a{number}")) for number in range(10)]
    with pytest.raises(ParamsError, match="and 2 more"):
        refuse_invalid(Plan("controllers", tuple(Change(CREATE, one.key) for one in bad)), bad, DEMO)
