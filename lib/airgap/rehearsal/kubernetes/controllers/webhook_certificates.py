"""The certificate controller of External Secrets, acted out: its webhooks are trusted once one of its pods runs."""

from __future__ import annotations

import base64

from airgap.rehearsal.kubernetes.controllers import charts
from airgap.rehearsal.kubernetes.controllers.loop import Loop
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.store import Object

CONTROLLER = "external-secrets-cert-controller"
LABEL, VALUE = "external-secrets.io/component", "webhook"
BUNDLE = base64.b64encode(b"the rehearsal has no certificate here, and calls no webhook\n").decode()
_KINDS = tuple(
    core(name, "admissionregistration.k8s.io")
    for name in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
)


def act(loop: Loop) -> None:
    """Fill in the certificates that the chart leaves to its controller."""
    if charts.running(loop, CONTROLLER) is None:
        return
    for kind in _KINDS:
        for item in loop.store.all(kind):
            if (item["metadata"].get("labels") or {}).get(LABEL) == VALUE:
                loop.store.put(kind, {**item, "webhooks": [_trusted(hook) for hook in item.get("webhooks") or ()]})


def _trusted(hook: Object) -> Object:
    client = hook.get("clientConfig") or {}
    return {**hook, "clientConfig": {**client, "caBundle": client.get("caBundle") or BUNDLE}}
