"""A run as a bundle holds it: its journals, observations, pages and steps, read from members and nothing else.

Journals are read line by line, and of a line that tells of a read only its observation stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

from airgap.evidence.bundle.members import INCOMPLETE, Broken, lines
from airgap.model import journal
from airgap.model.intent import Intent, decode
from airgap.model.observation import Observation

JOURNAL, INDEX = "journal.ndjson", "observations/index.json"
KEPT, FILES = 4096, 8
"""Pages, and files of steps, that stay in memory, parsed."""
_COMMON = {"call", "account", "region", "place", "status", "vantage", "system", "method", "principal", "http_date"}


class Chain(NamedTuple):
    """A journal: its lines but those of reads, what is wrong with it, its number of lines, and its last digest."""

    entries: list[dict[str, Any]]
    problems: list[str]
    total: int
    head: str


class Run:
    """One run, over the members of its bundle; ``pages`` are known to have the digests that are their names."""

    def __init__(self, members: Mapping[str, bytes], pages: Mapping[str, str] = MappingProxyType({})) -> None:
        self.members, self.pages = members, pages
        self.data: dict[str, Any] = self.json("run.json")
        self.seen: dict[str, Observation] = {}
        self._shared: dict[Any, Any] = {}
        self.journals = {name: self._journal(name) for name in self._names()}
        self.problems = [f"{self.place(name)}: {text}" for name, one in self.journals.items() for text in one.problems]
        self.load = lru_cache(maxsize=KEPT)(self._page)
        self.of_step = lru_cache(maxsize=FILES)(self._of_step)

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

    def _of_step(self, step: str, name: str) -> Any:
        """Return a JSON file of a step; whoever asks shares it, and changes nothing of it."""
        return self.json(f"steps/{step}/{name}")

    def index(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the index of observations, which a run writes one a line."""
        if INDEX not in self.members:
            raise Broken(INDEX, "is missing", INCOMPLETE)
        rows = lines(self.members, INDEX)
        if next(rows, b"") != b"[\n":
            yield from self.json(INDEX)
            return
        raw = b""
        for raw in rows:
            if raw != b"]\n":
                yield json.loads(raw.rstrip(b",\n"))
        if raw != b"]\n":
            raise Broken(INDEX, "is no whole list")

    def place(self, name: str) -> str:
        """Return the member that holds the journal of this name; the runner's own has none."""
        return f"steps/{name}/{JOURNAL}" if name else JOURNAL

    def entries(self, event: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every journal line of an event, reads apart, with the name of its journal."""
        for name, one in self.journals.items():
            yield from ((name, entry) for entry in one.entries if entry["event"] == event)

    def _names(self) -> list[str]:
        return ["", *(step for step in self.steps if self.place(step) in self.members)]

    def _journal(self, name: str) -> Chain:
        place, entries, problems, count, head = self.place(name), [], [], 0, ""
        if place in self.members:
            for one in journal.follow(raw.decode("utf-8", "replace") for raw in lines(self.members, place)):
                problems += one.problems
                if one.entry is None:
                    break
                count, head = count + 1, one.entry["digest"]
                if one.entry["event"] == "read":
                    self.seen[one.data_sha256] = self._observation(one.entry["data"])
                else:
                    entries.append(one.entry)
        return Chain(entries, problems, count, head)

    def _observation(self, data: dict[str, Any]) -> Observation:
        """Return an observation; texts that many have in common are kept once."""
        keep = self._shared.setdefault
        data["page"] = self.pages.get(data["page"], data["page"])
        return Observation.from_data({name: keep(one, one) if name in _COMMON else one for name, one in data.items()})

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
