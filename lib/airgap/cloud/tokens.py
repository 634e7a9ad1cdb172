"""Client tokens: the same write asked again is the same write, where the API lets a caller say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airgap.model.canonical import digest_of

MEMBERS = (
    "ClientToken",
    "clientToken",
    "ClientRequestToken",
    "clientRequestToken",
    "CreatorRequestId",
    "CallerReference",
)
MAKING = ("Create", "Run", "Allocate", "Request", "Start", "Import", "Purchase")


def with_token(client: Any, operation: str, params: Mapping[str, Any], seed: str) -> tuple[dict[str, Any], bool]:
    """Return the parameters with a client token, and whether asking again cannot make a second thing.

    A token is the same for all attempts of one call with its parameters in one run, and another in the next run.
    Operations that set or remove may be asked again without one.
    """
    members = client.meta.service_model.operation_model(operation).input_shape.members
    name = next((one for one in MEMBERS if one in members), "")
    if name and name not in params:
        return {**params, name: digest_of([seed, params])[:32]}, True
    return dict(params), bool(name) or not operation.startswith(MAKING)
