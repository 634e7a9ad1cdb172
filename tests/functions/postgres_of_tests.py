"""A real PostgreSQL with pgvector that takes TLS alone: the lab's, whose master is no superuser, as RDS's is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.lab import postgres
from airgap.rehearsal.authority import Authority

MASTER, PASSWORD = "postgres", "only-of-this-test"


@dataclass(frozen=True)
class Server:
    """Where a server listens, and the roots by which it is known."""

    stands: postgres.Server

    @property
    def place(self) -> dict[str, Any]:
        """What the functions are told of a database."""
        return self.stands.place

    @property
    def authorities(self) -> Path:
        """The roots, in PEM."""
        return self.stands.authority

    def ask(self, query: str) -> list[list[Any]]:
        """What its superuser is answered."""
        return postgres.ask(self.stands, query)


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Run a server whose log is in an empty folder; it admits nobody without TLS."""
    declared = postgres.Declared("app", MASTER, {"rds.force_ssl": "1"}, PASSWORD)
    with postgres.running(postgres.installed(print), declared, home, Authority(home)) as one:
        yield Server(one)
