"""A second scanner beside the checks: how two verdicts on one resource stand to each other.

A verdict that one of the two did not give is silence, and silence agrees with nothing: it is counted by itself. Where
the peer asks for less, its failure contradicts our pass, and its pass says nothing about our failure.
"""

from __future__ import annotations

from airgap.model.finding import FAIL, PASS, WAIVED

CALL = "peer:Comparison"
"""The observation of the comparison that was made last."""
SCHEMA = "airgap/peer/v1"
FILE = "peer.json"
"""Where the comparison that was made last is kept, beside the runs of an environment."""
FRESH_DAYS = 31
"""Days for which a comparison speaks of an environment: a scan a month."""
SAME, NARROWER, INVERTED, NONE = "same", "narrower", "inverted", "none"
"""What a check of the peer asks beside ours: the same, less, the opposite, or what none of ours asks."""
AGREES, DISAGREES, EXPLAINED, LESS, OPEN, SILENT, UNCOMPARED = (
    "agrees", "disagrees", "explained", "asks less", "open", "peer silent", "not compared")  # fmt: skip
STANDINGS = (AGREES, LESS, EXPLAINED, DISAGREES, OPEN, SILENT, UNCOMPARED)
_THEIRS = {"PASS": PASS, "FAIL": FAIL}
_EXPECTED = {
    (SAME, PASS, FAIL): DISAGREES,
    (SAME, FAIL, PASS): DISAGREES,
    (NARROWER, PASS, FAIL): DISAGREES,
    (NARROWER, FAIL, PASS): LESS,
    (INVERTED, PASS, PASS): DISAGREES,
    (INVERTED, FAIL, FAIL): DISAGREES,
}


def standing(relation: str, ours: str, theirs: str) -> str:
    """Return how two verdicts stand: ours a status of a finding, '' for none; theirs as the peer says it, '' for none.

    What is waived is a failure that somebody answers for, and is held against the peer as one.
    """
    if relation == NONE:
        return UNCOMPARED
    if not theirs:
        return SILENT
    own, other = FAIL if ours == WAIVED else ours, _THEIRS.get(theirs)
    if own not in (PASS, FAIL) or other is None:
        return OPEN
    return _EXPECTED.get((relation, own, other), AGREES)
