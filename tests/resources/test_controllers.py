"""What stands in the cluster, as declared: in an order that works, of mirrored images alone, with no key in it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from embedded import DEMO

from airgap.errors import ParamsError
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.observation import ABSENT, OK, Observation
from airgap.model.plan import Desired, references
from airgap.resources import controllers, releases
from airgap.run import pinned

ROOT = Path(__file__).parents[2]


def facts(intent: Intent = DEMO, *, rendered: bool = True) -> Estate:
    """The lock and the rendered charts, as a run reads them."""
    pages: dict[str, Any] = {"lock": pinned.read_lock(ROOT, intent)}
    seen = [observation("images:ReadLock", {}, "lock")]
    for one in releases.RELEASES:
        if rendered:
            pages[one.name] = pinned.render(ROOT, intent, one.name)
        seen.append(observation("helm:Template", {"release": one.name}, one.name if rendered else ""))
    return Estate(seen, pages.__getitem__, account=intent.account, region=intent.region, taken_at="")


def observation(call: str, params: dict[str, str], page: str) -> Observation:
    status = OK if page else ABSENT
    return Observation(call, params, DEMO.account, DEMO.region, "rehearsal", status, "", page=page)


@pytest.fixture(scope="module")
def declared() -> dict[str, Desired]:
    return {one.key: one for one in controllers.declare(DEMO, facts())}


def test_every_need_is_declared_or_of_an_earlier_step(declared: dict[str, Desired]) -> None:
    for one in declared.values():
        for key in one.after - set(declared):
            assert key.split(":")[0] in ("node-group", "image", "vpc"), f"{one.key} needs {key}"


def before(key: str, declared: dict[str, Desired]) -> set[str]:
    """Everything that comes before a resource."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        for one in declared[waiting.pop()].after & set(declared):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def test_a_workload_comes_after_its_namespace_its_rights_its_definitions_and_its_certificate(
    declared: dict[str, Desired],
) -> None:
    earlier = before("k8s-deployment:external-secrets/external-secrets", declared)
    assert {
        "k8s-namespace:external-secrets",
        "k8s-custom-resource-definition:externalsecrets.external-secrets.io",
        "k8s-cluster-role-binding:external-secrets-controller",
        "webhook-certificate:externalsecret-validate",
    } <= earlier
    assert not any(one.startswith("k8s-deployment:kube-system") for one in earlier), "releases come side by side"


def test_a_hook_comes_before_what_it_is_a_hook_of(declared: dict[str, Desired]) -> None:
    earlier = before("k8s-deployment:kube-system/cluster-autoscaler", declared)
    assert "k8s-job:kube-system/cluster-autoscaler-preflight" in earlier


def test_nothing_of_a_release_is_made_before_all_its_images_are_mirrored(declared: dict[str, Desired]) -> None:
    for one in declared.values():
        if one.why.startswith("release cluster-autoscaler"):
            wanted = {key.split("/")[-1].split(":")[0] for key in references(one.fields["images"])}
            assert wanted == {"cluster-autoscaler", "busybox", "pause"}


def test_no_key_and_no_authority_stands_in_a_declaration(declared: dict[str, Desired]) -> None:
    text = json.dumps([one.as_data() for one in declared.values()])
    assert "PRIVATE" not in text
    assert "caBundle" not in text
    assert '"kind": "Secret"' not in text


def test_two_renderings_declare_the_same() -> None:
    once, again = (list(controllers.declare(DEMO, facts())) for _ in range(2))
    assert [one.as_data() for one in once] == [one.as_data() for one in again]


def test_every_image_is_of_our_registry_by_digest(declared: dict[str, Desired]) -> None:
    text = json.dumps([one.fields.get("manifest") for one in declared.values()])
    for source in ("registry.k8s.io", "ghcr.io", "public.ecr.aws", "docker.io"):
        assert source not in text


def test_the_flags_that_keep_controllers_off_the_internet(declared: dict[str, Desired]) -> None:
    balancer = json.dumps(declared["k8s-deployment:kube-system/aws-load-balancer-controller"].fields["manifest"])
    for flag in ("--enable-shield=false", "--enable-wafv2=false", "--aws-vpc-id=${vpc:main.id}"):
        assert flag in balancer
    scaler = json.dumps(declared["k8s-deployment:kube-system/cluster-autoscaler"].fields["manifest"])
    assert "--aws-use-static-instance-list=true" in scaler


def test_no_policy_admits_anybody_where_no_tier_faces_outside() -> None:
    network = dataclasses.replace(DEMO.network, public_tier="none", public_subnets=())
    sealed = dataclasses.replace(DEMO, network=network)
    policies = [one.fields["manifest"]["spec"] for one in controllers.declare(sealed, facts(sealed))
                if one.kind == "k8s-network-policy"]  # fmt: skip
    assert policies
    for spec in policies:
        assert all(rule["from"] for rule in spec.get("ingress", []))
        assert all(rule["to"] for rule in spec.get("egress", []))


def test_without_a_component_nothing_of_it_is_declared() -> None:
    fewer = dataclasses.replace(DEMO, components=tuple(one for one in DEMO.components if one != "external-secrets"))
    assert not any("external-secrets" in one.key for one in controllers.declare(fewer, facts(fewer)))


def test_without_a_lock_the_command_is_named() -> None:
    with pytest.raises(ParamsError, match="no image is locked") as caught:
        list(controllers.declare(DEMO, facts(rendered=False)))
    assert "airgap mirror lock --env demo" in caught.value.action


def test_what_the_api_server_would_refuse_is_said_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pinned.rendered

    def broken(*asked: Any) -> list[dict[str, Any]]:
        meta = {"name": "Not_A_Name", "namespace": "external-secrets"}
        return [*whole(*asked), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}]

    monkeypatch.setattr(pinned, "rendered", broken)
    with pytest.raises(ParamsError, match=r"ConfigMap Not_A_Name the name 'Not_A_Name' is not a DNS name"):
        pinned.render(ROOT, DEMO, "external-secrets")
