"""SARIF 2.1.0 (OASIS): what failed and what is unknown, for a code-scanning service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from airgap.model.canonical import digest_of
from airgap.model.finding import FAIL, UNKNOWN, WAIVED, Finding
from airgap.report.record import RunRecord
from airgap.report.tally import Judged, by_check

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.0"}
"""Severity as the number from 0 to 10 that code-scanning services sort by."""

KIND = {FAIL: "fail", WAIVED: "fail", UNKNOWN: "open"}
"""``open`` is SARIF's own word for unknown: evaluated, and what was known did not decide it (section 3.27.9)."""


def sarif(run: RunRecord) -> str:
    """Return the run as SARIF: fail and unknown are results, waived ones are results that are suppressed."""
    judged = by_check(run.findings)
    number = {one.check: index for index, one in enumerate(judged)}
    results = [_result(run, one, number[one.check]) for check in judged for one in check.having(FAIL, UNKNOWN, WAIVED)]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(run, judged, results)]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _run(run: RunRecord, judged: Sequence[Judged], results: list[dict[str, Any]]) -> dict[str, Any]:
    data = run.data
    invocation = {
        "executionSuccessful": all(one["status"] == "completed" for one in data["steps"]),
        "exitCode": data["exit_code"],
        "startTimeUtc": data["started"],
        "endTimeUtc": data["ended"],
    }
    place = {name: data[name] for name in ("world", "env", "account", "region", "commit", "params_sha256", "head")}
    return {
        "tool": {"driver": {
            "name": "airgap",
            "version": data["versions"].get("airgap", "unknown"),
            "rules": [_rule(one) for one in judged],
        }},
        "automationDetails": {"id": f"airgap/{data['env']}/{data['run_id']}"},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": place,
    }  # fmt: skip


def _rule(one: Judged) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": one.check,
        "shortDescription": {"text": one.title},
        "defaultConfiguration": {"level": LEVEL[one.severity]},
        "properties": {"tags": ["security", *one.properties], "security-severity": SCORE[one.severity]},
    }
    if one.remedy:
        rule["help"] = {"text": one.remedy}
    return rule


def _result(run: RunRecord, one: Finding, rule: int) -> dict[str, Any]:
    data = run.data
    result: dict[str, Any] = {
        "ruleId": one.check,
        "ruleIndex": rule,
        "kind": KIND[one.status],
        "level": "none" if one.status == UNKNOWN else LEVEL[one.severity],
        "message": {"text": f"{one.resource}: {one.message}"},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": f"params/{data['env']}.yaml"}},
            "logicalLocations": [{
                "name": one.resource,
                "fullyQualifiedName": f"{data['account']}/{data['region']}/{one.resource}",
                "kind": "resource",
            }],
        }],
        "partialFingerprints": {"checkAndResource/v1": digest_of([one.check, one.resource])},
        "properties": {
            "status": one.status,
            "severity": one.severity,
            "properties": list(one.properties),
            "observations": list(one.observations),
        },
    }  # fmt: skip
    if one.status == WAIVED:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": one.waiver}]
    return result
