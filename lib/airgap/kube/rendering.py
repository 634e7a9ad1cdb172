"""A release's objects as the runbook applies them: rendered, with nothing generated left in them.

Some charts make a certificate while they render. Its key must stand in no plan and no page, and a plan that differs at
each rendering can be approved by nobody; so such parts are taken out here and named, and made in the cluster later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.errors import AirgapError
from airgap.model.kubernetes import api_of, key_of

WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
HOOK = "helm.sh/hook"


def settled(
    release: str, namespace: str, objects: Iterable[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the objects of a release without what was generated, and the certificates that take its place.

    A webhook's Secret becomes a certificate to be made, whether the chart filled it or leaves that to a controller.
    Test hooks are left out: nothing runs them. Raises ``AirgapError`` for a Secret that is no certificate, and for an
    object of a kind that the runbook does not know.
    """
    kept: list[dict[str, Any]] = []
    secrets: list[Mapping[str, Any]] = []
    for one in objects:
        hooks = str(((one.get("metadata") or {}).get("annotations") or {}).get(HOOK, ""))
        if any(each.strip().startswith("test") for each in hooks.split(",")):
            continue
        placed = _placed(release, namespace, one)
        if one["kind"] == "Secret":
            secrets.append(placed)
        else:
            kept.append(_without_bundle(placed) if one["kind"] in WEBHOOKS else placed)
    return kept, [_certificate(release, secret, kept) for secret in secrets]


def _placed(release: str, namespace: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its namespace, which Helm leaves to whoever applies it."""
    api = api_of(one)
    if api is None:
        raise AirgapError(
            f"The chart of release {release} renders {one.get('apiVersion')} {one.get('kind')}, an unknown kind",
            f"release {release}",
            "choose values that leave it out, or add the kind to the API table in model/kubernetes.py",
        )
    meta = one["metadata"]
    return {**one, "metadata": {"namespace": namespace, **meta}} if api.namespaced else dict(one)


def _without_bundle(configuration: Mapping[str, Any]) -> dict[str, Any]:
    def bare(webhook: Mapping[str, Any]) -> dict[str, Any]:
        client = {name: value for name, value in (webhook.get("clientConfig") or {}).items() if name != "caBundle"}
        return {**webhook, "clientConfig": client}

    return {**configuration, "webhooks": [bare(one) for one in configuration.get("webhooks") or []]}


def _certificate(release: str, secret: Mapping[str, Any], objects: list[dict[str, Any]]) -> dict[str, Any]:
    calls = list(_called(objects))
    generated = secret.get("type") == "kubernetes.io/tls" or not secret.get("data")
    if secret.get("stringData") or not generated or not calls:
        raise _values(release, secret)
    return {
        "secret": secret["metadata"]["name"],
        "namespace": secret["metadata"]["namespace"],
        "names": sorted({f"{service}.{namespace}.svc" for _, _, _, service, namespace in calls}),
        "configurations": [
            [kind, name, sorted(webhook for k, n, webhook, _, _ in calls if (k, n) == (kind, name))]
            for kind, name in sorted({(kind, name) for kind, name, _, _, _ in calls})
        ],
    }


def _called(objects: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (kind, configuration, webhook, service, namespace) of every webhook of a release."""
    for one in objects:
        if one.get("kind") in WEBHOOKS:
            for webhook in one["webhooks"]:
                service = webhook["clientConfig"].get("service") or {}
                yield one["kind"], one["metadata"]["name"], webhook["name"], service["name"], service["namespace"]


def _values(release: str, secret: Mapping[str, Any]) -> AirgapError:
    return AirgapError(
        f"The chart of release {release} renders {key_of(secret)} with values in it",
        f"release {release}",
        "keep the value in Secrets Manager and let External Secrets bring it; choose values that render no Secret",
    )
