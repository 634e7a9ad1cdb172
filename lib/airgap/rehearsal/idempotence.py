"""Client tokens: the same request with the same token is answered as before, and does nothing again.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html; other services do alike.
"""

from __future__ import annotations

import json
from dataclasses import replace

from airgap.rehearsal.journal import is_write
from airgap.rehearsal.wire import Call, Refusal, Reply

TOKENS = ("ClientToken", "clientToken", "ClientRequestToken", "clientRequestToken", "CreatorRequestId")
# Their tokens name versions and changes of a thing, and moto keeps them.
OTHERWISE = {"secretsmanager", "route53", "cloudformation", "organizations", "ecs"}

_seen: dict[tuple[str, str, str, str], tuple[str, Reply]] = {}


def _key(call: Call) -> tuple[str, str, str, str] | None:
    if call.service in OTHERWISE or not is_write(call.operation):
        return None
    token = next((call.params[name] for name in TOKENS if call.params.get(name)), None)
    return (call.account, call.region, call.name, token) if token else None


def _fingerprint(call: Call) -> str:
    return json.dumps(call.params, sort_keys=True, default=str)


def recall(call: Call) -> Reply | None:
    """Return the answer to the same request with the same token; refuse another request with that token."""
    key = _key(call)
    if key is None or key not in _seen:
        return None
    fingerprint, reply = _seen[key]
    if fingerprint == _fingerprint(call):
        return replace(reply, headers=dict(reply.headers))
    message = "The token was used with other parameters"
    raise Refusal("IdempotentParameterMismatch" if call.service == "ec2" else "ValidationException", message)


def remember(call: Call, reply: Reply) -> None:
    """Keep the answer of a request that succeeded and carried a token."""
    key = _key(call) if reply.status < 300 else None
    if key is not None:
        _seen[key] = (_fingerprint(call), replace(reply, headers=dict(reply.headers)))


def reset() -> None:
    """Forget every token."""
    _seen.clear()
