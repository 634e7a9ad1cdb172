"""The application's release: which objects, in which order, by the locked digest, its secret by reference alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from embedded import DEMO

from airgap.errors import ParamsError
from airgap.model.estate import Estate
from airgap.model.observation import ABSENT, OK, Observation
from airgap.model.plan import Desired, references
from airgap.resources import first_deployment
from airgap.run import pinned

ROOT = Path(__file__).parents[2]
KEYS = [
    "k8s-service-account:application/application",
    "k8s-service:application/application",
    "k8s-pod-disruption-budget:application/application",
    "k8s-deployment:application/application",
    "k8s-target-group-binding:application/application",
]


def facts(*, rendered: bool = True) -> Estate:
    """The lock and the application's rendered chart, as a run reads them."""
    chart = pinned.render(ROOT, DEMO, "application")
    pages: dict[str, Any] = {"lock": pinned.read_lock(ROOT, DEMO), "chart": chart}
    place = (DEMO.account, DEMO.region, "rehearsal")
    seen = [
        Observation("images:ReadLock", {}, *place, OK, "", page="lock"),
        Observation("helm:Template", {"release": "application"}, *place, OK if rendered else ABSENT, "",
                    page="chart" if rendered else ""),
    ]  # fmt: skip
    return Estate(seen, pages.__getitem__, account=DEMO.account, region=DEMO.region, taken_at="")


@pytest.fixture(scope="module")
def declared() -> dict[str, Desired]:
    return {one.key: one for one in first_deployment.declare(DEMO, facts())}


def test_the_release_is_these_objects(declared: dict[str, Desired]) -> None:
    assert sorted(declared) == sorted(KEYS)


def test_pods_are_bound_once_they_run_and_run_once_they_can(declared: dict[str, Desired]) -> None:
    assert KEYS[3] in declared[KEYS[4]].after
    assert set(KEYS[:3]) <= declared[KEYS[3]].after
    assert {"target-group:app", "vpc:main"} <= references(declared[KEYS[4]].fields)


def test_the_image_is_the_locked_one_and_is_mirrored_first(declared: dict[str, Desired]) -> None:
    spec = declared[KEYS[3]].fields["manifest"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert DEMO.account in container["image"]
    assert "@sha256:" in container["image"]
    assert f"image:{DEMO.images.application}" in references(declared[KEYS[3]].fields)


def test_the_secret_is_named_and_its_value_is_nowhere(declared: dict[str, Desired]) -> None:
    spec = declared[KEYS[3]].fields["manifest"]["spec"]["template"]["spec"]
    read = [one["valueFrom"]["secretKeyRef"] for one in spec["containers"][0]["env"] if "valueFrom" in one]
    assert read == [{"name": DEMO.secrets.external_secret, "key": "password"}]
    assert not any("k8s-secret" in key for key in declared)


def test_the_controller_may_register_pods_and_is_given_no_group_to_open(declared: dict[str, Desired]) -> None:
    spec = declared[KEYS[4]].fields["manifest"]["spec"]
    assert spec["targetType"] == "ip"
    assert "networking" not in spec


def test_the_pods_are_such_as_the_namespace_admits(declared: dict[str, Desired]) -> None:
    spec = declared[KEYS[3]].fields["manifest"]["spec"]["template"]["spec"]
    security = spec["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["automountServiceAccountToken"] is False
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "privileged" not in json.dumps(spec)


def test_without_an_application_nothing_is_declared() -> None:
    images = dataclasses.replace(DEMO.images, application=None)
    assert list(first_deployment.declare(dataclasses.replace(DEMO, images=images), facts())) == []


def test_without_a_lock_nothing_can_be_released() -> None:
    with pytest.raises(ParamsError, match="no image is locked for demo"):
        list(first_deployment.declare(DEMO, facts(rendered=False)))
