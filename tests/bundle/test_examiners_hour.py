"""The examiner's hour, as documented: every command is repeated on a bundle made anew, and every answer compared."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import examiner
import pytest
from bundled import Site
from vouchers import key


@pytest.fixture(scope="module")
def desk(site: Site, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examiner was given: a bundle, its signature, and the public key."""
    place, made = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("made")
    copy = made / "demo" / bundle.stem
    shutil.copytree(bundle.with_suffix(""), copy)
    mine = key(made, "mine")
    assert site("bundle", "create", str(copy), "--sign", str(mine)).returncode == 0
    shutil.copy(copy.with_suffix(".zip"), place / "evidence.zip")
    shutil.copy(copy.with_suffix(".zip.dsse.json"), place / "evidence.zip.dsse.json")
    shutil.copy(mine.with_suffix(".pub"), place / "evidence.pub")
    return place


def test_every_command_answers_as_documented(desk: Path) -> None:
    document = examiner.DOCUMENT.read_text(encoding="utf-8")
    steps = examiner.every(document)
    assert len(steps) > 12
    for one in steps:
        answer = examiner.answered(one.command, desk)
        assert examiner.alike(answer) == examiner.alike(one.answer), f"{one.command}\n{answer}\nin {desk}"


def test_a_word_of_an_answer_counts_and_a_count_does_not() -> None:
    one = "OK    manifest     151 members, 2026-11-24T02:03:04Z at " + "a" * 64
    assert examiner.alike(one) == "OK    manifest     N members, TIME at DIGEST"
    assert examiner.alike("exit code 12, or 5.") == "exit code 12, or N."
    assert examiner.alike("SHA-256, identity 01_identity, 7.2.1") == "SHA-256, identity 01_identity, 7.2.1"


def test_the_document_promises_an_hour() -> None:
    headings = re.findall(r"^## \d+\. .*\((\d+) minutes\)$", examiner.DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert len(headings) == 10
    assert 50 <= sum(map(int, headings)) <= 70
