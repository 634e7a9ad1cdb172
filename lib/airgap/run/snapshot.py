"""``airgap snapshot``: a read-only capture of every call of the table, with the boundary that the intent declares."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airgap import params
from airgap.cloud.binding import bind
from airgap.cloud.collect import collect
from airgap.cloud.queries import QUERIES
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.egress.boundary import intended
from airgap.errors import UsageError
from airgap.evidence.files import write_whole
from airgap.evidence.journal import JournalFile
from airgap.evidence.pages import PageFolder, write_index
from airgap.model.canonical import encode, plain
from airgap.model.intent import encode as encode_intent
from airgap.model.observation import ABSENT, OK
from airgap.model.redaction import Redactor
from airgap.run.context import SECRET_VARIABLES, stamp
from airgap.run.systems import Systems


def capture(env: str, out: Path, progress: Callable[[str, str], None]) -> dict[str, Any]:
    """Capture into a new or empty folder, and return what was and was not answered."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty", "it", "name a new folder")
    intent = params.load(env)
    clock = Clock()
    journal = JournalFile(out / "journal.ndjson", lambda: stamp(clock))
    pages = PageFolder(out / "observations")
    redactor = Redactor([os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name)])
    cloud = Cloud(
        intent.account, intent.region, intent.world, Recorder(journal, pages, lambda: stamp(clock), redactor), clock
    )
    caller = bind(intent, cloud, pages.load)
    taken_at = stamp(clock)
    journal.append("open", {"snapshot": env, "caller": caller.as_data(), "taken_at": taken_at})
    progress("", f"reading {len(QUERIES)} kinds of calls in {intent.region}")
    systems = Systems(cloud, intent, params.project_root(), pages.load)
    try:
        observations = collect(systems, [query.call for query in QUERIES], pages.load)
    finally:
        systems.close()
    write_index(out / "observations", observations)
    write_whole(out / "intent.json", encode(plain(encode_intent(intent))) + "\n")
    write_whole(out / "boundary.json", encode(intended(intent)) + "\n")
    meta = {"schema": "airgap/snapshot/v1", "env": env, "world": intent.world, "account": intent.account,
            "region": intent.region, "taken_at": taken_at, "caller": caller.as_data()}  # fmt: skip
    write_whole(out / "snapshot.json", encode(meta) + "\n")
    missing = [one for one in observations if one.status not in (OK, ABSENT)]
    return {
        **meta,
        "calls": len(observations),
        "pages": len({one.page for one in observations if one.page}),
        "unanswered": len(missing),
        "not_answered": sorted({f"{one.call}: {one.status} ({one.code})" for one in missing}),
    }
