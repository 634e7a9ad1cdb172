"""The mirror as it is drawn: what is there by its digest, what is not yet, and a tag that names something else."""

from __future__ import annotations

import copy
import dataclasses

import drawn_estates as drawn
import drawn_images
import pytest

from airgap.model.intent import Intent
from airgap.views import VIEWS, Look
from airgap.views.images import size

PAUSE = ("ecr:DescribeImages", '{"repositoryName": "fintech/pause"}')


def row(pages: drawn.Pages, intent: Intent = drawn.DEMO) -> str:
    """The row of one image, as text."""
    shown = VIEWS["images"]["mirror"](Look(intent, drawn.estate(pages)))
    return next(line for line in shown.text().splitlines() if line.startswith("fintech/pause:3.10"))


def test_each_image_says_where_it_is() -> None:
    pages = drawn.deployed()
    assert "✓ by its digest" in row(pages)
    assert "… copied by apply" in row(drawn.empty())
    untagged, moved = copy.deepcopy(pages[PAUSE]), copy.deepcopy(pages[PAUSE])
    untagged["imageDetails"][0]["imageTags"] = []
    assert "… copied by apply" in row({**pages, PAUSE: untagged})
    moved["imageDetails"][0]["imageDigest"] = "sha256:" + "0" * 64
    assert "✗ the tag names sha256:0000" in row({**pages, PAUSE: moved})
    stripped = {"imageDetails": pages[PAUSE]["imageDetails"][:-1]}
    assert "✗ without 1 of 3 attached" in row({**pages, PAUSE: stripped})


def test_who_signed_an_image_is_told_and_a_signature_from_what_else_refers_to_it() -> None:
    lock = copy.deepcopy(drawn_images.LOCK)
    pages = {**drawn.empty(), ("images:ReadLock", "{}"): lock}
    (pause,) = [one for one in lock["entries"] if one["source"].endswith("/pause")]
    assert "✓ by publisher of the rehearsal, 2 more attached" in row(drawn.empty())
    nobodys = dataclasses.replace(drawn.DEMO, images=dataclasses.replace(drawn.DEMO.images, signers=()))
    assert "– carried, not judged, 2 more attached" in row(drawn.empty(), nobodys)
    pause["claims"] = []
    assert "✗ no signature in cosign's form came with it" in row(pages)
    pause["signatures"] = [one for one in pause["signatures"] if ".sig@" not in one]
    assert "– no, 2 more attached" in row(pages, nobodys)


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (24678, "24.7 kB"), (3 * 10**15, "3000.0 TB")])
def test_sizes_as_people_read_them(count: int, text: str) -> None:
    assert size(count) == text
