"""Small estates written by hand, and the demonstration's intent with values changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from airgap.model.canonical import digest_of
from airgap.model.estate import Estate, Records
from airgap.model.intent import Intent, decode, encode
from airgap.model.observation import Observation

ROOT = Path(__file__).parents[2]
DEMO: Intent = decode(yaml.safe_load((ROOT / "params" / "demo.yaml").read_text()))
VPC = {"Tags": [{"Key": "airgap:environment", "Value": "demo"}, {"Key": "airgap:key", "Value": "vpc:main"}]}


def meant(changes: Mapping[str, Any]) -> Intent:
    """The demonstration's intent with values changed at dotted paths."""
    data = json.loads(json.dumps(encode(DEMO)))
    for path, value in changes.items():
        *outer, last = path.split(".")
        place = data
        for name in outer:
            place = place[name]
        place[last] = value
    intent: Intent = decode(data)
    return intent


def recorded(case: Mapping[str, Any], intent: Intent) -> Estate:
    """The estate of a case's pages; ``vpc`` in a page stands for the tags of the environment's VPC."""
    pages: dict[str, Any] = {}
    observations = []
    for one in case.get("pages", []):
        body = _tagged(one.get("body", {}))
        page = digest_of(body)
        pages[page] = body
        status = one.get("status", "ok")
        observations.append(
            Observation(
                call=one["call"],
                params=one.get("params", {}),
                account=intent.account,
                region=one.get("region", intent.region),
                place="here",
                status=status,
                time="2026-11-02T00:00:00Z",
                code=one.get("code", ""),
                number=one.get("number", 1),
                last=one.get("last", True),
                page=page if status == "ok" else "",
            )
        )
    records = Records(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in case.get("records", {}).items()}
    )
    return Estate(
        observations,
        pages.__getitem__,
        account=intent.account,
        region=intent.region,
        taken_at="2026-11-02T00:00:00Z",
        records=records,
    )


def _tagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_tagged(one) for one in value]
    if isinstance(value, dict):
        held = {key: _tagged(one) for key, one in value.items() if (key, one) != ("ours", True)}
        return {**held, **(VPC if value.get("ours") is True else {})}
    return value
