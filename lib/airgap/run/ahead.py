"""Kernels started before their notebook's turn, by a process that has imported what every step needs.

A notebook waits a second or two for a kernel that starts on demand; in a run, where each waits for the one before it,
these seconds would add up. The next kernel alone is ahead: it holds no session and reads nothing before its turn.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from airgap.run.nursery import Nursery

if TYPE_CHECKING:
    from airgap.run.kernel import PrivateKernel

Ready = tuple["PrivateKernel", ExitStack]
_CAN_FORK = sys.platform == "linux"  # macOS's own frameworks do not outlive a fork


class KernelsAhead:
    """The kernels of a run, each started when the one before it is taken; those not taken end with the block."""

    def __init__(self, count: int, environment: dict[str, str]) -> None:
        self._left, self._environment = count, environment  # left: notebooks that have no kernel yet
        self._lock = threading.Lock()
        self._nursery: Nursery | None = None
        self._pool = ThreadPoolExecutor(1, "kernel")
        self._next: Future[Ready] | None = None

    def __enter__(self) -> KernelsAhead:
        with self._lock:
            self._nursery = Nursery() if _CAN_FORK else None
            self._next = self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True)
        if self._next is not None and self._next.exception() is None:
            kernel, folder = self._next.result()
            with folder:
                asyncio.run(kernel.shutdown_kernel(now=True))
        if self._nursery is not None:
            self._nursery.close()

    @contextmanager
    def take(self) -> Iterator[PrivateKernel]:
        """The next kernel, perhaps still starting; its directory is removed afterwards."""
        with self._lock:
            taken = self._next or self._start()
            self._left -= 1
            self._next = self._start() if self._left else None
        kernel, folder = taken.result()
        with folder:
            yield kernel

    def _start(self) -> Future[Ready]:
        return self._pool.submit(_started, self._environment, self._nursery)


def _started(environment: dict[str, str], nursery: Nursery | None) -> Ready:
    from airgap.run.kernel import private_kernel

    with ExitStack() as opened:
        kernel = opened.enter_context(private_kernel(nursery))
        asyncio.run(kernel.start(environment))
        return kernel, opened.pop_all()
