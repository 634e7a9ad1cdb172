"""Writes ``lib/airgap/run/answers.tsv``: each read call of the channels, its answer's members, and what it follows.

Run it as ``python tests/egress/answer_keys.py`` after a change of the channels' table or of botocore.
"""

from __future__ import annotations

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


if __name__ == "__main__":
    TABLE.write_text(table())
