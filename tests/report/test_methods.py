"""How each property was shown: a live test is told apart from what was read, the lab from an account."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from synthetic_run import finding, make_run

from airgap.controls import verdicts
from airgap.model.observation import Observation
from airgap.report.frameworks import framework_pages
from airgap.report.index import index_page
from airgap.report.methods import Shown, sentence, shown
from airgap.report.record import RunRecord, StepRecord, read_run

TRANSCRIPT, LISTED = "d" * 64, "e" * 64


def run_of(tmp_path: Path, world: str, *found: Any) -> RunRecord:
    """A run with these findings, whose journal has a transcript of probes and a page that was read."""
    run = read_run(make_run(tmp_path, found, world=world))
    step = next(iter(run.steps.values()))
    place: dict[str, Any] = {"params": {}, "account": "123456789012", "region": "us-east-1", "place": world,
                             "status": "ok", "time": "2026-11-23T08:50:01.000000Z"}  # fmt: skip
    reads = (Observation(call="probe:Network", page=TRANSCRIPT, method="TEST", **place),
             Observation(call="ec2:DescribeVpcs", page=LISTED, **place))  # fmt: skip
    lines = [{"event": "read", "data": one.as_data(), "time": "", "digest": ""} for one in reads]
    kept: StepRecord = dataclasses.replace(step, lines=(*step.lines, *lines))
    return dataclasses.replace(run, steps={step.folder: kept})


def probe(resource: str, status: str = "pass", check: str = "probes-fail-outward") -> Any:
    return finding(check, status, resource, properties=("NET-13",), observations=(TRANSCRIPT, LISTED))


def row(run: RunRecord, name: str) -> Shown:
    return next(one for one in shown(run, verdicts(run.findings)) if one.id == name)


@pytest.mark.parametrize(
    ("world", "host", "said"),
    [("rehearsal", "netns://airgap.demo.eni-1 out", "lab: 1"), ("lab", "lab://data database-tls", "lab: 1"),
     ("aws", "ssm://i-1 out", "account: 1"), ("rehearsal", "kubectl://pod out", "embedded AWS: 1")],
)  # fmt: skip
def test_a_probe_is_a_test_where_its_host_stands(tmp_path: Path, world: str, host: str, said: str) -> None:
    found = row(run_of(tmp_path, world, probe(host)), "NET-13")
    assert (found.by_configuration, found.by_test) == ("", said)


def test_what_was_read_is_no_test(tmp_path: Path) -> None:
    read = finding("flows-recorded", "fail", "flow-log:main", properties=("NET-14",), observations=(LISTED,))
    found = row(run_of(tmp_path, "aws", read), "NET-14")
    assert (found.by_configuration, found.by_test) == ("account: 1", "")
    assert [one.what for one in found.untested] == ["the records are locked against deletion"]


@pytest.mark.parametrize("status", ["unknown", "not_applicable"])
def test_what_was_not_decided_was_not_shown(tmp_path: Path, status: str) -> None:
    found = row(run_of(tmp_path, "aws", probe("*", status)), "NET-13")
    assert (found.by_configuration, found.by_test) == ("", "")


def test_the_record_of_a_test_is_read(tmp_path: Path) -> None:
    """That a transcript was read to its end is no test of what it speaks of."""
    found = row(run_of(tmp_path, "lab", probe("probe:Network", check="evidence-pages-closed")), "NET-13")
    assert (found.by_configuration, found.by_test) == ("embedded AWS: 1", "")


def test_both_pages_say_so(tmp_path: Path) -> None:
    run = run_of(tmp_path, "rehearsal", probe("netns://airgap.demo.eni-1 out"))
    told = sentence(shown(run, verdicts(run.findings)))
    assert told.startswith("Of 45 properties 1 were shown by a live test, at least in part (1 in the lab, ")
    assert "0 by configuration alone; 44 by neither" in told
    pages = framework_pages(run)
    assert told in index_page(run)
    assert all(told in page for page in pages.values())
    assert "By a live test: lab: 1." in next(iter(pages.values()))
