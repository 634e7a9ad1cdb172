"""What follows from an intent alone: the endpoints that it needs, and what their policies rest on."""

from __future__ import annotations

from airgap.model.components import derive
from airgap.model.endpoint_policies import EndpointFacts
from airgap.model.intent import Intent
from airgap.model.names import bucket

BUCKETS = ("application", "transcribe-in", "transcribe-out", "logs", "artifacts", "evidence")
"""The purposes of the environment's buckets."""


def endpoint_services(intent: Intent) -> dict[str, tuple[str, ...]]:
    """Return every wanted endpoint service with who needs it; ``params`` stands for those that params add."""
    needed = dict(derive(intent.components))
    for extra in intent.endpoints.extra:
        needed.setdefault(extra, ("params",))
    return {name: who for name, who in sorted(needed.items()) if name not in intent.endpoints.unavailable}


def endpoint_facts(intent: Intent) -> EndpointFacts:
    """Return what the endpoint policies of an environment depend on."""
    return EndpointFacts(
        partition=intent.partition,
        region=intent.region,
        account=intent.account,
        organization=intent.organization,
        components=intent.components,
        models=(*intent.ai.models, intent.ai.embedding_model),
        buckets=tuple(bucket(intent, purpose) for purpose in BUCKETS),
        cluster=intent.cluster.name,
    )
