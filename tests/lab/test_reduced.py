"""What the engine is given of rendered manifests, and that everything else is said to be left out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from airgap import params
from airgap.errors import AirgapError
from airgap.lab.reduced import reduced
from airgap.run import pinned


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    """The application's objects as the runbook renders them for demo."""
    objects: list[dict[str, Any]] = pinned.render(params.project_root(), params.load("demo"), "application")["objects"]
    return objects


def leaves(value: Any, path: str = "") -> set[str]:
    if isinstance(value, dict):
        return {leaf for name, one in value.items() for leaf in leaves(one, f"{path} {name}")} or {path}
    if isinstance(value, list):
        return {leaf for one in value for leaf in leaves(one, path)} or {path}
    return {path}


def test_each_replica_is_a_pod_of_the_rendered_template(rendered: list[dict[str, Any]]) -> None:
    deployment = next(one for one in rendered if one["kind"] == "Deployment")
    given = reduced(rendered)
    assert [one["metadata"]["name"] for one in given.pods] == ["application-0", "application-1"]
    wanted, found = deployment["spec"]["template"]["spec"]["containers"][0], given.pods[0]["spec"]["containers"][0]
    assert found["env"] == wanted["env"]
    assert found["resources"] == wanted["resources"]
    assert found["image"].partition("@")[2] == wanted["image"].partition("@")[2]
    assert found["image"].partition("@")[0] == wanted["image"].partition("@")[0].rpartition(":")[0]
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        "runAsUser": 65532,
    }  # fmt: skip
    assert given.secrets == (("db-credentials", "password"),)


def test_every_field_is_given_or_said_to_be_left_out(rendered: list[dict[str, Any]]) -> None:
    given = reduced(rendered)
    known = leaves(given.pods[0]["spec"])
    told = "\n".join(given.left_out)
    deployment = next(one for one in rendered if one["kind"] == "Deployment")
    for path in leaves(deployment["spec"]["template"]["spec"]):
        inherited = path.replace(" securityContext", " containers securityContext", 1)
        assert path in known or inherited in known or any(f" {word}: " in told for word in path.split()), path
    assert {one.split()[0] for one in given.left_out} == {one["kind"] for one in rendered}


def test_a_field_that_nobody_thought_of_is_said_to_be_left_out(rendered: list[dict[str, Any]]) -> None:
    changed = copy.deepcopy(rendered)
    deployment = next(one for one in changed if one["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["hostUsers"] = False
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]["procMount"] = "Default"
    more = set(reduced(changed).left_out) - set(reduced(rendered).left_out)
    assert more == {
        "Deployment application pod hostUsers: the engine does not know it",
        "Deployment application container application securityContext procMount: the engine does not know it",
    }


def test_a_container_says_what_it_has_otherwise_than_its_pod(rendered: list[dict[str, Any]]) -> None:
    changed = copy.deepcopy(rendered)
    deployment = next(one for one in changed if one["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]["runAsUser"] = 7
    assert reduced(changed).pods[0]["spec"]["containers"][0]["securityContext"]["runAsUser"] == 7


def test_manifests_that_run_nothing_are_no_workload(rendered: list[dict[str, Any]]) -> None:
    with pytest.raises(AirgapError, match="run nothing"):
        reduced([one for one in rendered if one["kind"] != "Deployment"])
