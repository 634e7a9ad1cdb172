"""State of what the supplement keeps by itself, apart per account, Region and service."""

from __future__ import annotations

import copy
import secrets
import threading
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from airgap.rehearsal import settling

Record = dict[str, Any]
# moto's backends have no locks of their own (a RuntimeError in 700 concurrent requests): whoever touches them holds it.
MOTO = threading.RLock()


class Store:
    """Everything that one service keeps for one account and Region: records by kind and key, and single settings."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)
        self._pending: dict[tuple[str, str], tuple[float, Record | None]] = {}

    def put(self, kind: str, key: str, record: Record) -> Record:
        """Keep a record, and return it."""
        self._records[kind][key] = record
        return record

    def later(self, kind: str, key: str, operation: str, then: Record | None) -> None:
        """When what ``operation`` starts is finished, update the record with ``then``; None removes it."""
        self._pending[kind, key] = (settling.due(operation), then)

    def get(self, kind: str, key: str | None) -> Record | None:
        """Return the live record, None where there is none."""
        self._settle(kind)
        return self._records[kind].get(key or "")

    def all(self, kind: str) -> list[Record]:
        """Return copies of all records of a kind, oldest first."""
        self._settle(kind)
        return [copy.deepcopy(record) for record in self._records[kind].values()]

    def remove(self, kind: str, key: str) -> Record | None:
        """Take a record away, and return it."""
        self._pending.pop((kind, key), None)
        return self._records[kind].pop(key, None)

    def _settle(self, kind: str) -> None:
        for (pending, key), (moment, then) in list(self._pending.items()):
            if pending != kind or not settling.passed(moment):
                continue
            del self._pending[pending, key]
            if then is None:
                self._records[kind].pop(key, None)
            elif key in self._records[kind]:
                self._records[kind][key].update(then)


_stores: dict[tuple[str, str, str], Store] = {}
_lock = threading.Lock()


def store(account: str, region: str, service: str) -> Store:
    """Return the store of a service in an account and Region; it begins empty."""
    with _lock:
        return _stores.setdefault((account, region, service), Store())


def stores() -> dict[tuple[str, str, str], Store]:
    """Return all stores by (account, Region, service)."""
    with _lock:
        return dict(_stores)


def reset() -> None:
    """Empty everything."""
    with _lock:
        _stores.clear()


def now() -> str:
    """Return the time of the rehearsal's clock as AWS writes it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id(prefix: str, digits: int = 17) -> str:
    """Return a fresh id such as ``vpcbpa-exclude-0a1b...``."""
    return f"{prefix}{secrets.token_hex(digits)[:digits]}"
