"""Findings as OCSF events: valid by models that are not ours, the same text each time, never greener than they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bundled import Site
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.objects.cloud import Cloud
from pydantic import ConfigDict

from airgap.model.finding import STATUSES, Finding
from airgap.report import ocsf

Events = list[dict[str, Any]]


class Strict(ComplianceFinding):  # type: ignore[misc]
    """The model, without anything that it does not know."""

    model_config = ConfigDict(extra="forbid")


@pytest.fixture(scope="module")
def events(site: Site, bundle: Path) -> Events:
    """The events of a run."""
    done = site("bundle", "ocsf", str(bundle.with_suffix("")))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ocsf.document(bundle.with_suffix(""))
    found: Events = json.loads(done.stdout)
    return found


def test_every_event_is_valid(events: Events) -> None:
    assert len(events) > 100
    for event in events:
        # The profile "cloud" adds this one, and the model of the class has no profiles.
        Cloud.model_validate(event["cloud"])
        made = Strict.model_validate({name: value for name, value in event.items() if name != "cloud"})
        assert (made.class_uid, made.type_uid.value, made.metadata.version) == (2003, 200301, "1.5.0")


def test_events_are_the_findings_with_their_pages(events: Events, bundle: Path) -> None:
    findings = json.loads((bundle.with_suffix("") / "findings.json").read_text())["findings"]
    told = [(one["metadata"]["event_code"], one["resources"][0]["name"], one["status_code"],
             [each["data"]["sha256"] for each in one["evidences"]]) for one in events]  # fmt: skip
    assert told == [(one["check"], one["resource"], one["status"], one["observations"]) for one in findings]
    assert len({one["finding_info"]["uid"] for one in events}) == len(events)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_never_greener_there(status: str, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = ocsf.assessed(ocsf.Run(ocsf.Folder(str(bundle.with_suffix("")))))
    finding = Finding("keys-rotate", "t", status, "high", "*", "said", waiver="until May" if status == "waived" else "")
    monkeypatch.setattr(ocsf, "assessed", lambda run: one._replace(findings=(finding,)))
    (event,) = json.loads(ocsf.document(bundle.with_suffix("")))
    expected = {"pass": "Pass", "fail": "Fail", "waived": "Fail", "unknown": "Unknown",
                "not_applicable": "Not applicable"}  # fmt: skip
    assert event["compliance"]["status"] == event["compliance"]["checks"][0]["status"] == expected[status]
    assert event["status_detail"] == ("until May" if status == "waived" else "said")
    assert (event["severity_id"], event["severity"]) == (4, "High")
