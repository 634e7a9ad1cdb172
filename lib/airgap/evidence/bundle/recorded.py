"""A run as a bundle holds it: its journals, observations, pages and steps, read from members and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Optional

from airgap.evidence.bundle.members import INCOMPLETE, Broken
from airgap.model import journal
from airgap.model.canonical import digest_of
from airgap.model.intent import Intent, decode
from airgap.model.observation import Observation

JOURNAL, INDEX = "journal.ndjson", "observations/index.json"
KEPT = 4096
"""Pages that stay in memory, parsed."""


class Run:
    """One run, over the members of its bundle."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self.members = members
        self.data: dict[str, Any] = self.json("run.json")
        self.journals = {name: self._journal(name) for name in self._names()}
        self.problems = [f"{self.place(name)}: {text}" for name, (_, told) in self.journals.items() for text in told]
        self.seen: dict[str, Observation] = {}
        for entries, _ in self.journals.values():
            for entry in entries:
                if entry["event"] == "read":
                    self.seen[digest_of(entry["data"])] = Observation.from_data(entry["data"])
        self.load = lru_cache(maxsize=KEPT)(self._page)

    @property
    def intent(self) -> Intent:
        """The params of the run."""
        found: Intent = decode(self.json("intent.json"))
        return found

    @property
    def steps(self) -> list[str]:
        """The folders of the steps, as ``02_network``, in their order."""
        return sorted({name.split("/")[1] for name in self.members if name.startswith("steps/")})

    def json(self, name: str) -> Any:
        """Return a member of JSON; raises ``Broken`` where it is missing or is none."""
        if name not in self.members:
            raise Broken(name, "is missing", INCOMPLETE)
        try:
            return json.loads(self.members[name].decode("utf-8"))
        except ValueError as error:
            raise Broken(name, f"is no JSON ({error})") from error

    def of_step(self, step: str, name: str) -> Any:
        """Return a JSON file of a step."""
        return self.json(f"steps/{step}/{name}")

    def place(self, name: str) -> str:
        """Return the member that holds the journal of this name; the runner's own has none."""
        return f"steps/{name}/{JOURNAL}" if name else JOURNAL

    def entries(self, event: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every journal line of an event, with the name of its journal."""
        for name, (entries, _) in self.journals.items():
            yield from ((name, entry) for entry in entries if entry["event"] == event)

    def _names(self) -> list[str]:
        return ["", *(step for step in self.steps if self.place(step) in self.members)]

    def _journal(self, name: str) -> tuple[list[dict[str, Any]], list[str]]:
        place = self.place(name)
        if place not in self.members:
            return [], []
        return journal.read(self.members[place].decode("utf-8", "replace"))

    def _page(self, digest: str) -> Mapping[str, Any]:
        name = f"observations/{digest}.json"
        if name not in self.members:
            raise Broken(name, "is missing, and an observation rests on it", INCOMPLETE)
        raw = self.members[name]
        if hashlib.sha256(raw).hexdigest() != digest:
            raise Broken(name, "does not have the digest that is its name")
        found: Mapping[str, Any] = json.loads(raw.decode("utf-8"))
        return found


def written(step: str, entry: Mapping[str, Any], answer: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a write as checks know it: its journal line with the step, and what was answered, None where nothing."""
    said = None if answer is None else {**answer["data"], "time": answer["time"]}
    return {**entry["data"], "step": step, "time": entry["time"], "digest": entry["digest"], "answer": said}
