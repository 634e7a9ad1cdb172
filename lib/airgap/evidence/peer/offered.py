"""Our checks as a folder of custom checks for Prowler (``prowler aws -x FOLDER``), so that they stand in its reports.

Each reads the verdict from a run's ``findings.json``, which the variable ``AIRGAP_FINDINGS`` names; it judges nothing
anew. What is unknown or not applicable is ``MANUAL`` there, never a pass; what is waived stays a failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from airgap.checks.check import Check
from airgap.errors import UsageError

SERVICE = "airgap"
_MODULE = '''"""{title} (a verdict of airgap's, read from its findings)."""

import json
import os

from prowler.lib.check.models import Check, Check_Report_AWS

STATUS = {{"pass": "PASS", "fail": "FAIL", "waived": "FAIL"}}


class {name}(Check):
    def execute(self):
        with open(os.environ["AIRGAP_FINDINGS"], encoding="utf-8") as file:
            findings = json.load(file)["findings"]
        told = [one for one in findings if one["check"] == "{check}"]
        if not told:
            told = [{{"status": "unknown", "resource": "*", "message": "the run has no finding of {check}"}}]
        return [self.report(one) for one in told]

    def report(self, one):
        made = Check_Report_AWS(metadata=self.metadata(), resource={{}})
        made.status = STATUS.get(one["status"], "MANUAL")
        made.status_extended = one["status"] + ": " + one["message"]
        made.resource_id = made.resource_arn = one["resource"]
        made.region = os.environ.get("AWS_REGION", "global")
        return made
'''


def name_of(check: str) -> str:
    """Return how a check of ours is called there."""
    return f"{SERVICE}_{check.replace('-', '_')}"


def files(checks: Iterable[Check]) -> dict[str, str]:
    """Return the folder's files."""
    made: dict[str, str] = {}
    for one in checks:
        name = name_of(one.id)
        made[f"{name}/__init__.py"] = ""
        made[f"{name}/{name}.py"] = _MODULE.format(name=name, check=one.id, title=one.title.replace('"', "'"))
        made[f"{name}/{name}.metadata.json"] = json.dumps(_metadata(one, name), indent=2, sort_keys=True) + "\n"
    return made


def write(folder: Path, checks: Sequence[Check]) -> list[str]:
    """Write the folder, new or empty, and return how its checks are called there."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "it", "name a new folder")
    for name, text in files(checks).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [name_of(one.id) for one in checks]


def _metadata(one: Check, name: str) -> Mapping[str, object]:
    return {
        "Provider": "aws", "CheckID": name, "CheckTitle": one.title[:150], "CheckType": [], "ServiceName": SERVICE,
        "SubServiceName": "", "ResourceIdTemplate": "", "Severity": "informational" if one.severity == "info" else
        one.severity, "ResourceType": "Other", "ResourceGroup": "", "Description": one.title[:400],
        "Risk": f"Properties: {', '.join(one.properties) or 'none'}", "RelatedUrl": "", "AdditionalURLs": [],
        "Remediation": {"Code": {"CLI": "", "NativeIaC": "", "Other": "", "Terraform": ""},
                        "Recommendation": {"Text": one.remedy, "Url": ""}},
        "Categories": [], "DependsOn": [], "RelatedTo": [], "Notes": f"airgap check {one.id}",
    }  # fmt: skip
