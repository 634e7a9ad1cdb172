"""The data planes of an environment on real components, from what is declared of them to records of what was tried.

PostgreSQL with pgvector is prepared and its passwords are rotated by the runbook's own functions, as Lambda would run
them; a backup of it is restored beside it. Valkey or Redis stands with the declared users. All of it is on loopback.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airgap.lab import cache_probes, database_probes, postgres, valkey
from airgap.lab.attempts import Outcome, held, must_answer, must_refuse
from airgap.lab.database_probes import signs_in
from airgap.lab.invoking import Functions, functions
from airgap.lab.postgres import NAME, Server
from airgap.lab.rotating import PREVIOUS, Client, SecretsManager, rotate, signing_in
from airgap.lab.vectors import digest, index, insert, neighbours
from airgap.model.probes import CACHE, DATABASE
from airgap.rehearsal.authority import Authority

PREPARES = "functions.bootstrap.handler"
ROWS = 2000
RIGHTS, VECTORS, ROTATION, RESTORE = "rights", "vectors", "rotation", "restore"
"""What records are about beside database and cache themselves."""
UNSHOWN = (
    "authentication by IAM, of the database and of the cache: outside AWS nobody can judge a token, and a password "
    "stands in its place",
    "RDS and ElastiCache themselves: how they apply parameters, change masters between zones, and keep snapshots",
    "the certificate that AWS gives its servers; the lab's has an authority of its own",
)
"""What of the data planes a lab cannot show, for whoever reads what it did."""
LOGINS, PATIENCE = 3, 20.0
"""Logins that every client makes before a rotation and after each of its steps, and the seconds in which it must."""
Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Planes:
    """What is declared: the database, the cache, the table of vectors ({}: none), the rotated secret ('': none).

    ``package`` returns the archive of the functions, given the roots that they are to trust, in PEM.
    """

    database: postgres.Declared
    cache: valkey.DeclaredCache
    vectors: Mapping[str, Any]
    secret: str
    package: Callable[[str], bytes]


def show(planes: Planes, folder: Path, aws: Mapping[str, str], tell: Callable[[str], None]) -> Records:
    """Set both planes up, try them, and return what came of each attempt; logs stay in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*database(planes, folder, aws, tell), *cache(planes, folder, tell)]


def cache(planes: Planes, folder: Path, tell: Callable[[str], None]) -> Records:
    """Set the cache up and try it."""
    programs = valkey.installed(planes.cache.engine, tell)
    with _authorities() as (authority, stranger), valkey.running(programs, planes.cache, folder, authority) as server:
        found = _of(CACHE, cache_probes.transport(server, stranger)) + _of(RIGHTS, cache_probes.rights(server))
        return [{**one, "to": NAME, "port": server.port} for one in found]


def database(planes: Planes, folder: Path, aws: Mapping[str, str], tell: Callable[[str], None]) -> Records:
    """Set the database up, have the functions prepare and rotate it, restore a backup of it, and try all of it.

    Where no function is declared to do either, how it lets itself be spoken to is all that is tried.
    """
    programs = postgres.installed(tell)
    with ExitStack() as stack:
        authority, stranger = stack.enter_context(_authorities())
        server = stack.enter_context(postgres.running(programs, planes.database, folder, authority))
        found: Records = _of(DATABASE, database_probes.transport(server, stranger))
        if planes.vectors and planes.secret:
            run = stack.enter_context(functions(planes.package(authority.pem), folder, aws))
            names = {"application": planes.secret, "master": f"{planes.secret}-master"}
            found += _lived_in(planes, server, run, SecretsManager(aws, server, names), folder, authority)
        return [{**one, "to": NAME, "port": server.port} for one in found]


def _lived_in(planes: Planes, server: Server, run: Functions, secrets: SecretsManager, folder: Path,
              authority: Authority) -> Records:  # fmt: skip
    """Lead a database through its life: prepared, first password, rows, index, rotations under load, restore."""
    table = str(planes.vectors["table"])
    event = {**server.place, "masterarn": secrets.master, **planes.vectors}
    found = _of(VECTORS, [must_answer("vectors-prepared-twice", "function", lambda: _twice(run, event))])
    rotate(secrets, run, times=2)
    first = secrets.value()
    user = (first["username"], first["password"])
    insert(server, *user, table, int(planes.vectors["dimensions"]), ROWS)
    found += _of(VECTORS, [
        must_answer("vectors-index-built-once", "function", lambda: _index_twice(run, event, server, table)),
        must_answer("vectors-index-used", "sql", lambda: _neighbours(server, user, planes.vectors)),
    ])  # fmt: skip
    found += _of(RIGHTS, database_probes.rights(server, *user, table))
    with postgres.restored(server, folder, authority) as second:
        found += _of(RESTORE, _restored(server, second, user, planes.vectors))
        found += _of(RESTORE, [must_answer("restore-prepared", "function", lambda: _again(run, event, second))])
    return found + _of(ROTATION, _rotations(server, run, secrets, first))


def _of(about: str, records: Sequence[Mapping[str, Any]] | Iterator[Mapping[str, Any]]) -> Records:
    return [{**one, "about": about} for one in records]


@contextmanager
def _authorities() -> Iterator[tuple[Authority, Path]]:
    """Make the authority of a plane, and another one that has signed nothing here; their keys go with the context."""
    with TemporaryDirectory(prefix="airgap-authority-") as keys:
        stranger = Path(keys) / "stranger.pem"
        stranger.write_text(Authority(Path(keys)).pem)
        yield Authority(Path(keys)), stranger


