"""An environment in the embedded AWS: what plans, applies and destroys declarations in it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from airgap.cloud.collect import collect
from airgap.cloud.session import Cloud
from airgap.model.canonical import plain
from airgap.model.difference import diff, removal
from airgap.model.estate import Estate
from airgap.model.intent import Intent, decode
from airgap.model.plan import Desired, Plan
from airgap.model.survey import Survey, survey
from airgap.resources.applying import Application
from airgap.resources.kind import Declaration, Kind
from airgap.run.systems import Systems

ROOT = Path(__file__).parents[2]
DEMO: Intent = decode(yaml.safe_load((ROOT / "params" / "demo.yaml").read_text()))
TAKEN_AT = "2026-11-02T00:00:00Z"


@dataclass
class Memory:
    """A journal and a page store that live in memory."""

    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)

    def append(self, event: str, data: Mapping[str, Any]) -> str:
        self.lines.append((event, data))
        return str(len(self.lines))

    def keep(self, page: bytes) -> str:
        digest = hashlib.sha256(page).hexdigest()
        self.pages[digest] = json.loads(page)
        return digest

    def load(self, digest: str) -> dict[str, Any]:
        return self.pages[digest]

    def calls(self, event: str) -> list[str]:
        """The calls of all recorded events of one sort, in order: ``read`` or ``write``."""
        return [data["call"] for name, data in self.lines if name == event]


@dataclass
class Planned:
    """A plan with what it was made from."""

    plan: Plan
    found: Survey
    desired: dict[str, Desired]
    estate: Estate

    @property
    def changes(self) -> dict[str, dict[str, tuple[str, Any, Any]]]:
        """Resource -> field -> (op, before, after)."""
        grouped = self.plan.resources()
        return {
            key: {one.field: (one.op, plain(one.before), plain(one.after)) for one in changes}
            for key, changes in grouped.items()
        }


def pause(seconds: float) -> None:
    """The embedded AWS settles within half a second, so nobody waits longer than a moment."""
    time.sleep(min(seconds, 0.15))


@dataclass
class AWS:
    """One empty account, and one environment in it."""

    url: str
    cloud: Cloud
    memory: Memory
    intent: Intent = DEMO
    reports: list[tuple[str, str]] = field(default_factory=list)
    _systems: Systems | None = None

    @property
    def systems(self) -> Systems:
        """AWS's API and what stands beside it: the lock, charts, registries and the cluster."""
        if self._systems is None:
            self._systems = Systems(self.cloud, self.intent, ROOT, self.memory.load)
        self._systems.intent = self.intent
        return self._systems

    def close(self) -> None:
        """End the ways to what stands beside AWS's API."""
        if self._systems is not None:
            self._systems.close()

    def client(self, service: str) -> Any:
        """The boto3 client of someone who works behind the runbook's back."""
        return self.cloud.client(service)

    def change(self, **fields: Any) -> None:
        """Change the intent's own fields."""
        self.intent = dataclasses.replace(self.intent, **fields)

    def network(self, **fields: Any) -> None:
        """Change fields of the intent's network."""
        self.change(network=dataclasses.replace(self.intent.network, **fields))

    def estate(self, *reads: str) -> Estate:
        """What these calls say now."""
        seen = collect(self.systems, reads, self.memory.load)
        return Estate(seen, self.memory.load, account=self.cloud.account, region=self.cloud.region, taken_at=TAKEN_AT)

    def desired(self, *declarations: Declaration) -> list[Desired]:
        """What declarations want, from the facts of now."""
        facts = self.estate("sts:GetCallerIdentity", *(call for one in declarations for call in one.reads))
        wanted = [desired for one in declarations for desired in one(self.intent, facts)]
        return [dataclasses.replace(one, adopted=self.intent.adopt.get(one.key, one.adopted)) for one in wanted]

    def plan(self, *declarations: Declaration) -> Planned:
        """The plan that brings the account to what the declarations want."""
        desired = self.desired(*declarations)
        kinds = kinds_of(declarations)
        readings = {name: kind.reading for name, kind in kinds.items()}
        estate = self.estate(*dict.fromkeys(call for one in readings.values() for call in one.reads))
        found = survey(self.intent.environment, readings, desired, estate)
        plan = diff("test", desired, readings, found, undeclared=found.orphans, unseen=True)
        return Planned(plan, found, {one.key: one for one in desired}, estate)

    def run(self, planned: Planned, *declarations: Declaration) -> None:
        """Carry out a plan, as a run of its own."""
        self.cloud.salt = f"run {len(self.memory.lines)}"
        Application(
            cloud=self.systems,
            kinds=kinds_of(declarations),
            desired=planned.desired,
            found=planned.found,
            tags=self.intent.tags,
            prefix=self.intent.prefix,
            report=lambda key, text: self.reports.append((key, text)),
            pause=pause,
            page=self.memory.load,
        ).run(planned.plan)
        self.systems.lower()

    def apply(self, *declarations: Declaration) -> Planned:
        """Plan and carry out; nothing may be unknown."""
        planned = self.plan(*declarations)
        assert planned.plan.unknowns == (), planned.plan.unknowns
        self.run(planned, *declarations)
        return planned

    def settled(self, *declarations: Declaration) -> None:
        """Apply, and see that two plans after it are empty."""
        self.apply(*declarations)
        for _ in range(2):
            after = self.plan(*declarations)
            assert after.plan.unknowns == ()
            assert after.changes == {}

    def destroy(self, *declarations: Declaration) -> Planned:
        """Remove everything of these declarations that is ours, singletons of the account apart."""
        planned = self.plan(*declarations)
        kinds = kinds_of(declarations)
        staying = {one.key for one in planned.desired.values() if one.adopted or one.kept}
        going = {**planned.found.lives, **{one.key: one for one in planned.found.orphans}}
        lives = [
            live
            for live in going.values()
            if kinds[live.kind].delete and not kinds[live.kind].account_wide and live.key not in staying
        ]
        planned.plan = removal("test", lives, planned.found)
        self.run(planned, *declarations)
        return planned


def kinds_of(declarations: tuple[Declaration, ...]) -> dict[str, Kind]:
    """The kinds that declarations may yield, parents first."""
    return {kind.name: kind for one in declarations for kind in one.kinds}
