"""What was called: one entry per request, in memory, without parameters."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from airgap.rehearsal.wire import Call

READS = re.compile(
    r"(Describe|List|Get|BatchGet|Head|Lookup|Search|Filter|View|Select|Query|Scan|Simulate|Validate|Test)"
)
# Calls that create nothing although their names do not say so.
_READS_BY_NAME = {
    "AssumeRole",
    "AssumeRoleWithWebIdentity",
    "DecodeAuthorizationMessage",
    "BatchCheckLayerAvailability",
}
KEPT = 200_000


@dataclass(frozen=True)
class Entry:
    """One request: when (UTC), what, by whom, where, with what outcome; ``write`` says that it may change things."""

    event_id: str
    time: str
    operation: str
    write: bool
    principal: str
    session: str
    access_key: str
    account: str
    region: str
    status: int
    error: str | None
    request_id: str
    address: str
    agent: str


def is_write(operation: str) -> bool:
    """Say whether an operation may change something, by its verb."""
    return not (READS.match(operation) or operation in _READS_BY_NAME)


class Journal:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, call: Call, status: int, error: str | None) -> None:
        """Record a call and its outcome."""
        entry = Entry(
            event_id=str(uuid4()),
            time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            operation=call.name,
            write=is_write(call.operation),
            principal=call.caller.arn(call.partition),
            session=call.caller.session,
            access_key=call.caller.access_key,
            account=call.account,
            region=call.region,
            status=status,
            error=error,
            request_id=call.request_id,
            address=call.environ.get("REMOTE_ADDR", ""),
            agent=call.environ.get("HTTP_USER_AGENT", ""),
        )
        with self._lock:
            self._entries.append(entry)

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forget all entries."""
        with self._lock:
            self._entries.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the entries as plain data."""
        return [asdict(entry) for entry in self.entries()]


# One journal for the process: CloudTrail's event history reads what the front wrote.
JOURNAL = Journal()
