"""What the documents say: paths that are there, and checks that a reader can carry out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "reports/README.md")
PATH = re.compile(r"`((?:lib|tests|params|docs|notebooks)/[\w./-]+)`|\]\(([\w./-]+)\)")
MODULE = re.compile(r"(?<![\w/])((?:run|model|cloud|checks|rehearsal|resources|report|views)/\w+\.py)\b")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(name: str) -> None:
    text, place = (ROOT / name).read_text(), (ROOT / name).parent
    found = [ROOT / one if one else place / link for one, link in PATH.findall(text)]
    found += [ROOT / "lib" / "airgap" / one for one in MODULE.findall(text)]
    assert len(found) > 1 or name == "reports/README.md"
    assert [str(path) for path in found if not path.exists()] == []


def _snippet(language: str) -> str:
    """The code that the page for the regulator's reader gives for checking a run."""
    page = (ROOT / "reports" / "README.md").read_text()
    found: list[str] = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return next(one for one in found if one.startswith(language))


def test_the_readers_own_checks_find_what_was_changed(tmp_path: Path) -> None:
    from airgap.evidence.journal import JournalFile
    from airgap.evidence.pages import PageFolder

    pages, place = PageFolder(tmp_path / "observations"), tmp_path / "steps" / "02_network" / "journal.ndjson"
    digest = pages.keep(b'{"Vpcs":[]}')
    (tmp_path / "observations" / "index.json").write_text("[]")
    journal = JournalFile(place)
    for event in ("open", "read", "close"):
        journal.append(event, {"what": "ä"})
    journal.close()
    program = _snippet("python3 -").partition("\n")[2].rpartition("END")[0]

    def outcome(folder: Path, *command: str) -> tuple[int, str]:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    check_journal = (tmp_path, sys.executable, "-c", program, str(place))
    check_pages = (tmp_path / "observations", "bash", "-c", _snippet("for page"))
    assert outcome(*check_journal) == (0, f"whole; journal head {journal.head}\n")
    assert outcome(*check_pages) == (0, "OK\n")
    place.write_text(place.read_text().replace('"event":"read"', '"event":"plan"'))
    (tmp_path / "observations" / f"{digest}.json").write_text('{"Vpcs":[1]}')
    assert "line 2 was altered" in outcome(*check_journal)[1]
    assert f"{digest}.json: FAILED" in outcome(*check_pages)[1]
