"""Which notebook begins when: the longest way first, and none in the place of one that works."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airgap.evidence.folder import RunFolder
from airgap.model.observation import OK
from airgap.model.plan import CREATE, Change, Desired, Plan
from airgap.model.reading import Field, Reading
from airgap.model.survey import Survey
from airgap.resources.applying import LATE, Application
from airgap.resources.kind import Call, Kind
from airgap.run import runner
from airgap.steps import STEPS

BY_NAME = {step.name: step for step in STEPS}


def test_the_longest_way_begins_first_and_nothing_before_what_it_needs() -> None:
    order = [step.name for step in runner._longest_first(STEPS, "apply")]
    assert sorted(order) == sorted(BY_NAME)
    for step in STEPS:
        assert all(order.index(needed) < order.index(step.name) for needed in step.needs if needed in order), step.name
    assert order.index("cluster") < order.index("images")
    assert order.index("cluster") < order.index("ai")
    assert [step.name for step in runner._longest_first(STEPS, "plan")] == [step.name for step in STEPS]


def test_who_only_waits_takes_no_job_slot(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, "demo")
    one: Any = SimpleNamespace(folder=folder)
    steps = [BY_NAME["cluster"], BY_NAME["ai"]]
    assert runner._at_work(one, steps) == 2
    mark = folder.step(4, "cluster").waiting
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    assert runner._at_work(one, steps) == 1


class Slow:
    """A cloud in which each thing is ready some seconds after it was made, by a clock that only waiting moves."""

    account, region = "123456789012", "us-east-1"

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.seconds, self.stop, self.now = dict(seconds), threading.Event(), 0.0
        self.made: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self.polls = 0
        self.pages: dict[str, dict[str, Any]] = {}

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def write(self, call: str, params: Mapping[str, Any], **how: Any) -> dict[str, Any]:
        self.made[params["Name"]] = self.now
        return {"Id": params["Name"]}

    def read(self, call: str, params: Mapping[str, Any], **how: Any) -> list[Any]:
        self.polls += 1
        name = params["Name"]
        ready = self.now >= self.made[name] + self.seconds[name]
        if ready:
            self.seen.setdefault(name, self.now)
        self.pages[name] = {"Things": [{"Id": name, "State": "ready" if ready else "making"}]}
        return [SimpleNamespace(status=OK, page=name)]


THING = Kind(
    "thing",
    "Thing",
    Reading("x:List", "Things", "Id", fields={"name": Field("Id")}, state="State", settled=("ready",)),
    create=(Call("x:Make", lambda f: {"Name": f["name"]}),),
    poll=Call("x:List", lambda f: {"Name": f["id"]}),
    seconds=600,
    limit=3000,
)


def applied(cloud: Slow, after: Mapping[str, tuple[str, ...]]) -> list[bool]:
    """Apply one thing for each name, after others; return what the application said of its waiting."""
    told: list[bool] = []
    desired = {
        f"thing:{name}": Desired("thing", name, {"name": name}, needs=tuple(f"thing:{one}" for one in needs))
        for name, needs in after.items()
    }
    changes = tuple(Change(CREATE, key, "name", None, key) for key in desired)
    acting: Any = cloud
    Application(
        acting, {"thing": THING}, desired, Survey(), {}, "x", lambda key, text: None, cloud.pause,
        page=lambda digest: cloud.pages[digest], idle=told.append,
    ).run(Plan("test", changes))  # fmt: skip
    return told


def test_a_change_of_state_is_seen_a_moment_after_it_happened_and_without_asking_all_the_time() -> None:
    for seconds in (0.2, 5.0, 60.0, 600.0):
        cloud = Slow({"one": seconds})
        applied(cloud, {"one": ()})
        assert cloud.seen["one"] <= seconds * (1 + LATE) + 0.11
        assert cloud.polls < 300


def test_an_application_tells_when_it_only_waits_and_when_it_works_again() -> None:
    assert applied(Slow({"one": 5.0}), {"one": ()}) == [True, False]
    assert applied(Slow({"one": 5.0, "two": 5.0}), {"one": (), "two": ("one",)}) == [True, False, True, False]
    assert applied(Slow({"one": 0.0}), {"one": ()}) == []


def _before(name: str) -> set[str]:
    """Every step that ends before this one begins."""
    needs = set(BY_NAME[name].needs)
    return needs.union(*map(_before, needs)) if needs else needs


def test_long_creations_wait_for_nothing_that_they_do_not_need() -> None:
    # A load balancer takes minutes and knows nothing of the cluster; nor does the pipeline's own machine.
    for name in ("edge", "pipeline", "data", "ai"):
        assert not {"cluster", "controllers"} & _before(name), name
    assert "endpoints" not in _before("edge")
    assert {"cluster", "edge", "data", "secrets", "pipeline"} < _before("attest")