def _twice(run: Functions, event: Mapping[str, Any]) -> Outcome:
    """Have the database prepared twice: the answers must be the same."""
    once, again = (run.invoke(PREPARES, event) for _ in range(2))
    said = f"PostgreSQL {once['server']}, pgvector {once['vector']}, {once['tls']['version']}; the second run"
    return held(once == again and once["tls"]["on"], f"{said} {'changes nothing' if once == again else 'differs'}")


def _prepared(run: Functions, event: Mapping[str, Any]) -> dict[str, Any]:
    """Have the database prepared, called again as the runbook does while the server builds the index meanwhile."""
    answer = run.invoke(PREPARES, event)
    while answer.get("building"):
        time.sleep(1)
        answer = run.invoke(PREPARES, event)
    return answer


def _index_twice(run: Functions, event: Mapping[str, Any], server: Server, table: str) -> Outcome:
    """Have the index built and then left as it is: it must be the very same one."""
    once, before = _prepared(run, event), index(server, table)
    again, after = _prepared(run, event), index(server, table)
    true = before == after and once["index_used"] and once["rows"] == ROWS and once == again
    return held(true, f"{once['rows']} rows, {before[1] if before else 'no index'}, {', '.join(once['plan'])}")


def _neighbours(server: Server, user: tuple[str, str], vectors: Mapping[str, Any]) -> Outcome:
    """The index must be read for the application's query, and find all true neighbours where all of it is searched."""
    found = neighbours(server, *user, str(vectors["table"]), int(vectors["lists"]))
    how = "chosen by the planner" if found.chosen else "with whole readings off"
    shares = f"{found.recall:.0%} of the true neighbours in one list, {found.recall_of_all:.0%} in all"
    return held(
        bool(found.plan) and found.recall_of_all == 1, f"{', '.join(found.plan) or 'no index'}, {how}; {shares}"
    )


def _restored(server: Server, second: Server, user: tuple[str, str], vectors: Mapping[str, Any]) -> Records:
    """Compare a server that was restored from a backup with the one that goes on: it has what the backup had."""
    table = str(vectors["table"])
    before = digest(server, table)
    insert(server, *user, table, int(vectors["dimensions"]), 1, seed=2)
    there, moved = digest(second, table), digest(server, table)
    said = f"{there[0]} rows, MD5 {there[1]}, restored in {second.took:.1f} s from a backup that its manifest verifies"
    return [
        must_answer("restore-same-rows", "sql", lambda: held(there == before != moved, said)),
        must_answer("restore-signs-in", "sql", signs_in(second, *user)),
        must_answer("restore-index-used", "sql", lambda: _neighbours(second, user, vectors)),
    ]


def _again(run: Functions, event: Mapping[str, Any], second: Server) -> Outcome:
    """Have the restored database prepared, as the restore drill does: nothing is left to do in it."""
    told = run.invoke(PREPARES, {**event, **second.place})
    said = f"{told['rows']} rows, index {told['index'] or 'none'}, {', '.join(told['plan'])}"
    return held(bool(told["rows"] == ROWS and told["index_used"]), said)


def _rotations(server: Server, run: Functions, secrets: SecretsManager, first: Mapping[str, str]) -> Records:
    """Rotate twice while clients sign in after every step: one by the current value, one by a value that it keeps."""
    renew = threading.Event()
    with signing_in(secrets, server) as current, signing_in(secrets, server, renew) as keeping:
        for _ in range(2):
            _logins(current, keeping)
            rotate(secrets, run, after=lambda: _logins(current, keeping))
            renew.set()
        _logins(current, keeping)
    now, before = secrets.value(), secrets.value(PREVIOUS)
    passwords = [one["password"] for one in (first, before, now)]
    log = server.component.log.read_text(errors="replace")
    kept = [one for one in passwords if one in log]
    return [
        must_answer("rotation-current-password", "sql", signs_in(server, now["username"], now["password"])),
        must_answer("rotation-previous-password", "sql", signs_in(server, before["username"], before["password"])),
        must_refuse("rotation-older-password", "sql", "rotation-current-password",
                    signs_in(server, first["username"], first["password"])),
        must_answer("rotation-clients-of-the-current-value", "sql", lambda: _signed_in(current)),
        must_answer("rotation-clients-of-a-kept-value", "sql", lambda: _signed_in(keeping)),
        must_answer("rotation-log-without-passwords", "log", lambda: held(not kept and bool(log), (
            f"{len(kept)} of {len(passwords)} passwords in {len(log.splitlines())} lines of the server's log"))),
    ]  # fmt: skip


def _signed_in(client: Client) -> Outcome:
    failed = f"; {client.failed[0]}" if client.failed else ""
    said = f"{client.logins} logins as {', '.join(sorted(client.users))}, {len(client.failed)} failed{failed}"
    return held(not client.failed and len(client.users) > 1, re.sub(r"\s+", " ", said))


def _logins(*clients: Client) -> None:
    """Wait until every client has tried to sign in a few times more."""
    wanted, end = [one.tried + LOGINS for one in clients], time.monotonic() + PATIENCE
    while any(one.tried < many for one, many in zip(clients, wanted, strict=True)) and time.monotonic() < end:
        time.sleep(0.01)
