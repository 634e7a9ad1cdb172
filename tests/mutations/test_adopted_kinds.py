"""Every kind in the hands of others, and in other partitions: what all declarations have in common, over one estate."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator

import pytest
from recorded_estate import Recording

from airgap.model.canonical import encode, plain
from airgap.model.difference import diff
from airgap.model.estate import Estate
from airgap.model.intent import Intent, decode
from airgap.model.intent import encode as data_of
from airgap.model.plan import Desired
from airgap.model.reading import ONCE, Reading
from airgap.model.survey import Survey, survey
from airgap.params.environment_rules import adopted_resources_are_named_by_id
from airgap.resources import packages
from airgap.run.surveying import KINDS, may_go
from airgap.steps import STEPS

pytestmark = pytest.mark.timeout(600)
OTHERS = "landing-zone"
"""An environment that owns nothing here: no tag of the recorded estate is its own."""
PLACES = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


def readings(recording: Recording) -> dict[str, Reading]:
    return {kind: Reading.from_data(data) for kind, data in recording.records.readings.items()}


def adopted(recording: Recording) -> dict[str, Desired]:
    """Every declared resource, adopted by the id that people would write; what the account has once stays as it is."""
    lives, wanted = recording.found.lives, {}
    for data in recording.records.declared:
        one = Desired.from_data(data)
        by_id = "" if KINDS[one.kind].account_wide else lives[one.key].id.replace("|", "/")
        wanted[one.key] = dataclasses.replace(one, adopted=by_id)
    return wanted


@pytest.fixture(scope="module")
def theirs(recording: Recording) -> tuple[dict[str, Desired], Survey]:
    """The estate as others' that is adopted whole."""
    wanted = adopted(recording)
    return wanted, survey(OTHERS, readings(recording), wanted.values(), recording.estate())


def test_all_kinds_but_singletons_of_the_account_are_adopted(recording: Recording, theirs: tuple) -> None:
    wanted, found = theirs
    declared = {one["kind"] for one in recording.records.declared}
    held = {one.kind for one in wanted.values() if one.adopted}
    assert held == {kind for kind in declared if not KINDS[kind].account_wide}
    assert len(held) > 80
    assert {key: live.id for key, live in found.lives.items() if key in wanted} == {
        key: recording.found.lives[key].id for key in wanted
    }
    assert (found.orphans, found.unreadable) == ([], {})
    problems = adopted_resources_are_named_by_id(
        dataclasses.replace(recording.intent, adopt={key: one.adopted for key, one in wanted.items() if one.adopted})
    )
    assert [str(one) for one in problems] == []


def test_what_is_adopted_needs_nothing_and_stays_when_all_is_destroyed(recording: Recording, theirs: tuple) -> None:
    wanted, found = theirs
    plan = diff("all", list(wanted.values()), readings(recording), found, undeclared=found.orphans)
    assert (plan.changes, plan.unknowns, plan.differing) == ((), (), ())
    assert [key for key, one in wanted.items() if may_go(one)] == []


def test_what_is_adopted_and_differs_is_told_and_never_changed(recording: Recording, theirs: tuple) -> None:
    wanted, found = theirs
    known = readings(recording)
    other, expected = [], set()
    for one in wanted.values():
        fields = [name for name, spec in known[one.kind].fields.items() if name in one.fields and spec.change != ONCE]
        fields = fields if one.adopted else []
        plainly = [name for name in fields if known[one.kind].fields[name].form == "plain"]
        name = next((each for each in plainly if each not in known[one.kind].natural), "")
        if name:
            expected.add((one.key, name))
            one = dataclasses.replace(one, fields={**one.fields, name: "another"})
        other.append(one)
    plan = diff("all", other, known, found, undeclared=found.orphans)
    assert plan.changes == ()
    assert {(one.resource, one.field) for one in plan.differing} == expected
    assert len({key.split(":")[0] for key, _ in expected}) > 40


def test_without_being_adopted_what_others_made_is_nobodys_to_change(recording: Recording) -> None:
    declared = [Desired.from_data(one) for one in recording.records.declared]
    known = readings(recording)
    named = [one for one in declared if known[one.kind].owner == "name" and known[one.kind].tags]
    found = survey(OTHERS, known, named, recording.estate())
    plan = diff("all", named, known, found, undeclared=found.orphans)
    assert plan.changes == ()
    assert {key for key, _ in plan.unknowns} == {one.key for one in named}


def _elsewhere(text: str, partition: str) -> str:
    return text.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", PLACES[partition])


def moved(recording: Recording, partition: str) -> tuple[Intent, Estate]:
    """The same environment and what was read of it, as they would be in another partition."""
    data = json.loads(_elsewhere(json.dumps(data_of(recording.intent)), partition))
    # The roots of RDS that are carried in are those of the commercial Regions.
    data["data"]["rds_authorities"] = _elsewhere((packages.CODE / packages.AUTHORITIES).read_text(), partition)
    intent = decode({**data, "partition": partition})
    pages = {name: json.loads(_elsewhere(json.dumps(page), partition)) for name, page in recording.pages.items()}
    observations = [
        dataclasses.replace(
            one,
            params=json.loads(_elsewhere(json.dumps(one.params), partition)),
            region=_elsewhere(one.region, partition),
        )
        for one in recording.observations
    ]
    here = Estate(
        observations,
        pages.__getitem__,
        account=intent.account,
        region=intent.region,
        taken_at=recording.taken_at,
        records=recording.records,
    )
    return intent, here


def declared(intent: Intent, facts: Estate) -> Iterator[Desired]:
    for step in STEPS:
        yield from step.desired(intent, facts)


@pytest.mark.parametrize("partition", PLACES)
def test_every_kind_is_declared_in_other_partitions_without_a_word_of_this_one(
    partition: str, recording: Recording
) -> None:
    intent, facts = moved(recording, partition)
    found = {one.key: one for one in declared(intent, facts)}
    assert {one.kind for one in found.values()} == {one["kind"] for one in recording.records.declared}
    foreign = re.compile(r"arn:aws:|(?<![a-z])us-east-1")
    left = {key: foreign.search(encode(plain(dict(one.fields)))) for key, one in found.items()}
    assert [key for key, one in left.items() if one] == []
    assert [one for one in found.values() if f"arn:{partition}:" in encode(plain(dict(one.fields)))]
