"""Whether a second scanner says the same of the same resources, or somebody has explained why not (EVD-03).

``airgap peer`` keeps what it said and holds it against a run's findings; the attestation after it judges that, check
by check of the peer. How two verdicts stand is decided here again, from the verdicts themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from airgap.checks.backups import moment
from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.scope import Item
from airgap.model import peer
from airgap.model.estate import Estate
from airgap.model.intent import Intent

IDLE = "dispositions"
_SAYING = (peer.AGREES, peer.DISAGREES, peer.LESS)
"""Standings of a pair of which both have decided; a check without one is no opinion, and no finding."""


def _compared(intent: Intent, estate: Estate) -> Population:
    """Each check of the peer with its pairs of verdicts, and the dispositions that explain nothing."""
    told: Any = estate.page(peer.CALL)
    if not told:
        raise NotApplicable(f"no second scanner was asked: airgap peer scan {intent.environment}/latest")
    if told["world"] != intent.world:
        raise NotApplicable(f"the last comparison is of a {told['world']}, which shows nothing of this world")
    if (told["account"], told["region"]) != (intent.account, intent.region):
        raise Undecided(f"the last comparison is of account {told['account']} in {told['region']}")
    if moment(estate.taken_at) - moment(told["ended"]) > dt.timedelta(days=peer.FRESH_DAYS):
        raise Undecided(f"the last comparison is of a run of {told['ended'][:10]}, over {peer.FRESH_DAYS} days ago")
    pairs: dict[str, list[Item]] = {}
    for one in told["rows"]:
        if peer.standing(one["relation"], one["ours"], one["theirs"]) in _SAYING:
            pairs.setdefault(f"{told['peer']['name']} {one['peer']}", []).append(one)
    if not pairs:
        raise Undecided(f"{told['peer']['name']} decided nothing that was decided here; were these its checks?")
    return [*sorted(pairs.items()), (IDLE, told["idle"])]


@check(
    "peer-agrees",
    "A second tool's verdict on the same resources agrees, or each disagreement is explained",
    severity="medium",
    properties=("EVD-03",),
    reads=(peer.CALL,),
    remedy="find out which of the two is wrong; mend it, or write who explains it into params/ENV.peer.tsv",
    over=_compared,
)
def agrees(rows: Any, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each disagreement that nobody explains, and each explanation of what is no disagreement (any more)."""
    for one in rows:
        if "relation" not in one:
            yield f"explains nothing: {one['peer']} on {one['resource']}, by {one['by']} on {one['on']}"
            continue
        stands = peer.standing(one["relation"], one["ours"], one["theirs"])
        if stands == peer.DISAGREES and one["standing"] != peer.EXPLAINED:
            yield f"{one['resource']}: it says {one['theirs']}, and {one['check']} says {one['ours']}"


CHECKS = (agrees,)
