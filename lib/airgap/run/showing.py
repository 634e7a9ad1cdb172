"""``airgap lab show``: declared stores and deployment on real components, and what came of it kept as live probes.

Each part is one host of the transcript, ``lab://data`` and ``lab://workload``; later verifications judge it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airgap import params
from airgap.cloud.session import Clock
from airgap.errors import UsageError
from airgap.model.intent import Intent
from airgap.model.probes import COMPONENT
from airgap.run.context import reports_root, stamp
from airgap.run.probing import keep

Tell = Callable[[str], None]
Records = list[dict[str, Any]]


def show(env: str, parts: Sequence[str], tell: Tell) -> dict[str, Any]:
    """Show the parts that are named, or all, and return the transcript with what is judged of them.

    Logs stay in a folder of state, one for each part; components end with the part that needs them.
    """
    wanted = list(parts) or list(PARTS)
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no part of a lab", "anything", f"name one of: {', '.join(PARTS)}")
    intent, root = params.load(env), params.project_root()
    hosts = []
    for name in wanted:
        folder = logs(env, name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        tell(f"{name}: logs in {folder}")
        answers = PARTS[name](intent, folder, tell)
        hosts.append({"Host": COMPONENT + name, "Role": "component", "TakenAt": stamp(Clock()), "Place": "lab",
                      "Vpcs": [], "Answers": answers})  # fmt: skip
    new = {str(one["Host"]) for one in hosts}
    return keep(root, env, hosts, lambda host: host in new)


def logs(env: str, part: str) -> Path:
    """Return the folder in which a part's logs are kept."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "airgap" / "shown" / env / part


def _data(intent: Intent, folder: Path, tell: Tell) -> Records:
    from airgap.run import data_planes

    latest = (reports_root(params.project_root()) / intent.environment / "latest").resolve()
    source = data_planes.with_stores(intent, latest, tell)
    with _empty_account() as aws:
        return data_planes.show(intent, folder, aws, tell, source)


def _workload(intent: Intent, folder: Path, tell: Tell) -> Records:
    from airgap.run import workload

    return workload.show(intent, folder, tell)


@contextmanager
def _empty_account() -> Iterator[Mapping[str, str]]:
    """Start an embedded AWS of its own, and yield the variables by which it is reached."""
    from airgap import rehearsal

    started = rehearsal.up()
    try:
        yield started.environment()
    finally:
        rehearsal.down(started.url)


PARTS: Mapping[str, Callable[[Intent, Path, Tell], Records]] = {"data": _data, "workload": _workload}
"""What can be shown, each by the components that it needs."""
