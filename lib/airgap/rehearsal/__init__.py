"""The embedded AWS: a whole account on loopback, started in a second or two, empty each time.

``up`` starts it in its own process and ``down`` ends it; ``serving`` serves from a thread, for tests. Clients need
nothing but ``Rehearsal.environment()``. It is moto's server behind a front of ours that supplies the operations that
moto lacks, refuses what AWS refuses, and can be told to fail (``faults``), to be slow (``settling``) or to show what
was called (``journal``); ``front`` lists these requests.

Accounts and people: the access key id says who calls (``identity``). The default is the session ``alice`` of the role
``platform-engineer`` in 123456789012; ``bob`` and ``carol`` are others of the same role, and ``sts:AssumeRole`` leads
into any account.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from airgap.rehearsal.identity import ACCOUNT, OTHER_ACCOUNT, PEOPLE, access_key, environment
from airgap.rehearsal.process import Rehearsal, down, reset, running, status, up

__all__ = [
    "ACCOUNT",
    "OTHER_ACCOUNT",
    "PEOPLE",
    "Rehearsal",
    "access_key",
    "down",
    "environment",
    "reset",
    "running",
    "serving",
    "status",
    "up",
]


def serving() -> AbstractContextManager[str]:
    """Serve from a thread of this process while the context lasts, and yield the URL."""
    from airgap.rehearsal.listener import serving as serving_here

    return serving_here()
