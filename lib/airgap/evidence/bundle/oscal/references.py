"""Cross-references: what no validator of OSCAL holds to, since each looks at one document by its schema.

NIST's schema, compliance-trestle and oscal-validate all pass a finding that relates to an observation which is not
there, evidence whose page is missing or has another digest, and a method that nobody knows.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Callable, Optional

from airgap.controls import PROPERTIES, by_property
from airgap.evidence.bundle.oscal.terms import DIGEST, controls_of

METHODS = ("EXAMINE", "INTERVIEW", "TEST", "UNKNOWN")
DECLARED_IN = {
    "observation-uuid": ("observations",),
    "risk-uuid": ("risks",),
    "finding-uuid": ("findings",),
    "actor-uuid": ("components", "parties"),
    "component-uuid": ("components",),
    "activity-uuid": ("activities",),
    "task-uuid": ("tasks",),
    "party-uuid": ("parties",),
    "party-uuids": ("parties",),
    "subject-uuid": ("components", "inventory-items", "parties"),
    "role-id": ("roles",),
    "objective-id": ("parts",),
    "target-id": ("parts",),
}
"""Name of a reference -> the lists in one of which what it names is declared."""
BY_TYPE = {"component": "components", "inventory-item": "inventory-items", "party": "parties", "tool": "components"}
"""Type of a subject or actor -> the list in which it is declared."""
Digest = Callable[[str], Optional[str]]


def problems(documents: Mapping[str, Any], digest: Digest) -> Iterator[tuple[str, str]]:
    """Yield the member and what in it refers to nothing; ``digest`` gives the SHA-256 of a member, None without one.

    References of one document are looked for in it, in the plan that it imports and in the catalog of properties.
    """
    known = {name: _declared(document) for name, document in documents.items()}
    controls = frozenset(controls_of((one.id for one in PROPERTIES), by_property()))
    for name, document in documents.items():
        ids = [one for place, one in known[name] if place != "parts"]
        yield from ((name, f"{one} names two things") for one in sorted({one for one in ids if ids.count(one) > 1}))
        reached = {each for other in (name, *_imported(name, documents)) for each in known[other]}
        for key, value, holder in _references(document):
            what = _dangling(key, value, holder, reached, controls)
            if what is None and key == "href":
                what = _astray(name, str(value), holder, digest, documents)
            if what:
                yield name, what


def count(documents: Mapping[str, Any]) -> int:
    """Return how many references these documents have."""
    return sum(1 for document in documents.values() for _ in _references(document))


def _declared(document: Any, place: str = "") -> list[tuple[str, str]]:
    """Return every id with the list that declares it."""
    found: list[tuple[str, str]] = []
    if isinstance(document, list):
        for each in document:
            found += _declared(each, place)
    elif isinstance(document, dict):
        own = document.get("uuid") or (document.get("id") if place in ("roles", "parts") else None)
        found += [(place, str(own))] if own else []
        for name, value in document.items():
            found += _declared(value, name)
    return found


def _imported(name: str, documents: Mapping[str, Any]) -> list[str]:
    """The documents in whose terms another one speaks."""
    body = next(iter(documents[name].values()), None)
    href = body.get("import-ap", {}).get("href", "") if isinstance(body, dict) else ""
    beside = posixpath.join(posixpath.dirname(name), href) if href else ""
    return [one for one in documents if one != name and (one == beside or "catalog" in documents[one])]


def _references(document: Any) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield every reference: its name, its value, and the object that it stands in."""
    if isinstance(document, list):
        for each in document:
            yield from _references(each)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name in DECLARED_IN or name in ("href", "control-id", "methods"):
                for each in value if isinstance(value, list) else [value]:
                    yield name, each, document
            else:
                yield from _references(value)


def _dangling(
    key: str, value: Any, holder: Mapping[str, Any], reached: set[tuple[str, str]], controls: frozenset[str]
) -> Optional[str]:
    if key == "methods":
        return None if value in METHODS else f"{value} is no method"
    if key == "control-id":
        return None if value in controls else f"{value} is no control that any property supports"
    if key == "href":
        inside = str(value).startswith("#") and ("resources", str(value)[1:]) not in reached
        return f"href {value} leads to no resource" if inside else None
    places = DECLARED_IN[key]
    if key in ("subject-uuid", "actor-uuid"):
        places = (BY_TYPE.get(str(holder.get("type")), "nowhere"),)
    return None if any((place, str(value)) in reached for place in places) else f"{key} {value} names nothing"


def _astray(
    name: str, href: str, holder: Mapping[str, Any], digest: Digest, documents: Mapping[str, Any]
) -> Optional[str]:
    """Return what is wrong with a reference to another member: it is not there, or has another digest."""
    if href.startswith("#"):
        return None
    place = posixpath.normpath(posixpath.join(posixpath.dirname(name), href))
    held = digest(place)
    if held is None and place not in documents:
        return f"href {href} leads to no member"
    told = [one.get("value") for one in holder.get("hashes", ()) if one.get("algorithm") == DIGEST]
    if "hashes" in holder and told != [held]:
        return f"href {href} has another digest than its member"
    return None
