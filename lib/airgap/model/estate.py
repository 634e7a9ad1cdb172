"""The estate: a read-only view of recorded pages, in which a missing page is known to be missing.

Everything is keyed by (account, Region); global services are under the Region ``global``. ``taken_at`` is the only
clock that a judgement may use. A view narrowed by ``reading`` answers only the calls that its reader declared and
remembers which observations it gave out, so that a finding cites exactly what it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from airgap.model import observation as obs
from airgap.model.canonical import dig, encode, plain
from airgap.model.observation import NotObserved, Observation

PageLoader = Callable[[str], Mapping[str, Any]]


ANY = "*"
"""Declared by a reader whose calls are known only when the estate is: it may see every page."""


@dataclass(frozen=True)
class Records:
    """The run's own records: who called, what was written and approved, what was declared now and at the last apply.

    ``earlier`` are writes of runs before (each with its ``run``) that no run has found in CloudTrail yet.
    ``steps`` are the steps judged; ``homes`` maps a kind to the step that answers for what is ours but undeclared.
    """

    caller: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[Mapping[str, Any], ...] = ()
    earlier: tuple[Mapping[str, Any], ...] = ()
    approvals: tuple[Mapping[str, Any], ...] = ()
    declared: tuple[Mapping[str, Any], ...] = ()
    readings: Mapping[str, Any] = field(default_factory=dict)
    applied: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[str, ...] = ()
    homes: Mapping[str, str] = field(default_factory=dict)


class Estate:
    """Recorded pages of one or more accounts and Regions."""

    def __init__(
        self,
        observations: Iterable[Observation],
        load: PageLoader,
        *,
        account: str,
        region: str,
        taken_at: str,
        records: Records = Records(),
        reads: Optional[frozenset[str]] = None,
        index: Optional[dict[tuple[str, str, str, str], list[Observation]]] = None,
        by_call: Optional[dict[tuple[str, str, str], list[list[Observation]]]] = None,
        derived: Optional[dict[str, tuple[object, Any]]] = None,
    ) -> None:
        self.account, self.region, self.taken_at, self.records = account, region, taken_at, records
        self._load, self._reads = load, reads
        self._index = index if index is not None else _indexed(observations)
        self._by_call = by_call if by_call is not None else _grouped(self._index)
        self._derived = derived if derived is not None else {}
        self.touched: dict[str, Observation] = {}

    def reading(self, reads: Iterable[str]) -> Estate:
        """Return a view that answers these calls only and remembers afresh what it gave out."""
        return self._view(self.account, self.region, frozenset(reads))

    def at(self, account: str, region: str) -> Estate:
        """Return the same view of another account or Region; what it gives out is remembered here as well."""
        view = self._view(account, region, self._reads)
        view.touched = self.touched
        return view

    def _view(self, account: str, region: str, reads: Optional[frozenset[str]]) -> Estate:
        return Estate(
            (), self._load, account=account, region=region, taken_at=self.taken_at, records=self.records,
            reads=reads, index=self._index, by_call=self._by_call, derived=self._derived,
        )  # fmt: skip

    def derive(self, name: str, subject: object, make: Callable[[], Any]) -> Any:
        """Return what is derived from pages and a subject, made once for all views of this estate."""
        held = self._derived.get(name)
        if held is None or held[0] is not subject:
            held = self._derived[name] = subject, make()
        return held[1]

    def load(self, page: str) -> Mapping[str, Any]:
        """Return the page of a digest."""
        return self._load(page)

    @property
    def observations(self) -> list[Observation]:
        """Every observation of the calls that this view answers, in the order of its subject."""
        return [one for key in sorted(self._index) if self._admits(key[2]) for one in self._index[key]]

    def page(self, call: str, **params: Any) -> Optional[dict[str, Any]]:
        """Return the whole answer of one call, its pages joined, or None where AWS says that the thing is absent.

        Raises ``NotObserved`` when the call was denied, failed, was not made, or its last page is missing.
        """
        self._admit(call)
        found: Sequence[Observation] = ()
        for region in (self.region, obs.GLOBAL):
            found = self._index.get((self.account, region, call, encode(plain(params))), ())
            if found:
                break
        if not found:
            raise NotObserved(call, params, self._absence(call))
        return self._joined(found)

    def pages(self, call: str) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
        """Return (parameters, whole answer) of every call of this operation in this account and Region.

        Raises ``NotObserved`` when it was never made here or any one of them gave no answer.
        """
        self._admit(call)
        groups: list[list[Observation]] = []
        for region in (self.region, obs.GLOBAL):
            groups = groups or self._by_call.get((self.account, region, call), [])
        if not groups:
            raise NotObserved(call, {}, self._absence(call))
        joined = [(group[0].params, self._joined(group)) for group in groups]
        return [(params, body) for params, body in joined if body is not None]

    def items(self, call: str, path: str, **params: Any) -> list[dict[str, Any]]:
        """Return the list at ``path`` of an answer, over all its pages."""
        body = self.page(call, **params)
        return list(dig(body, path + "[]" if not path.endswith("[]") else path) or []) if body else []

    def observed(self, call: str) -> bool:
        """Tell whether any call of this operation was recorded here, answered or not."""
        self._admit(call)
        return any(self._by_call.get((self.account, region, call)) for region in (self.region, obs.GLOBAL))

    def cite(self, call: str) -> None:
        """Remember every observation of a call as one that the reader rests on."""
        self._admit(call)
        for region in (self.region, obs.GLOBAL):
            for group in self._by_call.get((self.account, region, call), []):
                self.touched.update({one.page or f"{one.call} {encode(plain(one.params))}": one for one in group})

    def _admit(self, call: str) -> None:
        if not self._admits(call):
            raise LookupError(f"{call} was not declared by its reader")

    def _admits(self, call: str) -> bool:
        return self._reads is None or call in self._reads or ANY in self._reads

    def _absence(self, call: str) -> str:
        for region in (self.region, obs.GLOBAL):
            for group in self._by_call.get((self.account, region, call), []):
                if group[-1].status not in (obs.OK, obs.ABSENT):
                    return _reason(group[-1])
        return f"no such call is recorded for account {self.account}, Region {self.region}"

    def _joined(self, group: Sequence[Observation]) -> Optional[dict[str, Any]]:
        for one in group:
            self.touched[one.page or f"{one.call} {encode(plain(one.params))}"] = one
        last = group[-1]
        if last.status == obs.ABSENT:
            return None
        broken = next((one for one in group if one.status != obs.OK), None)
        if broken is not None:
            raise NotObserved(broken.call, broken.params, _reason(broken))
        if not last.last or [one.number for one in group] != list(range(1, len(group) + 1)):
            raise NotObserved(last.call, last.params, "not all pages of the answer were read")
        if len(group) == 1:
            return dict(self._load(last.page))
        whole: dict[str, Any] = {}
        for one in group:
            for key, value in self._load(one.page).items():
                whole[key] = whole[key] + value if isinstance(value, list) and key in whole else value
        return whole


def _reason(one: Observation) -> str:
    return {
        obs.DENIED: f"denied ({one.code}); it needs the permission {one.call}",
        obs.UNSUPPORTED: f"not supported where it was asked ({one.code})",
    }.get(one.status, f"failed ({one.code}: {one.message})")


def _indexed(observations: Iterable[Observation]) -> dict[tuple[str, str, str, str], list[Observation]]:
    index: dict[tuple[str, str, str, str], list[Observation]] = {}
    for one in observations:
        group = index.setdefault(one.subject, [])
        if one.number == 1:
            group.clear()
        group.append(one)
    return index


def _grouped(
    index: Mapping[tuple[str, str, str, str], list[Observation]],
) -> dict[tuple[str, str, str], list[list[Observation]]]:
    grouped: dict[tuple[str, str, str], list[list[Observation]]] = {}
    for key in sorted(index):
        grouped.setdefault(key[:3], []).append(index[key])
    return grouped
