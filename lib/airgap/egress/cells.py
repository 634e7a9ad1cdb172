"""Cells: a route table as a partition of all addresses, each interval with the one route that decides for it.

The same rules as a router's: longest prefix; static before a prefix list's before a propagated one; a propagated route
never overrides the local one. Two routes that tie give a cell each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional

from airgap.egress.boxes import LAST
from airgap.egress.facts import Item
from airgap.egress.network import Network, propagated, rank, target


class Cell(NamedTuple):
    """An interval of addresses, the prefix and route that decide for it; no route: nothing leads anywhere."""

    low: int
    high: int
    prefix: str
    route: Optional[Item]


class Unlisted(NamedTuple):
    """A route whose prefix list was not recorded: it may be for any address."""

    list_id: str
    route: Item


class _Entry(NamedTuple):
    low: int
    high: int
    length: int
    rank: int
    prefix: str
    route: Item


def cells(network: Network, table: Item, version: int) -> tuple[list[Cell], list[Unlisted]]:
    """Return the partition of one address family by a route table, and the routes that could not be placed in it."""
    entries: list[_Entry] = []
    unlisted: list[Unlisted] = []
    for route in table.get("Routes") or []:
        ranges = network.destinations(route)
        if ranges is None:
            unlisted.append(Unlisted(str(route.get("DestinationPrefixListId")), route))
            continue
        for one in ranges:
            if one.version == version:
                low, high = int(one.network_address), int(one.broadcast_address)
                entries.append(_Entry(low, high, one.prefixlen, rank(route), str(one), route))
    return list(_joined(_partition(entries, version))), unlisted


def _partition(entries: list[_Entry], version: int) -> Iterator[Cell]:
    """Sweep over the borders; prefixes are nested or apart, so the innermost open one decides."""
    entries.sort(key=lambda one: (one.low, one.length))
    borders = sorted({0, LAST[version] + 1, *(one.low for one in entries), *(one.high + 1 for one in entries)})
    opened: list[_Entry] = []
    position = 0
    for low, after in zip(borders, borders[1:]):
        opened = [one for one in opened if one.high >= low]
        while position < len(entries) and entries[position].low <= low:
            opened.append(entries[position])
            position += 1
        for prefix, route in _deciding(opened):
            yield Cell(low, after - 1, prefix, route)


def _deciding(opened: list[_Entry]) -> Iterator[tuple[str, Optional[Item]]]:
    local = any(target(one.route)[1] == "local" for one in opened)
    standing = [one for one in opened if not (local and propagated(one.route))]
    if not standing:
        yield "", None
        return
    best = min((-one.length, one.rank) for one in standing)
    for one in standing:
        if (-one.length, one.rank) == best:
            yield one.prefix, one.route


def _joined(found: Iterator[Cell]) -> Iterator[Cell]:
    """Yield the cells with neighbours of one prefix and route made one."""
    last: Optional[Cell] = None
    for cell in found:
        if last is not None and last.high + 1 == cell.low and last.route is cell.route and last.prefix == cell.prefix:
            last = last._replace(high=cell.high)
            continue
        if last is not None:
            yield last
        last = cell
    if last is not None:
        yield last
