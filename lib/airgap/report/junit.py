"""JUnit XML: one test case per check and resource, and one per step, so that a run that broke is never green."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from airgap.model.finding import FAIL, NOT_APPLICABLE, UNKNOWN, WAIVED, Finding
from airgap.report.record import RunRecord
from airgap.report.tally import Judged, by_check

ELEMENT = {FAIL: "failure", UNKNOWN: "error", NOT_APPLICABLE: "skipped", WAIVED: "skipped"}

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""


def junit(run: RunRecord) -> str:
    """Return the run as JUnit XML: fail is a failure, unknown an error, not applicable and waived are skipped."""
    suites = [_steps(run), *(_check(one, run.data["started"]) for one in by_check(run.findings))]
    root = ET.Element("testsuites", {"name": f"airgap {run.data['env']} {run.data['run_id']}", **_sums(suites)})
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _steps(run: RunRecord) -> ET.Element:
    cases = []
    for one in run.data["steps"]:
        case = _element("testcase", classname="airgap.steps", name=one["name"], time=f"{one.get('seconds', 0):.2f}")
        if one["status"] != "completed":
            told = one.get("message") or one["error"]
            case.append(_told("error", f"{one['status']}: {told}".splitlines()[0], told))
        cases.append(case)
    return _suite("steps", cases, run.data["started"])


def _check(judged: Judged, time: str) -> ET.Element:
    return _suite(f"{judged.check}: {judged.title}", [_case(one) for one in judged.findings], time)


def _case(one: Finding) -> ET.Element:
    case = _element("testcase", classname=f"airgap.{one.check}", name=one.resource, time="0")
    if one.status in ELEMENT:
        lines = [
            one.message,
            *([f"Waived: {one.waiver}"] if one.waiver else []),
            *([f"What to do: {one.remedy}"] if one.remedy else []),
            *([f"Properties: {', '.join(one.properties)}"] if one.properties else []),
            *(f"Read from: {page}" for page in one.observations),
        ]
        message = f"waived: {one.waiver}" if one.status == WAIVED else one.message
        case.append(_told(ELEMENT[one.status], message, "\n".join(lines), one.severity))
    return case


def _suite(name: str, cases: Sequence[ET.Element], time: str) -> ET.Element:
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = _element("testsuite", name=name, timestamp=time, **{key: str(value) for key, value in counts.items()})
    suite.extend(cases)
    return suite


def _sums(suites: Sequence[ET.Element]) -> dict[str, str]:
    names = ("tests", "failures", "errors", "skipped")
    return {name: str(sum(int(suite.attrib[name]) for suite in suites)) for name in names}


def _told(name: str, message: str, text: str, kind: str = "") -> ET.Element:
    element = _element(name, message=message, **({"type": kind} if kind and name != "skipped" else {}))
    element.text = _writable(text)
    return element


def _element(element: str, **attributes: str) -> ET.Element:
    return ET.Element(element, {key: _writable(value) for key, value in attributes.items()})


def _writable(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
