"""The zero-egress proof as a person reads it: sealed subnets, witnesses hop by hop, open channels, what remains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.checks.proof import Made, made
from airgap.egress.prover import PROVEN, REFUTED, Judged, Missing
from airgap.egress.witness import Witness
from airgap.model.channels import CALLS
from airgap.views.look import Look
from airgap.views.table import Code, Group, Mark, Table, not_read

READS = CALLS
VERDICT = {
    PROVEN: Mark("proven", "✓", "good"),
    REFUTED: Mark("refuted", "✗", "bad"),
    "unknown": Mark("unknown", "?", "unknown"),
}
COLUMNS = ("subject", "verdict", "why", "what closes or decides it")
MOST = 12
"""Rows of what is unknown; the proof in the run's folder has them all."""


def proof(look: Look) -> Table:
    """Return the proof over the pages that are read: worst things first, then what was proven and what remains."""
    seen = made(look.intent, look.estate)
    rows: list[Any] = [Group("Sealed subnets, at packet level")]
    rows += [_subnet(seen, one) for one in seen.proof.judged] or [("none is recorded", VERDICT["unknown"], "", "")]
    for one in seen.proof.witnesses:
        rows += [Group(_asked(seen, one)), *_hops(one)]
    rows += _channels(seen)
    rows += _missing(seen)
    rows += [Group("Relay level: whoever receives may send on"), *_relayed(seen)] if seen.proof.relayed else []
    rows += [Group("What remains, and no pages can close"), *((one, "", "", "") for one in seen.proof.residual)]
    decided = sum(1 for one in seen.proof.channels if one.verdict == PROVEN)
    title = f"Zero egress: {seen.proof.verdict}, {decided} of {len(seen.proof.channels)} channels proven"
    return Table(title, COLUMNS, rows, "The certificate beside the findings can be checked with nothing but Python.")


def _subnet(seen: Made, one: Judged) -> tuple[Any, ...]:
    closed = f"closed only by {'; '.join(one.closed_by)}" if one.closed_by else ""
    why = ", ".join(sorted({leak.target for leak in one.leaks})) or closed
    return (seen.name(one.subnet), Code(one.subnet)), VERDICT[one.verdict], why, ""


def _asked(seen: Made, one: Witness) -> Mark:
    packet = one.packet
    port = "" if packet.port is None else f" port {packet.port}"
    names = ", ".join(seen.name(each) for each in one.subnets)
    return Mark(f"{names} reaches {packet.destination} by protocol {packet.protocol}{port}", "✗", "bad")


def _hops(one: Witness) -> Iterator[tuple[Any, ...]]:
    for number, hop in enumerate(one.trace.hops, 1):
        last = number == len(one.trace.hops)
        yield Code(hop["at"]), f"hop {number}", hop["what"], one.closes if last else ""
    for each in one.closed_only_by:
        yield "today closed only by", "", each, "no proof: one call away from open"


def _channels(seen: Made) -> Iterator[Any]:
    open_ = [one for one in seen.proof.channels if one.verdict != PROVEN]
    if open_:
        yield Group("Channels that are not proven")
    for one in open_:
        told = [(f"{way.resource}: {way.what}", way.closes) for way in one.ways] or [("not all of it is known", "")]
        names = [(Code(one.channel.id), one.channel.title), *([Code(one.channel.id)] * len(told))]
        yield from ((name, VERDICT[one.verdict], *each) for name, each in zip(names, told, strict=False))
    fine = [one for one in seen.proof.channels if one.verdict == PROVEN]
    if fine:
        yield Group("Channels that are proven closed")
        yield from ((Code(one.channel.id), VERDICT[PROVEN], one.channel.title, "") for one in fine)


def _missing(seen: Made) -> Iterator[Any]:
    if seen.proof.missing:
        yield Group("Unknown, and what would decide it")
        for one in seen.proof.missing[:MOST]:
            subject, _, why = one.what.rpartition(": ")
            yield subject or one.what, VERDICT["unknown"], why if subject else "", _decides(one)
        more = len(seen.proof.missing) - MOST
        if more > 0:
            yield f"and {more} more", VERDICT["unknown"], "", ""


def _decides(one: Missing) -> Any:
    return not_read(one.needs) if ":" in one.needs else one.needs


def _relayed(seen: Made) -> Iterator[tuple[Any, ...]]:
    for one in seen.proof.relayed:
        way = ", ".join(seen.name(each) for each in one.path)
        yield seen.name(one.subnet), Mark("apart", "–", "quiet"), f"by way of what stands in {way}", ""
