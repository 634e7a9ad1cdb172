"""Every kind of page in a browser: accessible by axe-core's rules for WCAG 2 A and AA, and fitting any window."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Chromium
from pages_shown import KINDS

pytestmark = pytest.mark.lab
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOUND = f"""axe.run({{runOnly: {RULES}, resultTypes: ['violations']}}).then(told => told.violations.flatMap(
  one => one.nodes.map(node => `${{one.id}}: ${{node.html.slice(0, 200)}}: ${{node.failureSummary}}`)))"""
OPEN = "document.querySelectorAll('details').forEach(one => one.open = true); 0"


@pytest.mark.parametrize(("kind", "width"), [*((kind, 1280) for kind in KINDS), ("first page", 400)])
def test_a_page_is_accessible(kind: str, width: int, browser: Chromium, axe: str, pages: dict[str, Path]) -> None:
    browser.open(pages[kind], width)
    browser.run(f"{OPEN}; {axe}; 0")
    assert browser.run(FOUND) == []


@pytest.mark.parametrize("width", [320, 400, 800, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_no_page_is_wider_than_its_window(kind: str, width: int, browser: Chromium, pages: dict[str, Path]) -> None:
    """WCAG 2.1, 1.4.10: what is too wide, as a table, scrolls by itself."""
    browser.open(pages[kind], width)
    browser.run(OPEN)
    assert browser.run("[document.documentElement.scrollWidth, innerWidth]") == [width, width]


def test_the_rules_find_what_is_not_accessible(browser: Chromium, axe: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<title>x</title><p style='color:#999;background:#fff'>pale</p><img src='data:image/png;base64,'>")
    browser.open(path)
    browser.run(f"{axe}; 0")
    assert {one.partition(":")[0] for one in browser.run(FOUND)} >= {"color-contrast", "html-has-lang", "image-alt"}
