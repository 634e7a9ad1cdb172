"""What a chart renders becomes what the runbook applies: placed, known, and with nothing generated left in it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from airgap.errors import AirgapError
from airgap.kube.rendering import settled

SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/tls",
    "metadata": {"name": "tls"},
    "data": {"tls.key": "a2V5"},
}
WEBHOOK: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "hook"},
    "webhooks": [
        {"name": "v.example", "clientConfig": {"caBundle": "Y2E=", "service": {"name": "s", "namespace": "n"}}}
    ],
}
CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}


def test_a_generated_certificate_is_taken_out_and_named() -> None:
    objects, certificates = settled("r", "n", [SECRET, WEBHOOK])
    assert "caBundle" not in str(objects)
    assert "a2V5" not in str([objects, certificates])
    assert certificates == [
        {
            "secret": "tls",
            "namespace": "n",
            "names": ["s.n.svc"],
            "configurations": [["ValidatingWebhookConfiguration", "hook", ["v.example"]]],
        }
    ]


def test_two_renderings_of_one_chart_are_equal() -> None:
    other = copy.deepcopy(SECRET) | {"data": {"tls.key": "b3RoZXI="}}
    assert settled("r", "n", [SECRET, WEBHOOK]) == settled("r", "n", [other, WEBHOOK])


def test_a_secret_that_a_controller_fills_is_made_too() -> None:
    bare = {key: value for key, value in SECRET.items() if key not in ("data", "type")}
    assert settled("r", "n", [bare, WEBHOOK])[1][0]["secret"] == "tls"


@pytest.mark.parametrize(
    "spoil", [{"type": "Opaque"}, {"type": "Opaque", "stringData": {"password": "x"}}, {"stringData": {"a": "b"}}]
)
def test_a_secret_with_values_is_refused(spoil: dict[str, Any]) -> None:
    with pytest.raises(AirgapError, match="with values in it") as caught:
        settled("r", "n", [SECRET | spoil, WEBHOOK])
    assert "Secrets Manager" in caught.value.action


def test_a_certificate_of_no_webhook_is_refused() -> None:
    with pytest.raises(AirgapError, match="with values in it"):
        settled("r", "n", [SECRET])


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(AirgapError, match=r"example\.org/v1 Widget, an unknown kind"):
        settled("r", "n", [{"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}}])


def test_an_object_without_a_namespace_gets_the_release_s() -> None:
    assert settled("r", "n", [CONFIG])[0][0]["metadata"]["namespace"] == "n"


@pytest.mark.parametrize(("hook", "kept"), [("test", 0), ("pre-install,pre-upgrade", 1), ("test-success", 0)])
def test_hooks_are_kept_and_tests_are_not(hook: str, kept: int) -> None:
    job = CONFIG | {"metadata": {"name": "c", "annotations": {"helm.sh/hook": hook}}}
    assert len(settled("r", "n", [job])[0]) == kept
