"""Secrets planted in every input are in no output: terminal, journals, pages, reports, notebooks as decoded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from canaries import SECRETS, TELLING, leaks, left, plant
from commandline import Airgap
from library import Library, project

from airgap import rehearsal
from airgap.evidence.journal import read_journal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def canary(airgap: Airgap, tmp_path_factory: pytest.TempPathFactory) -> Airgap:
    """The command line of somebody with secrets in every pocket, on an account with secrets in every corner."""
    place = tmp_path_factory.mktemp("canary")
    Library(airgap.environment, airgap.reports)("apply", "identity", verify=False)
    plant(airgap.boto)
    profile = {
        "aws_access_key_id": rehearsal.access_key("alice"),
        "aws_secret_access_key": SECRETS["session-secret"],
        "aws_session_token": SECRETS["session-token"],
    }
    lines = "".join(f"{name} = {value}\n" for name, value in profile.items())
    (place / "credentials").write_text(f"[canary]\n{lines}")
    own = {name: value for name, value in airgap.environment.items() if "KEY" not in name and "TOKEN" not in name}
    hidden = dict.fromkeys(("DB_PASSWORD", "GITHUB_TOKEN", "AIRGAP_PASSWORD"), SECRETS["environment"])
    settings = {"AWS_PROFILE": "canary", "AWS_SHARED_CREDENTIALS_FILE": str(place / "credentials"), **hidden}
    return Airgap(airgap.reports, {**own, **settings}, cwd=project(place / "project"))


def refuse(canary: Airgap, operation: str) -> None:
    """Have a service repeat secrets in the text of its refusal."""
    message = f"{SECRETS['session-secret']} and {SECRETS['session-token']} are wrong, password={SECRETS['refusal']}"
    fault = {"operation": operation, "error": "Refused", "code": "Wrong", "message": message, "times": None}
    canary.control("POST", "/rehearsal/faults", fault)


@pytest.fixture(scope="module")
def said(airgap: Airgap, canary: Airgap) -> list[tuple[str, str]]:
    """What commands print when they meet planted secrets, each with an exit code that shows that it did."""
    kms = airgap.boto("kms")
    key = next(one["TargetKeyId"] for one in kms.list_aliases()["Aliases"] if one["AliasName"].startswith("alias/fin"))
    kms.update_key_description(KeyId=key, Description=f"PASSWORD={SECRETS['drift']}")
    refuse(canary, "kms:UpdateKeyDescription")
    refuse(canary, "kms:ListGrants")
    wrong = (canary.cwd / "params" / "demo.yaml").read_text().replace("environment: demo", "environment: wrong")
    reason = (
        f"waivers:\n  - {{property: NET-14, resource: x, until: 2027-01-01, reason: 'password={SECRETS['params']}'}}\n"
    )
    (canary.cwd / "params" / "wrong.yaml").write_text(wrong + reason)
    story = [
        ("plan --env wrong", 64),
        ("params check --env wrong --json", 64),
        ("plan --env demo --only identity --json", 2),
        ("apply --env demo --only identity", 1),
        ("verify --env demo --only identity --pdf", 3),
        ("status --env demo", 3),
        ("diff --env demo", 2),
        (f"snapshot --env demo --out {canary.cwd / 'estate'}", 4),
    ]
    told = []
    for typing, code in story:
        done = canary(*typing.split())
        assert done.returncode == code, done.stdout + done.stderr
        told.append((typing, done.stdout + done.stderr))
    return told


def test_secrets_were_there_to_be_seen(canary: Airgap, said: list[tuple[str, str]]) -> None:
    entries, problems = read_journal(canary.cwd / "estate" / "journal.ndjson")
    assert problems == []
    hidden = {entry["data"]["call"] for entry in entries if entry["data"].get("redacted")}
    assert hidden >= TELLING
    refused = [text for typing, text in said if typing.startswith("apply")]
    assert "kms:UpdateKeyDescription" in refused[0]
    assert "[redacted] and [redacted] are wrong, password=[redacted]" in refused[0]


def test_no_secret_is_printed(said: list[tuple[str, str]]) -> None:
    assert leaks(iter(said)) == []


def test_no_secret_is_in_any_file(canary: Airgap, said: list[tuple[str, str]]) -> None:
    files = [(name, text) for name, text in left(canary.reports, canary.cwd / "estate") if not name.endswith(".pdf")]
    assert {Path(name).suffix for name, _ in files} >= {".ndjson", ".json", ".html", ".ipynb", ".xml", ".sarif", ".md"}
    assert leaks(iter(files)) == []


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext, which reads PDF files, is not installed")
def test_no_secret_is_on_paper(canary: Airgap, said: list[tuple[str, str]]) -> None:
    pages = [(name, text) for name, text in left(canary.reports) if name.endswith(".pdf")]
    assert {Path(name).name for name, _ in pages} >= {"index.pdf", "report.pdf"}
    assert all("demo" in text for _, text in pages)
    assert leaks(iter(pages)) == []
