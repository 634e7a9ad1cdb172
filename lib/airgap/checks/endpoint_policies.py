"""Endpoint policies: what the components need passes, and no attempt to carry data out does (NET-09)."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from airgap.checks.check import Undecided, check
from airgap.checks.endpoints import service_names
from airgap.checks.scope import ENDPOINT_READS, Item, Named, endpoints
from airgap.model.components import takes_policy
from airgap.model.derived import endpoint_facts
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.requests import judge


def service(endpoint: Item, intent: Intent) -> str:
    """Return the short name of an endpoint's service; for one that nobody wants, what its name ends in."""
    name = str(endpoint.get("ServiceName", ""))
    stem = f".{intent.region}."
    return service_names(intent).get(name) or (name.partition(stem)[2] if stem in name else name.rpartition(".")[2])


def _with_policy(intent: Intent, estate: Estate) -> Named:
    found = endpoints(intent, estate)
    return [(name, one) for name, one in found if takes_policy(service(one, intent))]


# A document is judged by hundreds of requests; the same document for the same service and facts is judged once.
_judged = functools.lru_cache(maxsize=512)(judge)


@check(
    "endpoint-policies-bounded",
    "The endpoint's policy lets the components' own calls pass and refuses every other party and resource",
    severity="critical",
    properties=("NET-09",),
    reads=ENDPOINT_READS,
    remedy="apply the derived policy; for a new call of a component, add it to the component's calls first",
    over=_with_policy,
)
def bounded(endpoint: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each request that the policy decides wrongly, judged offline with the context that AWS documents."""
    judgement = _judged(endpoint.get("PolicyDocument"), service(endpoint, intent), endpoint_facts(intent))
    yield from judgement.problems
    if judgement.unknowns and not judgement.problems:
        raise Undecided("; ".join(judgement.unknowns))
    if not judgement.tested and not judgement.problems:
        raise Undecided(f"no request is known by which the policy of {endpoint.get('ServiceName')} could be judged")


CHECKS = (bounded,)
