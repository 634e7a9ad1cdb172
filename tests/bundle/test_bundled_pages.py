"""The pages of a bundle, offline: every link leads to a member, nobody is said to comply, silence is not green."""

from __future__ import annotations

import fnmatch
import html
import posixpath
import re
import urllib.parse

import pytest
from bundled import ROOT

from airgap.controls import FRAMEWORKS, by_property
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED

STANCE = re.compile(
    r"\b(?:compli(?:es|ed|ant|ance)|comply|satisf(?:y|ies|ied)|fulfil(?:s|led)?|certif(?:y|ies|ied)|meets)\b", re.I
)
DENIED = (
    "It does not say that the institution complies with any rule",
    "whether the institution complies is for people to say",
    "whether the institution meets the requirement, is for people to say",
    "it never says that an institution complies",
    "Compliance Assessment",
)
"""What may be said with these words: that it is not said."""


@pytest.fixture(scope="module")
def pages(whole: dict[str, bytes]) -> dict[str, str]:
    """Every HTML member."""
    return {name: raw.decode("utf-8") for name, raw in whole.items() if name.endswith(".html")}


def words(page: str) -> str:
    """What a page says, without its style."""
    bare = re.sub(r"<style>.*?</style>|<title>.*?</title>|<[^>]+>", " ", page, flags=re.S)
    return " ".join(html.unescape(bare).split())


def test_every_link_of_every_page_leads_to_a_member(pages: dict[str, str], whole: dict[str, bytes]) -> None:
    ids = {name: set(re.findall(r'\bid="([^"]+)"', page)) for name, page in pages.items()}
    followed = 0
    for name, page in pages.items():
        for href in set(re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page)):
            path, _, fragment = html.unescape(href).partition("#")
            assert not re.match(r"[a-z]+:|/", path), f"{name}: {href} leads out of the bundle"
            joined = posixpath.join(posixpath.dirname(name), urllib.parse.unquote(path))
            target = posixpath.normpath(joined) if path else name
            assert target in whole, f"{name}: {href} leads nowhere"
            assert not fragment or fragment in ids[target], f"{name}: {href} leads to no place in {target}"
            followed += 1
    assert followed > 500
    assert {f"frameworks/{one.id}.html" for one in FRAMEWORKS} < set(pages)


def test_from_a_requirement_one_comes_to_the_page_that_aws_answered(pages: dict[str, str]) -> None:
    page = pages["frameworks/sp800-53.html"]
    (row,) = re.findall(r'<tr><th scope="row"><a href="#(r\d+)">AC-6</a></th>', page)
    (name,) = set(re.findall(r'<a href="#(p-IAM-01)">', page[page.index(f'id="{row}"') :].partition("</section>")[0]))
    number = re.findall(r'<a href="#(o\d+)">', page[page.index(f'id="{name}"') :].partition("</section>")[0])[0]
    assert re.search(rf'<tr id="{number}">.*?href="\.\./observations/[0-9a-f]{{64}}\.json"', page, re.S)


def test_no_member_says_that_anybody_complies(pages: dict[str, str], whole: dict[str, bytes]) -> None:
    ruled = {name: page for name, page in pages.items() if not name.endswith("/notebook.html")}
    texts = {name: words(page.partition('<section id="views"')[0]) for name, page in ruled.items()}  # then comes data
    texts |= {name: whole[name].decode() for name in ("summary.md", "README.txt")}
    said = {
        " ".join(sentence.split())
        for text in texts.values()
        for sentence in re.split(r"(?<=[.;:])\s", text.replace("COMPLIANCE", ""))  # a mode of S3 Object Lock
        if STANCE.search(sentence)
    }
    assert [one for one in sorted(said) if not any(denied in one for denied in DENIED)] == []
    assert said


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda one: one.id)
def test_a_requirement_of_which_nothing_was_judged_is_not_green(framework: object, pages: dict[str, str],
                                                               whole: dict[str, bytes]) -> None:  # fmt: skip
    import json

    found = json.loads(whole["findings.json"])["findings"]
    judged = {name for one in found if one["status"] in (PASS, FAIL, UNKNOWN, WAIVED) for name in one["properties"]}
    assert any(one["status"] == NOT_APPLICABLE for one in found)
    bears: dict[str, set[str]] = {}
    for held in by_property().values():
        for one in held:
            if one.framework == framework.id:  # type: ignore[attr-defined]
                bears.setdefault(one.requirement, set()).add(one.property)
    page = pages[f"frameworks/{framework.id}.html"]  # type: ignore[attr-defined]
    table = page[page.index('<section id="requirements">') : page.index('<section id="why">')]
    rows = {html.unescape(one): tone for one, tone in re.findall(
        r'<tr><th[^>]*><a[^>]*>([^<]+)</a></th>.*?<span class="mark (\w+)">', table)}  # fmt: skip
    assert set(rows) == set(bears)
    silent = {name for name, properties in bears.items() if not properties & judged}
    assert silent
    assert {rows[name] for name in silent} == {"quiet"}
    part = {name for name, properties in bears.items() if properties & judged and properties - judged}
    assert "good" not in {rows[name] for name in part}


def test_the_document_lists_every_member_and_no_other(whole: dict[str, bytes]) -> None:
    text = (ROOT / "docs" / "EVIDENCE.md").read_text(encoding="utf-8")
    table = text[text.index("| member | form |") :].partition("\n\n")[0]
    patterns = [one for row in table.splitlines()[2:] for one in re.findall(r"`([^`]+)`", row.split("|")[1])]
    patterns = [f"{one}*" if one.endswith("/") else one for one in patterns if not one.startswith(".")]
    unlisted = [name for name in whole if not any(fnmatch.fnmatch(name, one) for one in patterns)]
    assert unlisted == []
    # Of whole runs, of real accounts, and where a second scanner was run.
    apart = {"proof.json", "certificate.json", "cloudtrail/*", "peer/*", "requirements.lock"}
    idle = [one for one in patterns if not any(fnmatch.fnmatch(name, one) for name in whole)]
    assert set(idle) <= apart, "no member of a bundle has this name"
