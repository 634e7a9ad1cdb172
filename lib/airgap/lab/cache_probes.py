"""What is tried on a cache that stands: who it talks to and how, and which commands its application may not give."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from airgap.lab.attempts import Outcome, must_answer, must_refuse, turned_away
from airgap.lab.database_probes import ELSEWHERE
from airgap.lab.handshakes import LEAST, OLD, UNTRIED, shaken
from airgap.lab.postgres import NAME
from airgap.lab.valkey import PROVEN, Cache, spoken
from airgap.model.probes import ANSWERED, REFUSED

ALLOWED = {
    "writes": ("SET", "session:1", "value", "EX", "60"),
    "reads": ("GET", "session:1"),
    "counts": ("INCR", "visits"),
    "publishes": ("PUBLISH", "events", "signed-in"),
}
FORBIDDEN = {
    "empties-it": ("FLUSHALL",),
    "lists-all-keys": ("KEYS", "*"),
    "reads-its-settings": ("CONFIG", "GET", "*"),
    "changes-its-settings": ("CONFIG", "SET", "requirepass", ""),
    "makes-a-user": ("ACL", "SETUSER", "intruder", "on", "nopass", "+@all", "~*"),
    "watches-others": ("MONITOR",),
    "copies-it-elsewhere": ("REPLICAOF", "192.0.2.1", "6379"),
    "lists-users": ("ACL", "LIST"),
    "ends-other-sessions": ("CLIENT", "KILL", "TYPE", "normal"),
    "ends-it": ("SHUTDOWN", "NOSAVE"),
}
"""What the application must not be able to do with its cache: all of it dangerous or an administrator's."""
REFUSALS = ("NOAUTH", "WRONGPASS", "NOPERM")
"""How an answer begins by which a server turns somebody away (Valkey, "ACL")."""


def transport(cache: Cache, stranger: Path) -> Iterator[dict[str, Any]]:
    """Try how a cache lets itself be spoken to, and as whom; ``stranger`` is the certificate of another authority."""
    tls = functools.partial(shaken, cache.port)
    yield must_answer("cache-tls", "tls", lambda: tls(cache.authority, NAME))
    yield must_refuse("cache-plain-text", "cache", "cache-tls", lambda: _in_the_clear(cache))
    yield must_refuse("cache-wrong-host", "tls", "cache-tls", lambda: tls(cache.authority, ELSEWHERE))
    yield must_refuse("cache-wrong-authority", "tls", "cache-tls", lambda: tls(stranger, NAME))
    yield must_answer("cache-tls-1.2", "tls", lambda: tls(cache.authority, NAME, version=LEAST))
    yield must_refuse("cache-tls-1.1", "tls", "cache-tls-1.2", lambda: tls(cache.authority, NAME, version=OLD))
    own = _own(cache)
    yield must_answer("cache-user", "cache", lambda: _asked(cache, own, ("PING",)))
    strangers: dict[str, tuple[str, ...]] = {
        "cache-without-password": (),
        "cache-default-user": ("default", ""),
        "cache-wrong-password": (own[0] if own else "default", "wrong"),
        "cache-unknown-user": ("intruder", "wrong"),
    }
    for name, credentials in strangers.items():
        yield must_refuse(name, "cache", "cache-user", functools.partial(_asked, cache, credentials, ("PING",)))


def rights(cache: Cache) -> Iterator[dict[str, Any]]:
    """Try which commands the application may give: those that it lives by, and none that is an administrator's."""
    own, control = _own(cache), "cache-application-reads"
    for name, words in ALLOWED.items():
        yield must_answer(f"cache-application-{name}", "cache", functools.partial(_asked, cache, own, words))
    for name, words in FORBIDDEN.items():
        yield must_refuse(f"cache-application-{name}", "cache", control, functools.partial(_asked, cache, own, words))


def _own(cache: Cache) -> tuple[str, ...]:
    """Return the application's credentials; where no user has any, it comes as whoever does."""
    mine = next((one for one in cache.declared.users if one.authentication in PROVEN), None)
    return (mine.name, mine.password) if mine else ()


def _in_the_clear(cache: Cache) -> Outcome:
    """Speak without TLS: any answer of the protocol, an error included, is one in the clear."""
    try:
        with spoken(cache, clear=True) as one:
            said = one.ask("PING")
            return ANSWERED, f"in the clear: {said.error or said.value}"
    except ConnectionError as error:
        return REFUSED, f"hung up on: {error}"
    except OSError as error:
        return UNTRIED, str(error)


def _asked(cache: Cache, credentials: Sequence[str], words: Sequence[str]) -> Outcome:
    """Give a command by TLS as somebody."""
    try:
        with spoken(cache, credentials) as one:
            said = one.ask(*words)
    except PermissionError as error:
        return turned_away(str(error), REFUSALS)
    except (ssl.SSLError, OSError) as error:
        return UNTRIED, str(error)
    return turned_away(said.error, REFUSALS) if said.error else (ANSWERED, f"{words[0]}: {said.value}")
