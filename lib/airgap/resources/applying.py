"""Apply a plan: create, change and remove resources in the order of their references, in parallel, settling late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from airgap.errors import AirgapError, Interrupted, MissingPredecessor, Unreadable, Unsettled, WaitingForPerson
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.observation import ABSENT, DENIED, OK, UNSUPPORTED
from airgap.model.permissions import iam_action
from airgap.model.plan import CREATE, DELETE, REFERENCE, REPLACED, UPDATE, Change, Desired, Plan
from airgap.model.reading import Live, identity, items, value_of
from airgap.model.survey import Survey
from airgap.resources.kind import WHOLE, Acting, Call, Kind, tags_for

Report = Callable[[str, str], None]
UNANSWERED = 10
"""Failed answers in a row after which nobody waits for a resource any more; each was retried by itself."""
LATE = 0.03
"""How much later than it could be a change of state is seen, as a part of the time waited; at first a tenth second."""
WAITING = 64
"""Resources in work at a time; most of them only wait for AWS, and ``jobs`` bounds the calls in flight."""


@dataclass
class Application:
    """One step's plan being applied: the kinds, what is declared, what is there, and how many at a time."""

    cloud: Acting
    kinds: Mapping[str, Kind]
    desired: Mapping[str, Desired]
    found: Survey
    tags: Mapping[str, str]
    prefix: str
    report: Report
    pause: Callable[[float], None]
    jobs: int = 8
    predecessor: Callable[[str], str] = lambda key: "an earlier step"
    idle: Callable[[bool], None] = lambda waiting: None
    """Told when all that is left to do is to wait for AWS, and when there is work again."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._slots = threading.Semaphore(self.jobs)
        self._working, self._waiting = 0, 0

    def run(self, plan: Plan) -> None:
        """Carry out every change of the plan; the first error stops what has not begun and is raised."""
        removals = {change.resource for change in plan.changes if change.op == DELETE}
        removed = self._removal_order(removals)
        if removed:
            self._parallel(removed, lambda key: self._remove(key, plan.resources()[key]))
        work = {key: changes for key, changes in plan.resources().items() if key not in removals}
        after = {key: self.desired[key].after & set(work) for key in work}
        self._parallel(after, lambda key: self._bring(key, work[key]))

    def _removal_order(self, keys: set[str]) -> dict[str, set[str]]:
        """A resource goes after all that refer to it, and after those of kinds that are created later."""
        rank = {kind: number for number, kind in enumerate(self.kinds)}
        order: dict[str, set[str]] = {}
        for key in keys:
            mine = rank[key.split(":")[0]]
            order[key] = {other for other in keys if rank[other.split(":")[0]] > mine}
        return order

    def _parallel(self, after: Mapping[str, set[str]], act: Callable[[str], None]) -> None:
        """Act on every key once all that it comes after is done; an error or Ctrl-C lets calls in flight finish.

        What waits for a person holds up only what comes after it.
        """
        done: set[str] = set()
        left = dict(after)
        running: dict[Future[None], str] = {}
        broken: list[BaseException] = []
        waiting: list[BaseException] = []
        with ThreadPoolExecutor(max_workers=WAITING) as pool:
            try:
                while left or running:
                    for key in [] if broken else [key for key in left if left[key] <= done]:
                        del left[key]
                        self._count(working=1)
                        running[pool.submit(act, key)] = key
                    if not running:
                        break
                    for future in wait(running, return_when=FIRST_COMPLETED)[0]:
                        key = running.pop(future)
                        self._count(working=-1)
                        error = future.exception()
                        if isinstance(error, WaitingForPerson):
                            waiting.append(error)
                            continue
                        broken += [error] if error else []
                        done.add(key)
            except KeyboardInterrupt as interrupt:
                self.cloud.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise _interrupted(done, running, left) from interrupt
        if broken or waiting:
            raise _with_rest([*broken, *waiting][0], sorted(left))
        if left:
            raise AirgapError(f"These resources wait for each other: {', '.join(sorted(left))}", "them", "report this")

    def _count(self, working: int = 0, waiting: int = 0) -> None:
        """Note how many resources are in work, and how many of them only wait; tell when that comes to be all."""
        with self._lock:
            before = 0 < self._working == self._waiting
            self._working, self._waiting = self._working + working, self._waiting + waiting
            after = 0 < self._working == self._waiting
        if before != after:
            self.idle(after)

    def _bring(self, key: str, changes: Sequence[Change]) -> None:
        kind, one = self.kinds[key.split(":")[0]], self.desired[key]
        op = changes[0].op
        self.report(key, {CREATE: "creating", UPDATE: "changing"}.get(op, "replacing"))
        if any(change.op == REPLACED for change in changes):
            self._remove(key, changes)
            self._create(kind, one)
        elif op == CREATE:
            self._create(kind, one)
        else:
            self._update(kind, one, list(dict.fromkeys(change.field.split(".")[0] for change in changes)))
        self._settle(kind, key)
        self.report(key, "done")

    def _create(self, kind: Kind, one: Desired) -> None:
        fields = self._fields(one)
        known = kind.born is not None
        if kind.born is not None:
            fields = {
                **fields,
                **self._born(kind, one, self._made_by_aws(kind, kind.born, fields, one.key), fields).attrs,
            }
        for call in kind.create:
            if not call.when(fields):
                continue
            answer = self._write(call, fields, one.key)
            if not known:
                item = dig(answer, call.result) if call.result else answer
                item = item[0] if isinstance(item, list) and item else item
                live = self._born(kind, one, item if isinstance(item, Mapping) else {}, fields)
                fields = {**fields, **live.attrs}
                known = True
        if kind.later:
            self._settle(kind, one.key)
            self._update(kind, one, [name for name in kind.later if one.fields.get(name) is not None])

    def _made_by_aws(self, kind: Kind, call: Call, fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Return what AWS made together with its parent; it may show a moment later."""
        waited, delay = 0.0, 0.1
        while waited <= kind.limit:
            seen = self.cloud.read(call.operation, dict(call.params(fields)), absent=call.ignore)
            estate = Estate(seen, self.page, account=self.cloud.account, region=self.cloud.region, taken_at="")
            for item in items(kind.reading, estate):
                known = {name: value_of(kind.reading.fields[name], item, estate) for name in kind.reading.natural}
                if all(fields[name] == value for name, value in known.items()):
                    return item
            self._rest(delay, key)
            waited, delay = waited + delay, min(delay * 1.5, 1.0)
        raise Unsettled(f"{key} did not appear within {kind.limit:.0f} s", "it", "run again; it goes on waiting")

    def _born(self, kind: Kind, one: Desired, item: Mapping[str, Any], fields: Mapping[str, Any]) -> Live:
        """What a created resource is known by: from the answer, or by its own fields where the answer says nothing."""
        # Where a reading takes what it knows from the parameters of its call, the answer that made the thing tells it.
        item = {"?": item, **item}
        attrs = {name: str(dig(item, path) or "") for name, path in kind.reading.attrs.items()}
        attrs["id"] = identity(item, kind.reading.id).strip("|") or str(fields.get("name") or one.key)
        live = Live(kind.name, attrs["id"], one.key, attrs, dict(one.fields))
        with self._lock:
            self.found.learn(live)
        return live

    def _update(self, kind: Kind, one: Desired, names: Sequence[str]) -> None:
        fields = self._fields(one)
        made: set[int] = set()
        for name in names:
            if name not in kind.updates:
                raise AirgapError(
                    f"{one.key}: {name} cannot be changed on a live resource", one.key, "replace it by hand"
                )
            for call in kind.updates[name]:
                if id(call) not in made and call.when(fields):
                    if made and kind.serial:
                        self._settle(kind, one.key)
                    made.add(id(call))
                    self._write(call, fields, one.key)

    def _remove(self, key: str, changes: Sequence[Change]) -> None:
        kind = self.kinds[key.split(":")[0]]
        live = self._live(key)
        if live is None:
            return
        declared = self.found.resolve(dict(self.desired[key].fields)) if key in self.desired else {}
        fields = {**declared, **self.found.resolve(dict(live.fields)), **live.attrs, "key": key}
        self.report(key, "removing")
        protected = {name: value for name, value in kind.protection.items() if live.fields.get(name) != value}
        for name in protected:
            for call in kind.updates[name]:
                self._write(call, {**fields, **kind.protection}, key)
        if protected and key in self.found.lives:
            self._settle(kind, key)
        if kind.empty is not None:
            kind.empty(self.cloud, live)
        if kind.vacated is not None:
            self._wait_until_gone(replace(kind, poll=kind.vacated), key, fields)
        for call in kind.delete:
            if call.when(fields):
                self._write(call, fields, key)
        if kind.gone:
            self._wait_until_gone(kind, key, fields)
        self.found.lives.pop(key, None)
        self.report(key, "removed")

    def _live(self, key: str) -> Live | None:
        orphan = next((one for one in self.found.orphans if one.key == key), None)
        return orphan or self.found.lives.get(key)

    def _write(self, call: Call, fields: Mapping[str, Any], key: str) -> dict[str, Any]:
        params = {name: value for name, value in call.params(fields).items() if value is not None}
        with self._slots:
            return self.cloud.write(call.operation, params, resource=key, retry=call.retry, ignore=call.ignore)

    def _fields(self, one: Desired) -> dict[str, Any]:
        with self._lock:
            resolved = self.found.resolve(dict(one.fields))
        left = [match.group(1) for match in REFERENCE.finditer(str(resolved))]
        if left:
            step = self.predecessor(left[0])
            raise MissingPredecessor(
                f"{one.key} needs {left[0]}, which does not exist", one.key, f"run {step} in mode apply first"
            )
        live = self.found.lives.get(one.key)
        tags = tags_for(one, self.tags, self.prefix)
        was = self.found.resolve(dict(live.fields)) if live else {}
        known = live.attrs if live else {}
        return {**resolved, **known, "key": one.key, "tags": tags, "was": was}

    def _settle(self, kind: Kind, key: str) -> None:
        if kind.poll is None:
            return
        live = self.found.lives[key]
        fields = {**self.found.resolve(dict(live.fields)), **live.attrs}
        for item in self._polls(kind, key, fields):
            state = _state(kind, item)
            if state in kind.reading.settled or (item is not None and not kind.reading.settled):
                with self._lock:
                    fresh = {name: str(dig(item, path) or "") for name, path in kind.reading.attrs.items()}
                    known = {name: value for name, value in fresh.items() if value}
                    self.found.learn(replace(live, attrs={**live.attrs, **known}, state=state))
                return
            if state in kind.reading.failed:
                why = kind.diagnose(self._ask, fields) if kind.diagnose else ""
                ended = f"{key} ended in state {state}{': ' if why else ''}{why}"
                raise Unsettled(ended, "what depends on it", "read its events, mend, run again")
            self.report(key, f"waiting ({state or 'pending'})")

    def _wait_until_gone(self, kind: Kind, key: str, fields: Mapping[str, Any]) -> None:
        for item in self._polls(kind, key, fields):
            if item is None or dig(item, kind.reading.state) in ("deleted", "DELETED", "terminated"):
                return

    def _polls(self, kind: Kind, key: str, fields: Mapping[str, Any]) -> Any:
        """Yield the resource as read again and again, or None when it is gone; raise when the limit is over."""
        if kind.poll is None:
            return
        unanswered = 0
        path = kind.poll.result or kind.reading.items
        for _ in self._moments(kind, key):
            params = dict(kind.poll.params(fields))
            with self._slots:
                last = self.cloud.read(kind.poll.operation, params, absent=kind.poll.ignore)[-1]
            if last.status in (DENIED, UNSUPPORTED):
                raise Unreadable(
                    f"{key} cannot be read, so whether it is there is not known: {last.call} answered {last.code}",
                    "what depends on it",
                    f"grant {iam_action(last.call)} and run again; it goes on waiting",
                )
            unanswered = 0 if last.status in (OK, ABSENT) else unanswered + 1
            if unanswered > UNANSWERED:
                raise Unreadable(
                    f"{key} cannot be read: {last.call} failed {unanswered} times: {last.code}: {last.message}",
                    "what depends on it",
                    "look at the service's health; run again, it goes on waiting",
                )
            # A call that failed says nothing of the resource: neither that it is ready nor that it is gone.
            if last.status in (OK, ABSENT):
                page = self._page(last)
                listed = (page or None) if path == WHOLE else dig(page, path)
                yield (listed[0] if listed else None) if isinstance(listed, list) else listed
        if kind.person:
            task = kind.person(self._ask, fields)
            raise WaitingForPerson(f"{key} waits for a person", "what depends on it", task)
        why = kind.diagnose(self._ask, fields) if kind.diagnose else ""
        late = f"{key} did not settle within {kind.limit:.0f} s{': ' if why else ''}{why}"
        raise Unsettled(late, "what depends on it", "run again; it goes on waiting")

    def _moments(self, kind: Kind, key: str) -> Iterator[float]:
        """Yield the seconds waited so far at each moment to look again; from the second on, this only waits."""
        waited, waiting = 0.0, 0
        try:
            while waited <= kind.limit:
                yield waited
                self._count(waiting=1 - waiting)
                waiting = 1
                delay = min(max(0.1, waited * LATE), max(1.0, kind.seconds / 20))
                self._rest(delay, key)
                waited += delay
        finally:
            self._count(waiting=-waiting)

    def _rest(self, seconds: float, key: str) -> None:
        """Wait before the next look; nobody waits for AWS once the run was interrupted."""
        while seconds > 0 and not self.cloud.stop.is_set():
            self.pause(min(seconds, 0.5))
            seconds -= 0.5
        if self.cloud.stop.is_set():
            raise Interrupted(f"Interrupted while {key} was settling", "what depends on it", "run again")

    def _ask(self, call: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._slots:
            return self._page(self.cloud.read(call, params)[-1])

    page: Callable[[str], Mapping[str, Any]] = lambda digest: {}

    def _page(self, observation: Any) -> Mapping[str, Any]:
        return self.page(observation.page) if observation.page else {}


def _state(kind: Kind, item: Mapping[str, Any] | None) -> str:
    if item is None:
        return "gone"
    return kind.state_of(item) if kind.state_of else str(dig(item, kind.reading.state) or "")


def _interrupted(done: set[str], running: Mapping[Future[None], str], left: Iterable[str]) -> Interrupted:
    """Say what an interruption leaves: settled, begun (it settles by itself) and not begun."""
    settled = {key for one, key in running.items() if one.done() and not one.cancelled() and not one.exception()}
    begun = sorted(key for one, key in running.items() if not one.cancelled() and key not in settled)
    untouched = sorted([*left, *(key for one, key in running.items() if one.cancelled())])
    count = len(done) + len(settled)
    return Interrupted(
        f"Interrupted after {count} of {count + len(begun) + len(untouched)} resources; calls in flight were finished"
        + (f"; begun and not settled: {_several(begun)}" if begun else ""),
        _several(untouched) or "nothing that was planned was left out",
        "run the same command again: what exists is found, and nothing is made twice",
    )


def _several(keys: Sequence[str]) -> str:
    return ", ".join(keys[:8]) + (f" and {len(keys) - 8} more" if len(keys) > 8 else "")


def _with_rest(error: BaseException, rest: Sequence[str]) -> BaseException:
    """Add to an error what was not begun because of it."""
    if isinstance(error, AirgapError) and rest and not isinstance(error, Interrupted):
        error.unchanged = f"{error.unchanged or 'the resource named'}; not begun: {_several(rest)}"
    return error
