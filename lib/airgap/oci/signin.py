"""How a registry learns who asks: ECR's token from a callable, or a bearer token that its token server gives anybody.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class SignIn(Protocol):
    """Who asks a registry."""

    def header(self, scope: str) -> str:
        """Return the ``Authorization`` header for a scope such as ``repository:app:pull``, '' where there is none."""

    def renew(self, used: str, challenge: str, scope: str) -> bool:
        """Get a fresh header after the one ``used`` was refused; False where there is none to be had."""


class Basic:
    """The token that a callable gives (base64 of ``user:password``); a registry that says it expired gets another."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._ask, self._header, self._lock = token, "", threading.Lock()

    def header(self, scope: str) -> str:
        """Return the header; the token is asked for at first use."""
        with self._lock:
            if not self._header:
                self._header = f"Basic {self._ask()}"
            return self._header

    def renew(self, used: str, challenge: str, scope: str) -> bool:
        """Ask for a new token, once for all threads that were refused with the old one."""
        with self._lock:
            if self._header == used:
                self._header = f"Basic {self._ask()}"
            return self._header != used


class Anonymous:
    """Nobody in particular: bearer tokens for one repository each, from the server that the challenge names."""

    def __init__(self, pool: Callable[[str], urllib3.PoolManager]) -> None:
        self._pool, self._headers, self._lock = pool, dict[str, str](), threading.Lock()

    def header(self, scope: str) -> str:
        """Return the header that was got for the scope, '' before the first challenge."""
        return self._headers.get(scope, "")

    def renew(self, used: str, challenge: str, scope: str) -> bool:
        """Ask the token server that the challenge names; False where it names none or refuses one.

        Raises ``HTTPError`` where it does not answer, and ``ValueError`` where it answers something else.
        """
        with self._lock:
            if self._headers.get(scope, "") != used:
                return True
            named = dict(_PARAMETER.findall(challenge))
            if not challenge.lower().startswith("bearer ") or urlsplit(named.get("realm", "")).scheme != "https":
                return False
            asked = {"service": named.get("service", ""), "scope": scope}
            url = f"{named['realm']}?{urlencode(asked)}"
            answer = self._pool(urlsplit(url).hostname or "").request("GET", url, redirect=False)
            if answer.status in (400, 401, 403, 404):
                return False
            if answer.status != 200:
                raise HTTPError(f"{urlsplit(url).hostname} answered HTTP {answer.status}")
            document = json.loads(answer.data)
            token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
            if not token:
                raise ValueError(f"{urlsplit(url).hostname} answered without a token")
            self._headers[scope] = f"Bearer {token}"
            return True
