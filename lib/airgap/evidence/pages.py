"""Pages on disk: one file each under its digest, with an index of what each of them answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError
from airgap.evidence.files import write_whole
from airgap.model.canonical import digest, encode, plain
from airgap.model.observation import Observation

INDEX = "index.json"
_INDEXED = ("account", "region", "call", "params", "number", "status", "time", "request_id", "page", "size")


class PageFolder:
    """The pages of one run; a page that was kept or loaded stays in memory, parsed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parsed: dict[str, Mapping[str, Any]] = {}

    def keep(self, page: bytes) -> str:
        """Keep a page of canonical JSON and return its digest; a page that is there already is written no more.

        Pages are not flushed to the disk one by one: whoever loads one checks its digest.
        """
        name = digest(page)
        if name not in self._parsed:
            path = self._path(name)
            if not _holds(path, page):
                write_whole(path, page, durable=False)
            self._parsed[name] = json.loads(page)
        return name

    def load(self, name: str) -> Mapping[str, Any]:
        """Return the page of this digest; raises ``AirgapError`` where it is missing or is another one."""
        if name not in self._parsed:
            path = self._path(name)
            try:
                raw = path.read_bytes()
            except FileNotFoundError as error:
                raise _unusable(f"page {path} is missing") from error
            if digest(raw) != name:
                raise _unusable(f"page altered: {path} does not have the digest that is its name")
            self._parsed[name] = json.loads(raw)
        return self._parsed[name]

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def write_index(folder: Path, observations: Iterable[Observation]) -> None:
    """Write ``index.json``: every observation by account, Region, call, parameters and page number."""
    write_rows(folder / INDEX, observations)


def write_rows(path: Path, observations: Iterable[Observation]) -> None:
    """Write observations to a file in the form of an index."""
    ordered = sorted(observations, key=lambda one: (*one.subject, one.number, one.time))
    rows = [{name: plain(getattr(one, name)) for name in _INDEXED} for one in ordered]
    write_whole(path, "[\n" + ",\n".join(encode(row) for row in rows) + "\n]\n")


def _holds(path: Path, page: bytes) -> bool:
    try:
        return path.read_bytes() == page
    except FileNotFoundError:
        return False


def _unusable(what: str) -> AirgapError:
    return AirgapError(
        what,
        "anything; no verdict rests on this page",
        "keep the run's folder for whoever looks into it, and run again with a new run id",
    )
