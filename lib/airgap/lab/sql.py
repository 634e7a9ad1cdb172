"""Connections to a server of the lab, by the driver that the functions use and by libpq, each with its verification."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pg8000.native import Connection

if TYPE_CHECKING:
    from airgap.lab.postgres import Server

SECONDS = 30
"""What a busy machine may take for one answer."""


@contextlib.contextmanager
def connected(
    server: Server, user: str, password: str, *, database: str = "", tls: bool = True
) -> Iterator[Connection]:
    """Be connected as a user; without ``tls`` in the clear. Raises ``pg8000.exceptions.DatabaseError`` if refused."""
    trust = ssl.create_default_context(cafile=str(server.authority)) if tls else False
    place = {**server.place, **({"dbname": database} if database else {})}
    one = Connection(user, host=place["host"], port=place["port"], database=place["dbname"], password=password,
                     ssl_context=trust, timeout=SECONDS)  # fmt: skip
    try:
        yield one
    finally:
        one.close()


def psql(server: Server, user: str, password: str, query: str, **how: Any) -> tuple[int, str]:
    """Ask by libpq, with full verification unless ``how`` says otherwise; return (exit code, what was said)."""
    place = {**server.place, "user": user, "sslmode": "verify-full", "sslrootcert": server.authority,
             "connect_timeout": SECONDS, **how}  # fmt: skip
    told = " ".join(f"{name}='{value}'" for name, value in place.items())
    done = subprocess.run(
        [server.programs.bin / "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", told, "-c", query],
        env={"PGPASSWORD": password, "LC_ALL": "C"}, capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()
