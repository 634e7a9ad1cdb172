"""Writes two tables of the channels' read calls: their answers' members, and what each one is asked again for.

``lib/airgap/run/answers.tsv`` has each call, its answer's members and what it follows; ``airgap.model.follow_ups``
has each call that is made for every item of another's answer, if its parameters are plain members of that item.
Run it as ``python tests/egress/answer_keys.py`` after a change of the channels' or the queries' table or of botocore.
"""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session

from airgap.cloud.queries import QUERIES
from airgap.model.channels import CHANNELS

TABLE = Path(__file__).parents[2] / "lib" / "airgap" / "run" / "answers.tsv"
# What pages an answer, and says nothing of what it holds.
PAGING = ("NextToken", "nextToken", "Marker", "NextMarker", "IsTruncated", "MaxItems", "MaxResults", "MaxRecords")


def table() -> str:
    """Return the table as text: call, members separated by commas, the call that it follows or nothing."""
    calls = sorted({call for channel in CHANNELS.values() for call in channel.calls})
    follows = {query.call: query.each for query in QUERIES}
    session = botocore.session.get_session()
    rows = []
    for call in calls:
        service, _, operation = call.partition(":")
        shape = session.get_service_model(service).operation_model(operation).output_shape
        members = [one for one in (shape.members if shape else ()) if one not in PAGING]
        rows.append("\t".join((call, ",".join(members), follows.get(call, ""))))
    return "\n".join(rows) + "\n"


FOLLOW_UPS = Path(__file__).parents[2] / "lib" / "airgap" / "model" / "follow_ups.py"
PATH, MEMBER = re.compile(r"\w+(\.\w+)*"), re.compile(r"@|\[@\]|\w+(\.\w+)*")
# What is not the item's own: the environment's Region, and members of what the item stands in.
OTHERS = ("$", "^")


def follow_ups() -> list[str]:
    """Return the rows of the table of follow-ups: call, call before, items, parameters with members, conditions."""
    calls = {call for channel in CHANNELS.values() for call in channel.calls}
    rows = []
    for one in QUERIES:
        bind = {name: path for name, path in one.bind.items() if not path.startswith(OTHERS)}
        plain = all(name.isalnum() and MEMBER.fullmatch(path) for name, path in bind.items())
        if one.call in calls and one.each and bind and plain and PATH.fullmatch(one.items):
            when = [*(f"{path}={text}" for path, text in one.only), *(f"!{path}={text}" for path, text in one.skip)]
            parts = (one.call, one.each, one.items, ",".join(f"{a}={b}" for a, b in bind.items()), ",".join(when))
            rows.append("|".join(parts))
    return sorted(rows)


def with_rows(source: str) -> str:
    """Return the module of follow-ups with the rows of today."""
    head, _, rest = source.partition('"""\\\n')
    return head + '"""\\\n' + "\n".join(follow_ups()) + '\n"""' + rest.partition('"""')[2]


if __name__ == "__main__":
    TABLE.write_text(table())
    FOLLOW_UPS.write_text(with_rows(FOLLOW_UPS.read_text()))
