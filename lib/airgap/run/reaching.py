"""``airgap reach``: a person's way to the database or to the cluster's API, under the true TLS name of either.

Where they are not reached directly, Session Manager forwards a local port through the operations host. The settings
are those that clients take: libpq verifies ``PGHOST`` and connects to ``PGHOSTADDR``, kubectl has a server name of TLS.
Source: PostgreSQL documentation, "Environment Variables"; Systems Manager User Guide, "Start a session".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from airgap import params
from airgap.cloud.binding import bind
from airgap.cloud.recorder import Recorder
from airgap.cloud.session import Clock, Cloud
from airgap.errors import MissingPredecessor, Unreachable, UsageError
from airgap.evidence.journal import JournalFile
from airgap.evidence.pages import PageFolder
from airgap.kube.reach import Way
from airgap.model import observation as obs
from airgap.model.canonical import dig
from airgap.model.data_stores import PORT
from airgap.model.intent import Intent
from airgap.model.redaction import Redactor
from airgap.run.context import stamp
from airgap.run.systems import Systems

HTTPS, EVERY = 443, 2.0
"""The API's port; seconds between two looks at whether a tunnel still stands."""


@dataclass(frozen=True)
class Reached:
    """What is reached: its true name and port, where to connect, and the settings for its clients."""

    target: str
    host: str
    port: int
    address: str
    local_port: int
    settings: Mapping[str, str]
    tunnelled: bool
    """Whether the way ends with this process."""

    def as_data(self) -> dict[str, object]:
        """Return it as JSON data."""
        return dict(vars(self))


@contextmanager
def reach(env: str, target: str) -> Iterator[tuple[Reached, Callable[[], None]]]:
    """Open the way and yield it, with what waits until it is interrupted; a session that ends is an ``Unreachable``.

    The record of the calls lasts as long as the way; CloudTrail has the session itself.
    """
    if target not in TARGETS:
        raise UsageError(f"{target!r} is nothing to reach", "anything", f"name one of: {', '.join(TARGETS)}")
    intent, clock = params.load(env), Clock()
    with TemporaryDirectory(prefix="airgap-reach-") as folder:
        journal = JournalFile(Path(folder, "journal.ndjson"), lambda: stamp(clock))
        pages = PageFolder(Path(folder, "observations"))
        recorder = Recorder(journal, pages, lambda: stamp(clock), Redactor([]))
        cloud = Cloud(intent.account, intent.region, intent.world, recorder, clock)
        bind(intent, cloud, pages.load)
        systems = Systems(cloud, intent, params.project_root(), pages.load)
        find, settings = TARGETS[target]
        host, port = find(systems, intent)
        way = systems.way()
        try:
            address, local = way.open(host, port)
            told = settings(intent, host, address, local)
            tunnelled = not intent.embedded and address != host
            reached = Reached(target, host, port, address, local, told, tunnelled)
            yield reached, lambda: _wait(way, host, port, (address, local))
        finally:
            way.close()


def _wait(way: Way, host: str, port: int, before: tuple[str, int]) -> None:
    while way.open(host, port) == before:
        time.sleep(EVERY)
    what = f"The session to {host} ended: Session Manager ends what is idle, and every session after some hours"
    raise Unreachable(what, "anything", "run the command again")


def _database(systems: Systems, intent: Intent) -> tuple[str, int]:
    if intent.embedded:
        what = "A rehearsal has a database's API and no SQL behind it"
        raise Unreachable(what, "anything", "use an environment on AWS")
    name = intent.data.postgres_name
    asked = {"DBInstanceIdentifier": name}
    seen = systems.cloud.read("rds:DescribeDBInstances", asked, absent=("DBInstanceNotFound",))[-1]
    found = dig(systems.page(seen.page), "DBInstances[].Endpoint") if seen.status == obs.OK else []
    if not found or not found[0]:
        raise MissingPredecessor(f"Database {name} does not exist", "anything", "run 07_data in mode apply first")
    return str(found[0]["Address"]), int(found[0].get("Port", PORT))


def _cluster(systems: Systems, intent: Intent) -> tuple[str, int]:
    return systems.endpoint().host, HTTPS


def _of_libpq(intent: Intent, host: str, address: str, port: int) -> dict[str, str]:
    return {
        "PGHOST": host,
        **({} if address == host else {"PGHOSTADDR": address}),
        "PGPORT": str(port),
        "PGDATABASE": intent.data.database,
        "PGSSLMODE": "verify-full",
    }


def _of_kubectl(intent: Intent, host: str, address: str, port: int) -> dict[str, str]:
    return {"KUBECTL_OPTIONS": f"--server=https://{address}:{port} --tls-server-name={host}"}


TARGETS = {"database": (_database, _of_libpq), "cluster": (_cluster, _of_kubectl)}
"""What may be reached: how it is found, and the settings for its clients."""
