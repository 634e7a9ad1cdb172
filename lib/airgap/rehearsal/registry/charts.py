"""The rehearsal's own charts as Helm publishes charts: a packed archive as the one layer of an OCI artifact.

The same sources give the same bytes on every machine: no times, no owners, and gzip with stored blocks only, as what a
compressor makes differs from one release to the next. Sources: RFC 1951 section 3.2.4, RFC 1952; Helm, "OCI artifacts".
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_STORED = 65535


def names() -> list[str]:
    """Return the names of the charts."""
    return sorted(one.name for one in _folder().iterdir() if one.is_dir() and (one / "Chart.yaml").is_file())


def metadata(name: str) -> dict[str, Any]:
    """Return a chart's ``Chart.yaml``."""
    import yaml

    found: dict[str, Any] = yaml.safe_load((_folder() / name / "Chart.yaml").read_text())
    return found


def config(name: str) -> bytes:
    """Return the config blob of a chart's artifact: its metadata as JSON."""
    return json.dumps(metadata(name), sort_keys=True, separators=(",", ":")).encode()


@cache
def archive(name: str) -> bytes:
    """Return the packed chart."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, file in sorted(_files(_folder() / name, name)):
            content = file.read_bytes()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return _gzip(packed.getvalue())


def _folder() -> Traversable:
    return resources.files("airgap.rehearsal") / "charts"


def _files(folder: Traversable, path: str) -> list[tuple[str, Traversable]]:
    found = []
    for one in folder.iterdir():
        inner = f"{path}/{one.name}"
        found += _files(one, inner) if one.is_dir() else [(inner, one)]
    return found


def _gzip(data: bytes) -> bytes:
    head = b"\x1f\x8b\x08\x00" + b"\0" * 4 + b"\x00\xff"
    blocks = []
    for start in range(0, len(data), _STORED):
        part = data[start : start + _STORED]
        last = 1 if start + _STORED >= len(data) else 0
        blocks.append(struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF) + part)
    return head + b"".join(blocks) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
