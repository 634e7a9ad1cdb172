"""Carrying a twin out: namespaces of this machine made, filled and removed; needs root.

A caller's thread enters a namespace (``inside``) and leaves it again, so nothing of the machine's own is changed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from airgap.errors import AirgapError
from airgap.lab.space import Twin

HOME = Path("/run/netns")
NEWNET = 0x40000000
SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv4/icmp_ratelimit": "0",
    **{f"ipv4/conf/{one}/rp_filter": "0" for one in ("all", "default")},
    **{f"ipv4/conf/{one}/accept_local": "1" for one in ("all", "default")},
    **{f"ipv4/conf/{one}/send_redirects": "0" for one in ("all", "default")},
    **{f"ipv6/conf/{one}/accept_dad": "0" for one in ("all", "default")},
    **{f"ipv6/conf/{one}/accept_ra": "0" for one in ("all", "default")},
}
"""What a router is: it forwards, takes any source address, and leaves nothing unsaid."""


@contextlib.contextmanager
def inside(space: str) -> Iterator[None]:
    """Put the calling thread, and the processes that it starts, into a namespace while the context lasts."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(HOME / space, os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(own)
        os.close(own)
        os.close(there)


def _enter(handle: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(handle, NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def carry_out(twin: Twin, prefix: str) -> None:
    """Make every space of a twin under names that begin with ``prefix``; what is half made is removed again."""
    try:
        _ip("".join(f"netns add {prefix}{one}\n" for one in twin.spaces))
        for name in twin.spaces:
            with inside(prefix + name):
                for setting, value in SETTINGS.items():
                    (Path("/proc/sys/net") / setting).write_text(value)
        _ip(twin.links_text(prefix))
        for name, space in twin.spaces.items():
            with inside(prefix + name):
                _set_up(twin.setup_text(name), space.nft_text(), name)
    except BaseException:
        remove(prefix)
        raise


def _set_up(text: str, rules: str, name: str) -> None:
    lines = text.splitlines(keepends=True)
    _ip("".join(one for one in lines if not one.startswith("-6 ")), name)
    _ip("".join(one[3:] for one in lines if one.startswith("-6 ")), name, "-6")
    if rules:
        _run(["nft", "-f", "-"], rules, name)


def spaces(prefix: str) -> list[str]:
    """Return the namespaces of this machine whose names begin with ``prefix``."""
    return sorted(one.name for one in HOME.glob(f"{prefix}*")) if HOME.is_dir() else []


def remove(prefix: str) -> int:
    """Remove the namespaces whose names begin with ``prefix``, with all that is in them; return how many."""
    found = spaces(prefix)
    _ip("".join(f"netns del {one}\n" for one in found))
    return len(found)


def _ip(text: str, where: str = "", *options: str) -> None:
    if text:
        _run(["ip", *options, "-batch", "-"], text, where)


def _run(command: list[str], text: str, where: str) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AirgapError(
            f"{' '.join(command)} failed{f' in {where}' if where else ''}: {done.stderr.strip()[:800]}",
            "anything outside the lab's namespaces",
            "airgap lab status",
        )
