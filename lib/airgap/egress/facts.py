"""Facts: the recorded pages of one or more accounts and Regions, by AWS's own top-level keys and ids.

Nothing is interpreted here. What was not recorded is told apart from what was recorded as empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

Item = Mapping[str, Any]

KEYED = {
    "Entries": ("PrefixListEntries", "PrefixListId", "ec2:GetManagedPrefixListEntries"),
    "Routes": ("TransitGatewayStaticRoutes", "TransitGatewayRouteTableId", "ec2:SearchTransitGatewayRoutes"),
    "TransitGatewayRouteTablePropagations": (
        "TransitGatewayPropagations",
        "TransitGatewayRouteTableId",
        "ec2:GetTransitGatewayRouteTablePropagations",
    ),
}
"""Answers that do not name what they were asked for: the wrapped form's key, the parameter to keep, and the call."""


class Document(NamedTuple):
    """One answer of AWS: where it was asked, with which parameters, and its body.

    ``call`` is ``service:Operation``, empty where it is not known; ``refused`` says why there is no whole answer.
    """

    account: str
    region: str
    params: Mapping[str, Any]
    body: Mapping[str, Any]
    call: str = ""
    refused: str = ""


class Facts:
    """Every recorded item by kind and id; ids are unique over accounts and Regions."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._items: dict[str, list[Item]] = {}
        self._places: dict[str, set[tuple[str, str]]] = {}
        self._home: dict[int, tuple[str, str]] = {}
        self._ids: dict[tuple[str, str], dict[str, Item]] = {}
        self._groups: dict[tuple[str, str], dict[str, list[Item]]] = {}
        self._calls: dict[str, list[Document]] = {}
        self._every: set[tuple[str, str]] = set()
        for one in documents:
            self._every.add((one.account, one.region))
            if one.call:
                self._calls.setdefault(one.call, []).append(one)
            for key, value in one.body.items():
                self._add(one, key, value)

    def _add(self, document: Document, key: str, value: Any) -> None:
        kind, found = _named(document, key, value)
        if not document.refused:
            self._places.setdefault(kind, set()).add((document.account, document.region))
        for item in found:
            self._home[id(item)] = (document.account, document.region)
        held = self._items.setdefault(kind, [])
        if kind in _WRAPPED and key in KEYED and held and found:
            same = [one for one in held if one.get(_WRAPPED[kind]) == found[0].get(_WRAPPED[kind])]
            if same:
                same[0][key].extend(value)
                return
        held += found

    @property
    def places(self) -> set[tuple[str, str]]:
        """Every account and Region of which anything was recorded or refused."""
        return set(self._every)

    def asked(self, call: str) -> list[Document]:
        """Return every answer and refusal of a call."""
        return self._calls.get(call, [])

    def has(self, kind: str, place: Optional[tuple[str, str]] = None) -> bool:
        """Tell whether an answer of this kind was recorded, anywhere or at one place, empty or not."""
        found = self._places.get(kind, set())
        return bool(found) if place is None else place in found

    def items(self, kind: str) -> list[Item]:
        """Return every item of a kind."""
        return self._items.get(kind, [])

    def home(self, item: Item) -> tuple[str, str]:
        """Return the account and Region of whose answer an item is a part."""
        return self._home[id(item)]

    def find(self, kind: str, member: str, value: str) -> Optional[Item]:
        """Return the item of a kind whose ``member`` is ``value``."""
        if (kind, member) not in self._ids:
            self._ids[kind, member] = {str(one.get(member, "")): one for one in self.items(kind)}
        return self._ids[kind, member].get(value)

    def where(self, kind: str, **members: Any) -> Iterator[Item]:
        """Yield the items of a kind with these members."""
        first, wanted = next(iter(members.items()))
        if (kind, first) not in self._groups:
            groups: dict[str, list[Item]] = {}
            for one in self.items(kind):
                groups.setdefault(str(one.get(first)), []).append(one)
            self._groups[kind, first] = groups
        for one in self._groups[kind, first].get(str(wanted), []):
            if all(one.get(name) == value for name, value in members.items()):
                yield one


_WRAPPED = {kind: named for kind, named, _ in KEYED.values()}


def _named(document: Document, key: str, value: Any) -> tuple[str, list[Any]]:
    """Return the kind and items of one member of an answer; other services' members bear the service's name."""
    service, _, _ = document.call.partition(":")
    if service not in ("", "ec2"):
        return f"{service}:{key}", [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    if key in KEYED and document.call in ("", KEYED[key][2]) and isinstance(value, list):
        kind, named, _ = KEYED[key]
        return kind, [{named: document.params.get(named, ""), key: list(value)}]
    if key in KEYED:
        return f"{document.call}:{key}", []
    found = value if isinstance(value, list) else [value]
    items = [one for one in found if isinstance(one, Mapping)]
    if key != "PrefixLists":
        return key, items
    # Two calls answer under one key; only AWS's own lists come with their ranges.
    return ("PrefixLists" if all("Cidrs" in one for one in items) else "ManagedPrefixLists"), items
