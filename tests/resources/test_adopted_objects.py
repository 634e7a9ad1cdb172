"""Objects in the cluster that another team owns: adopted by name, verified, never changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from embedded import DEMO

from airgap.model.difference import diff
from airgap.model.estate import Estate
from airgap.model.observation import OK, Observation
from airgap.model.plan import Plan
from airgap.model.survey import survey
from airgap.resources import objects

CLUSTER = DEMO.cluster.name
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed", "namespace": "theirs"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}


def planned(adopted: str, **spec: Any) -> Plan:
    """The plan for one network policy that stands there with this spec and no annotation of ours."""
    there = {**POLICY, "spec": {**POLICY["spec"], **spec}}  # type: ignore[dict-item]
    page = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": [there]}
    seen = Observation(
        "kubernetes:ListNetworkPolicies", {"cluster": CLUSTER}, DEMO.account, DEMO.region, "rehearsal", OK, "", page="p"
    )
    estate = Estate([seen], lambda _: page, account=DEMO.account, region=DEMO.region, taken_at="")
    wanted = dataclasses.replace(objects.desired(CLUSTER, POLICY, DEMO.environment), adopted=adopted)
    readings = {"k8s-network-policy": objects.OBJECTS["NetworkPolicy"].reading}
    found = survey(DEMO.environment, readings, [wanted], estate)
    return diff("test", [wanted], readings, found, undeclared=found.orphans)


def test_an_object_of_somebody_else_is_never_taken_over() -> None:
    plan = planned("")
    assert plan.changes == ()
    assert "is not ours" in dict(plan.unknowns)["k8s-network-policy:theirs/closed"]


def test_an_adopted_object_that_is_as_declared_needs_nothing() -> None:
    plan = planned("theirs/closed")
    assert (plan.changes, plan.unknowns, plan.differing) == ((), (), ())


def test_an_adopted_object_that_differs_is_told_and_not_changed() -> None:
    plan = planned("theirs/closed", policyTypes=["Ingress"])
    assert plan.changes == ()
    assert [(one.resource, one.field) for one in plan.differing] == [
        ("k8s-network-policy:theirs/closed", "manifest.spec.policyTypes")
    ]


@pytest.mark.parametrize("name", ["theirs/other", "elsewhere/closed"])
def test_an_adopted_object_that_is_not_there_is_told(name: str) -> None:
    assert any("is to be adopted and was not found" in what for _, what in planned(name).unknowns)
