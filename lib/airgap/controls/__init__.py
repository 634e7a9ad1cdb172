"""Frameworks as data: requirement -> properties -> checks. A new framework is one module with its table.

A report says that its evidence *supports* a requirement, never that the institution complies with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airgap.controls import csf, dora, ffiec_aio, ffiec_is, glba, nydfs, pci, sec, sp800_53
from airgap.controls.framework import Framework, Mapped, Requirement
from airgap.controls.parts import PARTS, Part
from airgap.controls.properties import PROPERTIES, Property
from airgap.controls.review import reviewed
from airgap.controls.support import Support, supports
from airgap.controls.verdicts import PropertyVerdict, Untested, verdicts
from airgap.model.intent import MappingReview

__all__ = ["FRAMEWORKS", "PARTS", "PROPERTIES", "Framework", "Mapped", "Part", "Property", "PropertyVerdict",
           "Requirement", "Support", "Untested", "by_property", "requirements", "reviewed", "supports",
           "verdicts"]  # fmt: skip

FRAMEWORKS: tuple[Framework, ...] = tuple(
    one.FRAMEWORK for one in (csf, sp800_53, pci, glba, nydfs, ffiec_is, ffiec_aio, sec, dora)
)


def requirements(framework: str) -> tuple[Requirement, ...]:
    """Return the requirements of a framework by its id, as ``csf``; raises ``KeyError`` for one that is not known."""
    return {one.id: one for one in FRAMEWORKS}[framework].requirements()


def by_property(reviews: Iterable[MappingReview] = ()) -> Mapping[str, tuple[Mapped, ...]]:
    """Return the mappings of each property to requirements of every framework, in their order, as these reviews left
    them.
    """
    known = tuple(reviews)
    found: dict[str, list[Mapped]] = {one.id: [] for one in PROPERTIES}
    for framework in FRAMEWORKS:
        for one in reviewed(framework, known):
            found[one.property].append(one)
    return {name: tuple(held) for name, held in found.items()}
