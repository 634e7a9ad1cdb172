"""Data flows and shared responsibility: what leaves the VPC through services of AWS, and who answers for what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airgap.controls.verdicts import verdicts
from airgap.model import flows
from airgap.model.finding import Finding
from airgap.model.flows import Flow
from airgap.views.attest import judged
from airgap.views.look import Look
from airgap.views.table import STATUS, Code, Group, Mark, Table

_OPEN = Mark("not judged", "–", "quiet")


def data_flows(look: Look) -> Table:
    """Return every flow of data out of the VPC through AWS, with the properties that decide it and their verdicts."""
    stands = _stands(judged(look)[0])
    rows: list[Any] = [Group("through endpoints of the VPC")]
    rows += [_flow(one, stands) for one in flows.through_endpoints(look.intent)]
    rows += [Group("between services of AWS, and from outside")]
    rows += [_flow(one, stands) for one in flows.beside_endpoints(look.intent)]
    note = "What a service does with data on its own side is AWS's part; the table of responsibilities says which."
    return Table("Data flows", ("what", "by", "ends at", "sent for", "decided by"), rows, note=note)


def shared(look: Look) -> Table:
    """Return what AWS operates of each service, what the institution decides, and the verdicts on the latter."""
    stands = _stands(judged(look)[0])
    rows = [
        (one.service, one.operated, one.decided, _properties(one.properties, stands))
        for one in flows.shares(look.intent)
    ]
    columns = ("service", "AWS operates", "the institution decides", "shown by")
    return Table("Shared responsibility", columns, rows)


def _stands(findings: Iterable[Finding]) -> dict[str, Mark]:
    return {one.id: STATUS[one.status] for one in verdicts(findings)}


def _flow(one: Flow, stands: dict[str, Mark]) -> tuple[Any, ...]:
    return one.what, one.way, one.ends, ", ".join(one.users), _properties(one.properties, stands)


def _properties(named: Iterable[str], stands: dict[str, Mark]) -> Any:
    return tuple(part for name in named for part in (Code(name), stands.get(name, _OPEN)))
