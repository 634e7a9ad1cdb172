"""The words of a report, as a regulator may read them, and the sentences that state a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airgap.controls import support
from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED
from airgap.report.tally import Tally
from airgap.views.table import STATUS, Mark

DEFINITIONS = (
    ("Property", "A statement about the environment that is true or false, such as: no internet gateway is attached."),
    ("Check", "A piece of the product that judges one property, or a part of it, on each resource by itself."),
    ("N, judged", "N is the number of resources in scope that were to be judged; judged is how many of them were."),
    ("Pass", "Every page that the judgement needs was read, and the resource has the property."),
    ("Fail", "The pages show that the resource does not have the property."),
    ("Unknown", "A page was not read, or does not decide the matter. Unknown is never counted as good."),
    ("Waived", "It failed, and an approved exception that has not expired covers it; the fact stands beside it."),
    ("Not applicable", "This world, or these params, have no source for the judgement; the reason is given."),
    ("Observation", "One read call to AWS and what became of it: ok, absent, denied, failed or unsupported."),
    ("Page", "An answer as AWS gave it, kept as a file under its SHA-256 digest; a changed page has another digest."),
    ("Journal", "The step's log of every read, write, approval and verdict, each line chained to the one before."),
    ("Journal head", "The digest of the journal's last line; it changes if any line before it is changed."),
    ("Plan", "What would be changed, under a digest; an apply makes no change that an approved plan does not cover."),
    ("World", "Where it was recorded: aws is an AWS account; rehearsal and lab are not, and prove nothing about one."),
)

MAPPING_NOTE = (
    "Each requirement stands under its identifier, with the properties whose evidence supports it and their verdict "
    "in this report. Support is not fulfilment: a requirement asks for more than an environment can show of itself."
)

REVIEW_NOTE = (
    "A proposed mapping is one that no reviewer of the institution has confirmed in this version; a rejected one "
    "supports nothing. Whether the evidence on a property bears on a requirement, and whether the institution meets "
    "the requirement, is for people to say."
)
"""What the review of a mapping means."""

SUPPORT_WORDS = {
    support.AGAINST: Mark("speaks against it", "✗", "bad"),
    support.UNDECIDED: Mark("undecided", "?", "unknown"),
    support.EXCEPTED: Mark("supports, with exceptions", "!", "unknown"),
    support.IN_PART: Mark("supports in part", "◐", "change"),
    support.SUPPORTED: Mark("supports", "✓", "good"),
    support.NOT_JUDGED: Mark("not judged", "–", "quiet"),
}
"""What the evidence says of a requirement; green only where every property that bears on it was judged in full."""

_HEADLINES = {
    PASS: "Pass: all that was judged is as it should be",
    FAIL: "Fail: something is not as it should be",
    UNKNOWN: "Unknown: something could not be decided",
    WAIVED: "Pass, with exceptions that waive failures",
    NOT_APPLICABLE: "Nothing was judged",
}


@dataclass(frozen=True)
class Verdict:
    """A verdict as a page shows it: its words under a mark, a sentence, and the counts behind it."""

    mark: Mark
    sentence: str
    parts: list[tuple[str, int]]


def verdict(tally: Tally) -> Verdict:
    """Return the verdict over a tally; a population of nobody is unknown."""
    name = UNKNOWN if not tally.population else tally.verdict
    shown = STATUS[name]
    return Verdict(Mark(_HEADLINES[name], shown.sign, shown.tone), sentence(tally), tally.parts)


def broken(what: str, tally: Tally) -> Verdict:
    """Return what stands in the place of a verdict when a step or a run did not come to its end."""
    told = "What was judged before it broke is shown, and is not a verdict." if tally.population else sentence(tally)
    return Verdict(Mark(what, STATUS[FAIL].sign, STATUS[FAIL].tone), told, tally.parts)


def judged_nothing(why: str) -> Verdict:
    """Return what stands in the place of a verdict where nothing was to be judged."""
    return Verdict(Mark(_HEADLINES[NOT_APPLICABLE], "–", "quiet"), why, [])


def sentence(tally: Tally) -> str:
    """Return the sentence that stands under a verdict."""
    if not tally.population:
        return "Nothing was judged, and what was not judged never counts as good."
    rest = [f"{tally.failed} failed"] if tally.failed else []
    rest += [f"{tally.unknown} could not be decided"] if tally.unknown else []
    rest += [f"{tally.waived} failed under a live exception"] if tally.waived else []
    made = f"{tally.judged} of {tally.population} judgements were made"
    return f"{made}: {', '.join(rest)}." if rest else f"{made}, and all of them are good."


def support_sentence(counts: Mapping[str, int]) -> str:
    """Return the sentence that counts the requirements of a framework by what the evidence says of them."""
    told = [f"{count} {_COUNTED[name]}" for name, count in counts.items() if count]
    return f"Of {sum(counts.values())} requirements that this product's evidence can bear on: {'; '.join(told)}."


_COUNTED = {
    support.AGAINST: "with a failure",
    support.UNDECIDED: "undecided",
    support.EXCEPTED: "with a failure that a live exception covers",
    support.IN_PART: "in part, as something that bears on them was not judged",
    support.SUPPORTED: "supported by all that bears on them",
    support.NOT_JUDGED: "not judged at all",
}
