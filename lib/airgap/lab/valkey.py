"""A real Valkey (or Redis), set up as ElastiCache sets one up from the declared cache, its users and their group.

ElastiCache's users prove who they are by a token of IAM; no server outside AWS can judge one, so the lab's has a
password in its place, which the server keeps as a hash. All else of a user is the declared access string, unchanged.
ElastiCache User Guide, "Role-Based Access Control (RBAC)", "In-transit encryption"; Valkey, "ACL", "TLS".
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap.lab.component import HOST, Component, free_port, started
from airgap.lab.postgres import NAME, RUNS_AS
from airgap.lab.unpacked import libraries, unpacked
from airgap.rehearsal.authority import Authority

LIBRARIES = ("libatomic1", "libjemalloc2", "liblzf1")
PACKAGES = {"valkey": ("valkey-server", "valkey-tools"), "redis": ("redis-server", "redis-tools")}
"""The packages of each engine; what else it is linked with is in every Debian and Ubuntu."""
SECONDS = 5.0
PROVEN, OPEN = ("iam", "password"), ("no-password", "no-password-required")


@dataclass(frozen=True)
class User:
    """A user of the cache as it is declared: its name, its access string, and how it proves who it is."""

    name: str
    access: str
    authentication: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False, compare=False)

    def line(self) -> str:
        """Return the user as a line of an ACL file."""
        held = "#" + hashlib.sha256(self.password.encode()).hexdigest()
        return f"user {self.name} reset {held if self.authentication in PROVEN else 'nopass'} {self.access}"


@dataclass(frozen=True)
class DeclaredCache:
    """A cache as it is declared: engine, encryption in transit and its mode, and the users of its group."""

    engine: str
    tls: bool
    mode: str
    users: tuple[User, ...]


@dataclass(frozen=True)
class Cache:
    """A server that answers: its port for TLS, its authority's certificate, and its port in the clear, 0 for none."""

    port: int
    authority: Path
    declared: DeclaredCache
    component: Component
    clear: int = 0


def installed(engine: str, tell: Callable[[str], None]) -> Path:
    """Return the folder with an engine's programs, fetched where they are not there yet, after telling which."""
    return unpacked(engine, (*PACKAGES[engine], *LIBRARIES), tell)


@contextlib.contextmanager
def running(programs: Path, declared: DeclaredCache, folder: Path, authority: Authority) -> Iterator[Cache]:
    """Run a server; what it holds is gone with it, its log stays in ``folder``."""
    home, engine = Path(tempfile.mkdtemp(prefix=f"airgap-{declared.engine}-")), declared.engine
    port, clear = free_port(), 0 if declared.tls and declared.mode == "required" else free_port()
    known = folder / f"{engine}.ca.pem"
    known.write_text(authority.pem)
    try:
        shutil.copy(authority.issue([NAME]), home / "server.pem")
        (home / "users.acl").write_text("".join(one.line() + "\n" for one in declared.users))
        (home / "server.conf").write_text(_configuration(home, port if declared.tls else 0, clear))
        for one in (home, *home.iterdir()) if os.geteuid() == 0 else ():
            shutil.chown(one, RUNS_AS, "nogroup")
        with started(
            engine, [programs / "usr" / "bin" / f"{engine}-server", home / "server.conf"], folder=folder,
            ready=lambda: _greets(port if declared.tls else clear), user=RUNS_AS if os.geteuid() == 0 else "",
            env={"LD_LIBRARY_PATH": libraries(programs), "LC_ALL": "C"},
        ) as component:  # fmt: skip
            yield Cache(port, known, declared, component, clear)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _configuration(home: Path, port: int, clear: int) -> str:
    """Return a configuration by which the server writes nothing, and asks clients for no certificate of their own."""
    chosen: Mapping[str, Any] = {
        "bind": HOST,
        "port": clear,
        "tls-port": port,
        "tls-cert-file": home / "server.pem",
        "tls-key-file": home / "server.pem",
        "tls-ca-cert-file": home / "server.pem",
        "tls-auth-clients": "no",
        "tls-protocols": '"TLSv1.2 TLSv1.3"',
        "aclfile": home / "users.acl",
        "dir": home,
        "save": '""',
        "appendonly": "no",
        "daemonize": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in chosen.items())


def _greets(port: int) -> bool:
    with socket.create_connection((HOST, port), SECONDS):
        return True


@dataclass(frozen=True)
class Answer:
    """What a server says: an error's text, or a value."""

    error: str = ""
    value: Any = None


class Session:
    """One connection that speaks RESP (Valkey, "RESP protocol")."""

    def __init__(self, one: socket.socket) -> None:
        self._socket, self._stream = one, one.makefile("rb")

    def ask(self, *words: str) -> Answer:
        """Send a command and return what the server says; raises ``OSError`` where it hangs up."""
        sent = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        self._socket.sendall(f"*{len(words)}\r\n{sent}".encode())
        return self._read()

    def _read(self) -> Answer:
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server hung up")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"-":
            return Answer(error=rest)
        if kind == b"$":
            return Answer(value=None if rest == "-1" else self._stream.read(int(rest) + 2)[:-2].decode())
        if kind == b"*":
            return Answer(value=[self._read().value for _ in range(int(rest))])
        return Answer(value=rest)


@contextlib.contextmanager
def spoken(cache: Cache, credentials: Sequence[str] = (), *, clear: bool = False) -> Iterator[Session]:
    """Speak with a cache by TLS with full verification, as ``(user, password)``; ``clear`` without TLS.

    Raises ``PermissionError`` with the server's words where it does not take the credentials.
    """
    port = (cache.clear or cache.port) if clear else cache.port
    with contextlib.ExitStack() as held:
        one = held.enter_context(socket.create_connection((HOST, port), SECONDS))
        if not clear:
            trust = ssl.create_default_context(cafile=str(cache.authority))
            one = held.enter_context(trust.wrap_socket(one, server_hostname=NAME))
        session = Session(one)
        refused = session.ask("AUTH", *credentials).error if credentials else ""
        if refused:
            raise PermissionError(refused)
        yield session
