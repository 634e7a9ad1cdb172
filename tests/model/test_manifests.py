"""Every image of a manifest is found, wherever it hides; what an API server would refuse is named before it does."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from airgap.model.manifests import images, mistakes

DIGEST = "@sha256:" + "b" * 64
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "a", "image": "registry.k8s.io/autoscaling/ca:v1.36.0"}]},
}


def inside(kind: str) -> dict[str, Any]:
    """Return a manifest of a kind that runs the pod of this test."""
    template = {"metadata": {"labels": {"app": "p"}}, "spec": copy.deepcopy(POD["spec"])}
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "p"}}, "template": template}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": {"template": template}}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "p"}, "spec": spec}


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "ReplicaSet"])
def test_the_pod_template_of_each_kind_is_found(kind: str) -> None:
    assert [one.reference for one in images(inside(kind))] == ["registry.k8s.io/autoscaling/ca:v1.36.0"]


HIDDEN = [
    ("args", ["--sidecar-image=ghcr.io/acme/agent:v2"], "ghcr.io/acme/agent:v2", "argument"),
    ("args", ["--image", "quay.io/acme/agent" + DIGEST], "quay.io/acme/agent" + DIGEST, "argument"),
    ("command", ["sh", "-c", "run public.ecr.aws/x/y:1.0 now"], "public.ecr.aws/x/y:1.0", "argument"),
    ("env", [{"name": "HELPER", "value": "docker.io/library/busybox:1.37"}], "docker.io/library/busybox:1.37",
     "environment"),
]  # fmt: skip


@pytest.mark.parametrize(("member", "value", "reference", "origin"), HIDDEN)
def test_a_hidden_image_is_found(member: str, value: Any, reference: str, origin: str) -> None:
    manifest = inside("Deployment")
    manifest["spec"]["template"]["spec"]["containers"][0][member] = value
    assert (reference, origin) in [(one.reference, one.origin) for one in images(manifest)]


@pytest.mark.parametrize("member", ["initContainers", "ephemeralContainers"])
def test_other_containers_count(member: str) -> None:
    manifest = inside("Deployment")
    manifest["spec"]["template"]["spec"][member] = [{"name": "i", "image": "quay.io/acme/init:1"}]
    assert "quay.io/acme/init:1" in [one.reference for one in images(manifest)]


def test_a_hook_is_named_as_one() -> None:
    manifest = inside("Job")
    manifest["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}
    assert [one.origin for one in images(manifest)] == ["hook's container"]


def test_configuration_and_annotations_hide_images_too() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"y": "i: ghcr.io/a/b:1\n"}}
    assert [(one.reference, one.origin) for one in images(config)] == [("ghcr.io/a/b:1", "configuration")]
    config = {"kind": "ConfigMap", "metadata": {"name": "c", "annotations": {"helper": "ghcr.io/a/b:1"}}}
    assert [(one.reference, one.origin) for one in images(config)] == [("ghcr.io/a/b:1", "annotation")]


def test_the_image_of_a_custom_resource_or_of_a_volume_is_hidden_too() -> None:
    custom = {"apiVersion": "acme.example/v1", "kind": "Agent", "metadata": {"name": "a"}}
    custom["spec"] = {"image": "quay.io/acme/agent:1", "containers": [{"name": "c", "image": "quay.io/acme/side:1"}]}
    assert {one.reference for one in images(custom)} == {"quay.io/acme/agent:1", "quay.io/acme/side:1"}
    deployment = inside("Deployment")
    deployment["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "image": {"reference": "quay.io/acme/data:1"}}]
    assert [one.reference for one in images(deployment)][1:] == ["quay.io/acme/data:1"]


@pytest.mark.parametrize(
    "text", ["https://example.com/path:8080/x", "arn:aws:iam::aws:policy/X", "example.com:443", "a/b:c", "1.2.3.4/24"]
)
def test_what_is_no_image_is_not_taken_for_one(text: str) -> None:
    manifest = inside("Deployment")
    manifest["spec"]["template"]["spec"]["containers"][0]["args"] = [text]
    assert len(list(images(manifest))) == 1


def spoiled(path: str, value: Any) -> dict[str, Any]:
    """Return a good Deployment with one value set, at a dotted path with list positions."""
    manifest = inside("Deployment")
    place: Any = manifest
    *outer, last = path.split(".")
    for part in outer:
        place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
    place[last] = value
    return manifest


BROKEN = [
    ("metadata.name", "Upper_Case", "RFC 1123"),
    ("spec.selector.matchLabels", {"app": "other"}, "selector does not match"),
    ("spec.template.spec.containers", [], "no container"),
    ("spec.template.spec.containers", [{"name": "a", "image": "i"}, {"name": "a", "image": "j"}], "two containers"),
    ("spec.template.spec.containers", [{"name": "a"}], "names no image"),
    ("spec.template.spec.containers.0.imagePullPolicy", "Sometimes", "imagePullPolicy"),
    ("spec.template.spec.containers.0.ports", [{"containerPort": 99999}], "port 99999"),
    ("spec.template.spec.containers.0.ports", [{"containerPort": "http"}], "port http"),
    ("spec.template.spec.containers.0.name", "Upper", "not a DNS label"),
    (
        "spec.template.spec.containers.0.volumeMounts",
        [{"name": "v", "mountPath": "/v"}],
        "mounts 'v', which is no volume",
    ),
    ("spec.template.spec.restartPolicy", "Never", "restartPolicy 'Never' is not Always"),
    ("spec.template.spec.containers.0.resources", {"limits": {"memory": "1 GB"}}, "no quantity"),
]


@pytest.mark.parametrize(("path", "value", "said"), BROKEN)
def test_a_mistake_that_schemas_miss_is_named(path: str, value: Any, said: str) -> None:
    found = list(mistakes(spoiled(path, value)))
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize("policy", [None, "Always"])
def test_a_job_that_does_not_say_how_it_ends_is_named(policy: Any) -> None:
    job = inside("Job")
    job["spec"]["template"]["spec"]["restartPolicy"] = policy
    assert list(mistakes(job)) == [f"restartPolicy {policy!r} is neither OnFailure nor Never"]


def test_volumes_and_claims_are_there_to_be_mounted() -> None:
    stateful = inside("StatefulSet")
    stateful["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    pod = stateful["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "v", "emptyDir": {}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}, {"name": "data", "mountPath": "/d"}]
    assert list(mistakes(stateful)) == []


def test_a_network_policy_of_an_unknown_type_is_named() -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"policyTypes": ["Inbound"]},
    }
    assert list(mistakes(policy)) == ["policy type 'Inbound' is neither Ingress nor Egress"]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "Job"])
def test_good_manifests_have_no_mistakes(kind: str) -> None:
    assert list(mistakes(inside(kind))) == []
