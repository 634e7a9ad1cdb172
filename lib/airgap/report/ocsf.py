"""Findings as OCSF events, class 2003, Compliance Finding, for a lake of security events.

Nothing in them is random or of another clock: the same run gives the same text. What is unknown is *Unknown* there and
what is not applicable *Other*; what is waived stays *Fail*, with the waiver in its detail.
Source: Open Cybersecurity Schema Framework 1.5.0, "Compliance Finding [2003]".
"""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

from airgap.evidence.bundle.assessed import Assessed, assessed
from airgap.evidence.bundle.members import Folder
from airgap.evidence.bundle.recorded import Run
from airgap.model.canonical import encode
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, SEVERITIES, UNKNOWN, WAIVED, Finding

VERSION, CLASS = "1.5.0", 2003
_STATUS = {PASS: (1, "Pass"), FAIL: (3, "Fail"), WAIVED: (3, "Fail"), UNKNOWN: (0, "Unknown"),
           NOT_APPLICABLE: (99, "Not applicable")}  # fmt: skip
_SEVERITY = {name: (number, name.capitalize()) for number, name in enumerate(reversed(SEVERITIES), 1)}
_SEVERITY["info"] = (1, "Informational")


def document(run_root: Path) -> str:
    """Return a run's findings as one JSON list of events, in the findings' order."""
    one = assessed(Run(Folder(str(run_root))))
    arns: dict[str, str] = {}
    for asset in one.assets:
        arns.setdefault(asset.key, asset.arn)
    return "[\n" + ",\n".join(encode(_event(each, one, arns.get(each.resource, ""))) for each in one.findings) + "\n]\n"


def _event(finding: Finding, one: Assessed, arn: str) -> dict[str, Any]:
    run = one.run
    taken = dt.datetime.fromisoformat(one.collected(finding).replace("Z", "+00:00"))
    number, status = _STATUS[finding.status]
    rank, severity = _SEVERITY[finding.severity]
    event = {
        "activity_id": 1, "activity_name": "Create", "category_name": "Findings", "category_uid": 2,
        "class_name": "Compliance Finding", "class_uid": CLASS, "type_name": "Compliance Finding: Create",
        "type_uid": CLASS * 100 + 1, "time": int(taken.timestamp() * 1000), "timezone_offset": 0,
        "severity": severity, "severity_id": rank, "status": "New", "status_id": 1,
        "status_code": finding.status, "status_detail": finding.waiver or finding.message, "message": finding.message,
        "metadata": {"version": VERSION, "event_code": finding.check, "profiles": ["cloud"],
                     "uid": _id(run["run_id"], finding), "product": {"name": "airgap", "vendor_name": "airgap",
                                                                     "version": run["commit"] or "unversioned"}},
        "finding_info": {"uid": _id(run["env"], finding), "title": finding.title, "desc": finding.message,
                         "types": [run["world"]]},
        "compliance": {"status": status, "status_id": number, "control": ", ".join(finding.properties) or finding.check,
                       "standards": ["airgap properties"], "requirements": list(finding.properties),
                       "checks": [{"uid": finding.check, "name": finding.title, "status": status,
                                   "status_id": number}]},
        "resources": [{"uid": arn or finding.resource, "name": finding.resource, "region": run["region"]}],
        "evidences": [{"name": f"observations/{page}.json", "data": {"sha256": page}} for page in finding.observations],
        "cloud": {"provider": "AWS", "region": run["region"],
                  "account": {"uid": run["account"], "name": run["account"], "type": "AWS Account", "type_id": 10}},
    }  # fmt: skip
    if finding.remedy:
        event["remediation"] = {"desc": finding.remedy}
    return event


def _id(scope: str, finding: Finding) -> str:
    """Return an id that is the same for the same check and resource in a scope: a run, or an environment."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"airgap:{scope}:{finding.check}:{finding.resource}"))
