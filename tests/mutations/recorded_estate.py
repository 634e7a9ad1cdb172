"""A good estate, recorded once: the real apply of every step on the embedded AWS, and the pages that judge it."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap.checks import suite
from airgap.cloud.collect import collect
from airgap.evidence.folder import RunFolder
from airgap.model.canonical import digest_of
from airgap.model.estate import ANY, Estate, Records
from airgap.model.intent import Intent, decode, encode
from airgap.model.observation import Observation
from airgap.model.plan import Desired
from airgap.model.reading import Reading
from airgap.model.survey import Survey, survey
from airgap.run.context import open_context
from airgap.run.step_run import StepRun
from airgap.steps import STEPS

ROOT = Path(__file__).parents[2]


@dataclass
class Recording:
    """One estate in memory: who was meant, what was read, what the run did."""

    intent: Intent
    observations: list[Observation]
    pages: dict[str, dict[str, Any]]
    records: Records
    taken_at: str
    found: Survey = field(default_factory=Survey)

    def estate(self) -> Estate:
        """The estate as checks see it."""
        return Estate(
            self.observations,
            self.pages.__getitem__,
            account=self.intent.account,
            region=self.intent.region,
            taken_at=self.taken_at,
            records=self.records,
        )

    def copy(self) -> Recording:
        """A recording of its own, over the same pages."""
        return dataclasses.replace(self, observations=list(self.observations), pages=dict(self.pages))

    def survey(self) -> Survey:
        """What of ours is in the pages, by logical key: mutations name resources by it."""
        readings = {kind: Reading.from_data(data) for kind, data in self.records.readings.items()}
        declared = [Desired.from_data(one) for one in self.records.declared]
        return survey(self.intent.environment, readings, declared, self.estate())

    def deny(self, call: str) -> None:
        """Make every answer to a call a denial."""
        denied = {"status": "denied", "code": "AccessDenied", "page": "", "number": 1, "last": True}
        self._replace(call, denied)

    def cut(self, call: str) -> None:
        """Make every answer to a call one whose last page was not read."""
        self._replace(call, {"last": False})

    def _replace(self, call: str, members: Mapping[str, Any]) -> None:
        changed = (dataclasses.replace(one, **members) if one.call == call else one for one in self.observations)
        self.observations = list(changed)

    def mutate(self, case: Mapping[str, Any]) -> None:
        """Carry out the edits of a case."""
        case = {**self.found.resolve({key: case[key] for key in ("pages", "intent", "records") if key in case})}
        for edit in case.get("pages", []):
            self._edit_pages(edit)
        if "intent" in case:
            data = json.loads(json.dumps(encode(self.intent)))
            for path, value in case["intent"].items():
                change(data, path, value if isinstance(value, dict) and "append" in value else {"set": value})
            self.intent = decode(data)
        for edit in case.get("records", []):
            data = copy.deepcopy({one.name: getattr(self.records, one.name) for one in dataclasses.fields(Records)})
            data = {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
            change(data, edit["at"], edit)
            self.records = Records(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})

    def _edit_pages(self, edit: Mapping[str, Any]) -> None:
        touched = 0
        for number, one in enumerate(self.observations):
            if one.call != edit["call"] or not _has(one.params, edit.get("params")):
                continue
            body = copy.deepcopy(self.pages[one.page]) if one.page else {}
            touched += change(body, edit["at"], edit)
            page = digest_of(body)
            self.pages[page] = body
            self.observations[number] = dataclasses.replace(one, page=page, status="ok", code="")
        assert touched, f"{edit['call']} has nothing at {edit['at']}"


def _has(params: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    return all(params.get(key) == value for key, value in (wanted or {}).items())


_STEP = re.compile(r"([^.\[\]!]+)((?:\[[^\]]*\])*)(!?)(?:\.|$)")


def change(data: Any, path: str, edit: Mapping[str, Any]) -> int:
    """Carry out one edit (set, append, merge or delete) at every place that a path names; the number of places.

    A path is ``Member[selector].Member``; selectors: ``#key`` (the item with this logical key), ``name=value``, ``*``.
    ``Member!`` is a JSON text that is edited as what it means.
    """
    match = _STEP.match(path)
    assert match, path
    name, selectors, is_text = match[1], re.findall(r"\[([^\]]*)\]", match[2]), bool(match[3])
    rest = path[match.end() :]
    if is_text:
        inner = {"": json.loads(data[name]) if isinstance(data.get(name), str) else data.get(name)}
        done = change(inner[""], rest, edit) if rest else _apply(inner, "", edit)
        data[name] = json.dumps(inner[""])
        return done
    if not selectors:
        return change(data.setdefault(name, {}), rest, edit) if rest else _apply(data, name, edit)
    places = [item for item in data.get(name, []) if _selected(item, selectors[0])]
    if rest:
        return sum(change(item, rest, edit) for item in places)
    for item in places:
        _apply(data[name], data[name].index(item), edit)
    return len(places)


def _apply(holder: Any, place: Any, edit: Mapping[str, Any]) -> int:
    if "set" in edit:
        holder[place] = edit["set"]
    elif "merge" in edit:
        holder[place] = {**holder[place], **edit["merge"]}
    elif edit.get("delete"):
        del holder[place]
    else:
        holder[place] = [*holder.get(place, []), edit["append"]]
    return 1


def _selected(item: Any, selector: str) -> bool:
    if selector == "*":
        return True
    if selector.startswith("#"):
        tags = item.get("Tags") or item.get("tags") or []
        return any(one.get("Key") == "airgap:key" and one.get("Value") == selector[1:] for one in tags)
    name, _, value = selector.partition("=")
    found = item
    for part in name.split("/"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return str(found) == value


def record(reports: str) -> Recording:
    """Apply every step on the embedded AWS that the environment names, and keep what was read."""
    folder = RunFolder.open(Path(reports), "demo")
    for step in STEPS:
        context = open_context(step.number, step.name, env="demo", mode="apply", root=ROOT, folder=folder)
        run = StepRun(step, context)
        run.open()
        if step.kinds:
            plan = run.plan()
            run.approve(plan)
            run.apply(plan)
        if step.attests:
            run.verify()
            return _whole(run)
    raise AssertionError("no step attests")


def _whole(run: StepRun) -> Recording:
    """What the attestation has read, and every other page that a check rests on."""
    assert run.estate is not None
    seen = {one.call for one in run.estate.observations}
    reads = {call for one in suite.ALL for call in one.reads if call != ANY} | {"cloudtrail:LookupEvents"}
    context = run.context
    more = collect(context.systems, reads - seen, context.pages.load, since="2020-01-01T00:00:00Z")
    unique = {(one.subject, one.number): one for one in [*run.estate.observations, *more]}
    observations = [one for one in unique.values() if one.call in reads | seen]
    pages = {one.page: context.pages.load(one.page) for one in observations if one.page}
    taken_at = more[-1].time if more else run.estate.taken_at
    good = Recording(run.intent, observations, pages, run.estate.records, taken_at)
    good.found = good.survey()
    return good
