"""Pages of an answer: botocore's paginators where it has one, else the service's own continuation tokens.

Without this, a list operation that botocore cannot paginate would give its first page as the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.cloud.failures import THROTTLED

# Member of an answer that says where the next page begins -> the parameter that takes it.
CONTINUES = {
    "NextToken": "NextToken",
    "nextToken": "nextToken",
    "NextMarker": "NextMarker",
    "NextContinuationToken": "ContinuationToken",
}
# Calls that AWS answers so few times a second that a long answer is throttled between its pages: asked from its first
# page on again, it would never end (CloudTrail API Reference, LookupEvents: two a second).
PACED = ("cloudtrail:LookupEvents",)
PAUSE, TRIES = 0.5, 12
# Members that say that there is more, where the service offers no way to it: such an answer is never taken as whole.
CUT_OFF = ("AdditionalRoutesAvailable", "HasMoreDeliveryStreams")


def again(response: Any, attempts: int, **_: Any) -> float | None:
    """Botocore's ``needs-retry``: the seconds after which one throttled page is asked again, None where it is not."""
    code = response[1].get("Error", {}).get("Code") if response else ""
    return PAUSE * attempts if code in THROTTLED and attempts < TRIES else None


def pages(client: Any, operation: str, params: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield every page of a call's answer, and whether it is the last; errors are botocore's own."""
    from botocore import xform_name

    method = xform_name(operation)
    answers = (
        iter(client.get_paginator(method).paginate(**params))
        if client.can_paginate(method)
        else _by_token(getattr(client, method), params)
    )
    held: dict[str, Any] | None = None
    for answer in answers:
        if held is not None:
            yield held, False
        held = answer
    if held is not None:
        yield held, not any(held.get(name) for name in CUT_OFF)


def _by_token(ask: Any, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        answer = ask(**params, **more)
        yield answer
        following = {taken: answer[given] for given, taken in CONTINUES.items() if answer.get(given)}
        if not following or following == more:
            return
        more = following
