"""Collect: run the declared queries, follow-ups after what they follow, and return the observations."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from airgap.cloud import failures
from airgap.cloud.queries import QUERIES
from airgap.cloud.query import Query
from airgap.model import observation
from airgap.model.canonical import dig, encode, plain
from airgap.model.estate import Estate, PageLoader
from airgap.model.observation import NotObserved, Observation
from airgap.model.reading import Reading, items

AGAIN = 3
"""Times that lists are read again whose items go while they are read, as in a destroy of several steps."""
FOLLOWING = frozenset(query.call for query in QUERIES if query.each)
"""The calls that ask about what another call lists."""
HOME = "$home"
"""In a row of the table: the home Region of the environment's partition."""


class Reads(Protocol):
    """What answers read calls: the cloud, or every system of an environment."""

    account: str
    region: str

    @property
    def read(self) -> Callable[..., list[Observation]]:
        """Make one read call and return its observations."""

    @property
    def nothing_to_read(self) -> Callable[..., list[Observation]]:
        """Record that there was nothing to ask for."""


def closure(reads: Iterable[str]) -> tuple[Query, ...]:
    """Return the queries of these calls and of all that they follow, in the order of the table."""
    wanted = set(reads)
    unknown = sorted(wanted - {query.call for query in QUERIES})
    if unknown:
        raise LookupError(f"no row of the table of read calls makes {', '.join(unknown)}")
    while True:
        more = {query.each for query in QUERIES if query.call in wanted and query.each} - wanted
        if not more:
            return tuple(query for query in QUERIES if query.call in wanted)
        wanted |= more


def collect(
    cloud: Reads,
    reads: Iterable[str],
    load: PageLoader,
    *,
    jobs: int = 8,
    since: str = "",
    known: Sequence[Observation] = (),
) -> list[Observation]:
    """Make every read call that ``reads`` needs, in parallel level by level, and return the observations.

    Calls that list what happened over time are made where ``since`` (RFC 3339) says from when on. What was listed and
    was gone when it was asked about is listed again: only a list that does not show it says that it is not there.
    Calls that ``known`` observations answer are not made again; they are returned with the others.
    """
    done = _collected(cloud, reads, load, jobs, since, known)
    for _ in range(AGAIN):
        vanished = {one.call for one in done if failures.vanished(one)} & {
            query.call for query in QUERIES if query.each
        }
        if not vanished:
            break
        calls = {query.call for query in closure(vanished)}
        done = _collected(cloud, vanished, load, jobs, since, [one for one in done if one.call not in calls])
    return done


def lasting(observations: Iterable[Observation]) -> list[Observation]:
    """Return the observations that may serve another reading; none where something was not answered.

    What happened over time is asked from a moment on, which another reading may set otherwise.
    """
    found = list(observations)
    if any(one.status in (observation.DENIED, observation.FAILED) for one in found):
        return []
    over_time = {query.call for query in QUERIES if query.since}
    return [one for one in found if one.call not in over_time]


def _collected(
    cloud: Reads, reads: Iterable[str], load: PageLoader, jobs: int, since: str, known: Sequence[Observation]
) -> list[Observation]:
    at_home = observation.home(cloud.region) == cloud.region
    done, have = list(known), {one.call for one in known}
    wanted = [one for one in closure(reads) if one.call not in have]
    left = [one for one in wanted if (since or not one.since) and not (at_home and one.home == HOME)]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        while left:
            level = [query for query in left if not _waits(query, left)]
            left = [query for query in left if query not in level]
            estate = Estate(done, load, account=cloud.account, region=cloud.region, taken_at="")
            asked = [(query, params) for query in level for params in parameters(query, estate, since)]
            for answer in pool.map(lambda one: _read(cloud, *one), asked):
                done.extend(answer)
            made = {query.call for query, _ in asked}
            silent = [query for query in level if query.each not in ("", query.call) and query.call not in made]
            for query in {query.call: query for query in silent}.values():
                if _answered(query.each, estate):
                    done.extend(cloud.nothing_to_read(query.call, query.each, scope=query.scope, vantage=query.vantage))
    return done


def _waits(query: Query, left: Sequence[Query]) -> bool:
    """Whether another row of what a query follows is still to be made; a call may follow itself, once."""
    return any(other.call == query.each for other in left if other is not query)


def _answered(call: str, estate: Estate) -> bool:
    """Whether a call was answered wherever it was made, so that what it does not list is not there."""
    try:
        estate.pages(call)
    except NotObserved:
        return False
    return True


def _read(cloud: Reads, query: Query, params: Mapping[str, Any]) -> list[Observation]:
    home = observation.home(cloud.region) if query.home == HOME else query.home
    return cloud.read(query.call, params, scope=query.scope, absent=query.absent, vantage=query.vantage, home=home)


def parameters(query: Query, estate: Estate, since: str = "") -> list[dict[str, Any]]:
    """Return the parameters of every call that a query makes, each once; none where what it follows was not read."""
    bound = [{}] if not query.each else list(_bindings(query, estate))
    fixed = {**query.params, **({query.since: since} if query.since else {})}
    every = [{**fixed, **one, **variant} for one in bound for variant in _variants(query.vary)]
    return list({encode(plain(one)): one for one in every}.values())


def _bindings(query: Query, estate: Estate) -> Iterator[dict[str, Any]]:
    listed = Reading(call=query.each, items=query.items, id="", unless=query.skip, only=query.only)
    try:
        for item in items(listed, estate):
            found = {name: _value(item, path, estate) for name, path in query.bind.items()}
            if all(value not in (None, "", [], [None]) for value in found.values()):
                yield _nested(found)
    except NotObserved:
        # The list itself was not answered: its own observation says so, and every reader of the follow-up finds none.
        return


def _value(item: Mapping[str, Any], path: str, estate: Estate) -> Any:
    """A path in brackets gives a list of one, for parameters that take several."""
    if path.startswith("["):
        return [_value(item, path[1:-1], estate)]
    if path == "$region":
        return estate.region
    if "{" in path:
        return re.sub(r"{([^}]+)}", lambda match: str(dig(item, match[1])), path)
    return dig(item, path)


def _nested(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return bound values as parameters; a dotted name stands for a member of a structure."""
    whole: dict[str, Any] = {}
    for name, value in found.items():
        *outer, last = name.split(".")
        place = whole
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return whole


def _variants(vary: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    for values in itertools.product(*vary.values()):
        yield dict(zip(vary, values, strict=True))
