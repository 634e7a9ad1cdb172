"""How each property was shown: by configuration (EXAMINE) or by a live test (TEST), in which place, and what was not.

The words are those of NIST SP 800-53A: to examine is to read what a system says of itself, to test is to try it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airgap.controls import PropertyVerdict, Untested
from airgap.model import probes
from airgap.model.finding import FAIL, PASS, WAIVED, Finding
from airgap.model.observation import Observation
from airgap.report.record import RunRecord

EXAMINE, TEST = "EXAMINE", "TEST"
EMBEDDED, LAB, ACCOUNT = "embedded AWS", "lab", "account"
PLACES = {EMBEDDED: "on the embedded AWS", LAB: "in the lab, on real components", ACCOUNT: "in the account"}
_IN_LAB = ("netns://", probes.COMPONENT)
"""What the resources begin with that are hosts and components of the lab, whatever world the run is in."""
_OF_RECORD = "evidence-"
"""What the ids of checks begin with that judge the record itself: they test nothing of what is recorded."""


@dataclass(frozen=True)
class Shown:
    """One property: how many findings decide it by each method, by place, and its parts that none decides."""

    id: str
    statement: str
    examined: Mapping[str, int]
    tested: Mapping[str, int]
    untested: tuple[Untested, ...]

    @property
    def by_configuration(self) -> str:
        """Where its configuration was examined, in words; empty where it was not."""
        return _words(self.examined)

    @property
    def by_test(self) -> str:
        """Where it was tested live, in words; empty where it was not."""
        return _words(self.tested)


def _words(places: Mapping[str, int]) -> str:
    return "; ".join(f"{name}: {count}" for name, count in sorted(places.items()))


def shown(run: RunRecord, verdicts: Iterable[PropertyVerdict]) -> list[Shown]:
    """Return how each property was shown in a run, in their order."""
    cited = {one.cited_as: one.observation for step in run.steps.values() for one in step.exhibits}
    found: dict[tuple[str, str], Counter[str]] = {}
    for finding in run.findings:
        if finding.status in (PASS, FAIL, WAIVED):
            method, place = _shown(finding, cited, str(run.data["world"]))
            for name in finding.properties:
                found.setdefault((name, method), Counter())[place] += 1
    return [
        Shown(one.id, one.title, found.get((one.id, EXAMINE), {}), found.get((one.id, TEST), {}), one.untested)
        for one in verdicts
    ]


def _shown(finding: Finding, cited: Mapping[str, Observation], world: str) -> tuple[str, str]:
    """Return method and place of a finding: one that rests on a live test was tested, where the test was made."""
    own = ACCOUNT if world == "aws" else EMBEDDED
    tested = [cited[one] for one in finding.observations if one in cited and cited[one].method == TEST]
    if not tested or finding.check.startswith(_OF_RECORD):
        return EXAMINE, own
    in_lab = finding.resource.startswith(_IN_LAB) and any(one.call == probes.CALL for one in tested)
    return TEST, LAB if in_lab else own


def sentence(rows: Iterable[Shown]) -> str:
    """Return how many properties were shown by each method, and that the rest was not."""
    every = list(rows)
    tested = sum(bool(one.tested) for one in every)
    examined = sum(bool(one.examined) and not one.tested for one in every)
    neither = len(every) - tested - examined
    where = "; ".join(f"{count} {PLACES[name]}" for name in PLACES
                      if (count := sum(name in one.tested for one in every)))  # fmt: skip
    told = f" ({where})" if where else ""
    return (
        f"Of {len(every)} properties {tested} were shown by a live test, at least in part{told}; {examined} by "
        f"configuration alone; {neither} by neither. What was tested in the lab or on the embedded AWS shows nothing "
        f"of an account."
    )
