"""Collect: run the declared queries, follow-ups after what they follow, and return the observations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airgap.cloud.queries import QUERIES
from airgap.cloud.query import Query
from airgap.cloud.session import Cloud
from airgap.model.canonical import dig, encode, plain
from airgap.model.estate import Estate, PageLoader
from airgap.model.observation import NotObserved, Observation
from airgap.model.reading import Reading, items


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


def collect(cloud: Cloud, reads: Iterable[str], load: PageLoader, *, jobs: int = 8) -> list[Observation]:
    """Make every read call that ``reads`` needs, in parallel level by level, and return the observations."""
    left = list(closure(reads))
    done: list[Observation] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        while left:
            waiting = {query.call for query in left}
            level = [query for query in left if query.each not in waiting]
            left = [query for query in left if query.each in waiting]
            estate = Estate(done, load, account=cloud.account, region=cloud.region, taken_at="")
            asked = [(query, params) for query in level for params in parameters(query, estate)]
            for answer in pool.map(lambda one: _read(cloud, *one), asked):
                done.extend(answer)
    return done


def _read(cloud: Cloud, query: Query, params: Mapping[str, Any]) -> list[Observation]:
    return cloud.read(query.call, params, scope=query.scope, absent=query.absent, vantage=query.vantage)


def parameters(query: Query, estate: Estate) -> list[dict[str, Any]]:
    """Return the parameters of every call that a query makes, each once; none where what it follows was not read."""
    bound = [{}] if not query.each else list(_bindings(query, estate))
    every = [{**query.params, **one, **variant} for one in bound for variant in _variants(query.vary)]
    return list({encode(plain(one)): one for one in every}.values())


def _bindings(query: Query, estate: Estate) -> Iterator[dict[str, Any]]:
    listed = Reading(call=query.each, items=query.items, id="", unless=query.skip, only=query.only)
    try:
        for item in items(listed, estate):
            found = {name: _value(item, path) for name, path in query.bind.items()}
            if all(value not in (None, [], [None]) for value in found.values()):
                yield found
    except NotObserved:
        # The list itself was not answered: its own observation says so, and every reader of the follow-up finds none.
        return


def _value(item: Mapping[str, Any], path: str) -> Any:
    """A path in brackets gives a list of one, for parameters that take several."""
    return [dig(item, path[1:-1])] if path.startswith("[") else dig(item, path)


def _variants(vary: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    for values in itertools.product(*vary.values()):
        yield dict(zip(vary, values, strict=True))
