"""Pages: every listing with a paginator in botocore honours its limit, whoever answers it.

moto ignores ``MaxResults`` in many listings. A token of ours is recognised by its prefix, so moto's own tokens pass.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_pagination_model

from airgap.rehearsal.wire import Call, Refusal

_PREFIX = "rehearsal-page-"


@lru_cache(maxsize=4096)
def _paginator(service: str, operation: str) -> tuple[str, str, str, str] | None:
    """Return the (input token, output token, limit, result) members of a listing, None where it has no pages."""
    try:
        model = get_pagination_model(service).get(operation)
    except UnknownServiceError:
        return None
    if not model or "limit_key" not in model:
        return None
    names = [model[key] for key in ("input_token", "output_token", "limit_key", "result_key")]
    first = [name[0] if isinstance(name, list) else name for name in names]
    if any("." in name or "[" in name or "|" in name for name in first):
        return None
    return first[0], first[1], first[2], first[3]


def wanted(call: Call) -> bool:
    """Say whether the request asks for a page that moto may not know how to cut."""
    names = _paginator(call.service, call.operation)
    return names is not None and (names[2] in call.params or names[0] in call.params)


def page(call: Call, result: dict[str, Any]) -> dict[str, Any]:
    """Return the answer cut to the page that the request asks for; the listing itself is left alone."""
    names = _paginator(call.service, call.operation)
    if names is None or not isinstance(result.get(names[3]), list):
        return result
    token, next_token, limit_key, member = names
    start = _start(call.params.get(token))
    if start is None:
        return result
    limit = int(call.params.get(limit_key) or 1000)
    items = result[member][start:]
    cut = dict(result, **{member: items[:limit]})
    if len(items) > limit:
        cut[next_token] = f"{_PREFIX}{start + limit}"
    return cut


def _start(token: str | None) -> int | None:
    """Return where a page starts, None for a token that moto made."""
    if token is None:
        return 0
    if not token.startswith(_PREFIX):
        return None
    number = token[len(_PREFIX) :]
    if not number.isdigit():
        raise Refusal("InvalidNextToken", "The token is not one that this service gave")
    return int(number)
