"""Each release held against the cluster: what is there, what is not, and where an object differs."""

from __future__ import annotations

import copy
import json
from typing import Any

import drawn_estates as drawn

from airgap.views import VIEWS, Look

DEPLOYMENTS = ("kubernetes:ListDeployments", json.dumps({"cluster": drawn.DEMO.cluster.name}))


def row(pages: drawn.Pages, release: str = "external-secrets") -> list[str]:
    """The cells of one release, as text."""
    shown: Any = VIEWS["controllers"]["differences"](Look(drawn.DEMO, drawn.estate(pages)))
    cells = next(one for one in shown.rows if one[0] == release)
    return [str(one) for one in cells]


def changed(change: Any) -> drawn.Pages:
    """The pages with the first Deployment of a release changed."""
    pages = drawn.deployed()
    page = copy.deepcopy(pages[DEPLOYMENTS])
    change(page["items"])
    return {**pages, DEPLOYMENTS: page}


def test_what_is_as_rendered_is_counted_and_differs_in_nothing() -> None:
    _, _, objects, same, missing, differs = row(drawn.deployed())
    assert (objects, missing) == (same, "0")
    assert int(objects) > 10
    assert "nothing" in differs


def test_what_is_not_there_yet_is_to_be_made() -> None:
    _, _, objects, same, missing, _ = row(drawn.empty())
    assert (same, missing) == ("0", objects)


def test_a_swapped_image_and_a_dropped_flag_are_shown_by_object_and_path() -> None:
    def swap(items: list[Any]) -> None:
        one = next(each for each in items if each["metadata"]["name"] == "external-secrets")
        one["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/library/stranger:1"

    _, _, objects, same, missing, differs = row(changed(swap))
    assert (int(objects) - 1, missing) == (int(same), "0")
    assert "Deployment external-secrets/external-secrets, spec.template.spec.containers" in differs
    assert "docker.io/library/stranger:1 → " in differs


def test_a_deleted_object_is_one_to_be_made() -> None:
    _, _, _, _, missing, differs = row(changed(lambda items: items.clear()))
    assert int(missing) >= 1
    assert "nothing" in differs


def test_what_was_not_read_is_never_the_same() -> None:
    shown: Any = VIEWS["controllers"]["differences"](
        Look(drawn.DEMO, drawn.estate(drawn.deployed(), denied=("kubernetes:ListDeployments",)))
    )
    assert all("denied" in str(one[-1]) and one[3] == "" for one in shown.rows)
