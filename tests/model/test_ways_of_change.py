"""Fields that change one way only, or never again; values that cannot be had; kinds known by other kinds' ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from airgap.model.canonical import digest_of
from airgap.model.difference import diff
from airgap.model.estate import Estate
from airgap.model.observation import Observation
from airgap.model.plan import Desired, Plan, ref
from airgap.model.reading import FIXED, FORWARD, NEVER, Field, Reading, shaped
from airgap.model.survey import survey

THING = Reading(
    "svc:ListThings",
    "things",
    "name",
    owner="name",
    tags="",
    natural=("name",),
    attrs={"group": "group"},
    fields={
        "name": Field("name", change=NEVER),
        "size": Field("size", change=NEVER),
        "version": Field("version", change=FORWARD),
        "mode": Field("mode", change=FORWARD, order=("OPEN", "CLOSED")),
        "keys": Field("keys", change=FIXED),
    },
)
PART = Reading(
    "svc:ListParts", "parts", "id", owner="parent", natural=("group",), fields={"group": Field("group", change=NEVER)}
)
LIVE = {"name": "a", "size": 1, "version": "1.9", "mode": "OPEN", "keys": ["k"], "group": "g-1"}


def estate(pages: Mapping[str, Any]) -> Estate:
    seen = [
        Observation(call, {}, "1", "r", place="rehearsal", status="ok", time="", page=digest_of(body))
        for call, body in pages.items()
    ]
    kept = {digest_of(body): body for body in pages.values()}
    return Estate(seen, kept.__getitem__, account="1", region="r", taken_at="")


def planned(fields: Mapping[str, Any], live: Mapping[str, Any] | None = LIVE, **more: Any) -> Plan:
    one = Desired("thing", "main", {"name": "a", **fields}, **more)
    found = survey("demo", {"thing": THING}, [one], estate({"svc:ListThings": {"things": [live] if live else []}}))
    return diff("step", [one], {"thing": THING}, found)


@pytest.mark.parametrize(
    ("field", "value", "op", "risk"),
    [
        ("version", "1.10", "update", "one-way"),
        ("version", "1.8", "update", "impossible"),
        ("mode", "CLOSED", "update", "one-way"),
        ("mode", "UNHEARD-OF", "update", "impossible"),
        ("keys", ["other"], "update", "impossible"),
        ("size", 2, "replace", "replaces"),
    ],
)
def test_a_change_says_which_way_it_goes(field: str, value: Any, op: str, risk: str) -> None:
    (change,) = planned({field: value}).changes
    assert (change.op, change.risk) == (op, risk)


def test_what_is_fixed_may_be_set_where_it_is_not() -> None:
    (change,) = planned({"keys": ["k"]}, {**LIVE, "keys": []}).changes
    assert (change.op, change.risk) == ("update", "one-way")


def test_a_value_that_cannot_be_had_is_impossible_until_it_is_there() -> None:
    refused = {"version": "choose 1.9"}
    plan = planned({"version": "1.2"}, None, refused=refused)
    assert [(one.field, one.why) for one in plan.impossible] == [("version", "choose 1.9")]
    assert planned({"version": "1.9"}, refused=refused).changes == ()


def test_a_kind_is_read_after_the_kind_by_whose_id_its_parts_are_known() -> None:
    pages = {"svc:ListParts": {"parts": [{"id": "p", "group": "g-1"}]}, "svc:ListThings": {"things": [LIVE]}}
    wanted = [Desired("part", "p", {"group": ref("thing:main", "group")}), Desired("thing", "main", {"name": "a"})]
    found = survey("demo", {"part": PART, "thing": THING}, wanted, estate(pages))
    assert found.lives["part:p"].id == "p"
    assert found.orphans == []


@pytest.mark.parametrize(
    ("form", "value", "wanted"),
    [
        ("on:enabled:types", [{"enabled": True, "types": ["b", "a"]}, {"enabled": False, "types": ["c"]}], ["a", "b"]),
        ("on:enabled:types", ["b", "a"], ["a", "b"]),
        ("one", ["x"], "x"),
        ("one", [], None),
        ("host", "https://oidc.example.com/id/1", "oidc.example.com/id/1"),
        ("json", '{"a": 1}', {"a": 1}),
    ],
)
def test_forms_make_equal_settings_equal(form: str, value: Any, wanted: Any) -> None:
    assert shaped(Field(form=form), value) == wanted
