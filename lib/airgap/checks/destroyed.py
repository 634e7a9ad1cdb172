"""What a destroy is judged by: that nothing of ours is left."""

from __future__ import annotations

from collections.abc import Iterable

from airgap.model.finding import FAIL, PASS, UNKNOWN, Finding
from airgap.model.survey import Survey

CHECK = "destroy-nothing-left"


def nothing_left(step: str, mine: Iterable[str], strays: Iterable[str], found: Survey) -> list[Finding]:
    """Return a finding for each resource that is still there: ``mine`` are the declared keys that destroy removes,
    ``strays`` the keys of what is ours and undeclared. What could not be read leaves it unknown.
    """
    if found.unreadable:
        why = "; ".join(f"{kind}: {cause}" for kind, cause in sorted(found.unreadable.items()))
        return [_finding(UNKNOWN, "*", why)]
    left = sorted({*(key for key in mine if key in found.lives), *strays})
    if left:
        return [_finding(FAIL, key, "is still there") for key in left]
    return [_finding(PASS, step, "nothing of this step is left")]


def _finding(status: str, resource: str, message: str) -> Finding:
    title = "Destroy leaves nothing of this environment"
    remedy = "run destroy again; it names what blocks" if status != PASS else ""
    return Finding(CHECK, title, status, "medium", resource, message, remedy, (), ())
