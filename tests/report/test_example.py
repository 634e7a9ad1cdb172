"""The golden run in reports/example: small, whole, and free of whatever made it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
PAGES = sorted(EXAMPLE.rglob("*.html"))
LIMIT = 1024 * 1024


def test_the_example_is_small_and_passes() -> None:
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < LIMIT
    run = json.loads((EXAMPLE / "run.json").read_text())
    assert (run["world"], run["verdict"], run["exit_code"]) == ("rehearsal", "pass", 0)
    assert (EXAMPLE / "summary.md").read_text().startswith("# demo: ✓ pass")
    assert len(PAGES) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_the_example_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    ids = set(re.findall(r'id="([^"]+)"', text))
    links = re.findall(r'href="([^"]+)"', text)
    assert len(links) > 5
    for link in links:
        target, _, anchor = link.partition("#")
        assert (page.parent / target).exists() if target else anchor in ids, link


@pytest.mark.parametrize("path", [path for path in EXAMPLE.rglob("*") if path.is_file()], ids=lambda path: path.name)
def test_the_example_names_no_machine(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|Users|var|opt)/", text)
    hosts = set(re.findall(r"https?://([\w.-]+)", text))
    assert hosts <= {"127.0.0.1", "www.w3.org"}, "the latter names the vocabulary of SVG"
