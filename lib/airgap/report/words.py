"""The words of a report, as a regulator may read them, and the sentences that state a verdict."""

from __future__ import annotations

from airgap.model.finding import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, WAIVED
from airgap.report.tally import Tally

DEFINITIONS = (
    ("Property", "A statement about the environment that can be true or false, such as “no internet gateway is attached”."),
    ("Check", "A piece of the product that judges one property, or a part of it, on each resource by itself."),
    ("Finding", "What a check says of one resource, with the pages that it rests on."),
    ("N, judged", "N is the number of resources in scope that were to be judged; judged is how many of them were."),
    ("Pass", "Every page that the judgement needs was read, and the resource has the property."),
    ("Fail", "The pages show that the resource does not have the property."),
    ("Unknown", "A page was not read, or does not decide the matter. Unknown is never counted as good."),
    ("Waived", "It failed, and an approved exception that has not expired covers it. The fact is shown beside the waiver."),
    ("Not applicable", "This world, or these params, have no source for the judgement; the reason is given."),
    ("Observation", "One read call to AWS and what became of it: answered, absent, denied, failed or unsupported."),
    ("Page", "An answer as AWS gave it, kept as a file under its SHA-256 digest. A changed page has another digest."),
    ("Journal", "The step's own log of every read, write, approval and verdict, each line chained to the one before it."),
    ("Journal head", "The digest of the last line: it changes if any line before it is changed."),
    ("Plan, approval", "What would be changed, under a digest; an apply makes no change that an approved plan does not hold."),
    ("World", "Where it was recorded: aws is an AWS account; rehearsal and lab are not, and give no production evidence."),
)  # fmt: skip

MAPPING_NOTE = (
    "Each requirement is named by its identifier, beside the properties whose evidence supports it and their verdict "
    "in this report. Support is not fulfilment: a requirement asks for more than what an environment can show of itself."
)


def sentence(tally: Tally) -> str:
    """Return the sentence that stands under a verdict."""
    if not tally.population:
        return "Nothing was judged, and nothing that was not judged counts as good."
    judged = f"{tally.judged} of {tally.population} judgements were made"
    rest = [f"{tally.failed} failed"] if tally.failed else []
    rest += [f"{tally.unknown} could not be decided"] if tally.unknown else []
    rest += [f"{tally.waived} failed and {'are' if tally.waived > 1 else 'is'} waived"] if tally.waived else []
    return f"{judged}; {', '.join(rest)}." if rest else f"{judged}, and all of them passed."


HEADLINES = {
    PASS: "Pass: what was judged is as it should be",
    FAIL: "Fail: something is not as it should be",
    UNKNOWN: "Unknown: something could not be decided",
    WAIVED: "Pass, with waivers",
    NOT_APPLICABLE: "Nothing was judged",
}
