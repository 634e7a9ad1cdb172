"""Facts: the recorded pages of one or more accounts and Regions, by AWS's own top-level keys and ids.

Nothing is interpreted here. What was not recorded is told apart from what was recorded as empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

Item = Mapping[str, Any]

KEYED = {
    "Entries": ("PrefixListEntries", "PrefixListId"),
    "Routes": ("TransitGatewayStaticRoutes", "TransitGatewayRouteTableId"),
    "TransitGatewayRouteTablePropagations": ("TransitGatewayPropagations", "TransitGatewayRouteTableId"),
    "InternetGatewayBlockMode": ("VpcBlockPublicAccessOptions", ""),
}
"""Answers that do not name what they were asked for: their key, the wrapped form's key, and the parameter to keep."""


class Document(NamedTuple):
    """One answer of AWS: where it was asked, with which parameters, and its body."""

    account: str
    region: str
    params: Mapping[str, Any]
    body: Mapping[str, Any]


class Facts:
    """Every recorded item by kind and id; ids are unique over accounts and Regions."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._items: dict[str, list[Item]] = {}
        self._places: dict[str, set[tuple[str, str]]] = {}
        self._home: dict[int, tuple[str, str]] = {}
        self._ids: dict[tuple[str, str], dict[str, Item]] = {}
        for one in documents:
            for key, value in one.body.items():
                self._add(one, key, value)

    def _add(self, document: Document, key: str, value: Any) -> None:
        kind, named = KEYED.get(key, (key, ""))
        if isinstance(value, list):
            found = [{named: document.params.get(named, ""), key: value}] if named else value
        else:
            found = [value] if isinstance(value, Mapping) else []
        self._places.setdefault(kind, set()).add((document.account, document.region))
        for item in found:
            if isinstance(item, Mapping):
                self._items.setdefault(kind, []).append(item)
                self._home[id(item)] = (document.account, document.region)

    @property
    def places(self) -> set[tuple[str, str]]:
        """Every account and Region of which anything was recorded."""
        return {place for found in self._places.values() for place in found}

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
        for one in self.items(kind):
            if all(one.get(name) == value for name, value in members.items()):
                yield one
