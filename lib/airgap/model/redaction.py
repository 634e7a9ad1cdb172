"""Redaction: what must not be written is replaced before anything is, and what was written can be scanned for it.

Three sources say what is secret: the caller (members that botocore's models mark as sensitive), two tables of what
those traits miss (``secret_names`` and ``secret_forms``), and the values that the run itself has seen, in every
encoding in which they are likely to turn up again. Redaction is deterministic, idempotent and keeps the shape of JSON
data: what is hidden is a string or a number, never a list or a mapping.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from airgap.model import secret_names
from airgap.model.canonical import encode
from airgap.model.secret_forms import FORMS, MARK, Form, encodings, escapes

LEARNED = "learned"
KINDS = (*dict.fromkeys(form.kind for form in FORMS), LEARNED)
"""The kinds of a hit: one for each family of forms, and ``learned`` for exact values."""

SHORTEST = 6
"""Characters; a shorter value occurs by chance, and hiding it everywhere would only hide everything."""

_WORDS = frozenset({"testing", "password", "secret", "postgres", "rehearsal", "username", "changeme"})
"""Samples and emulators use these as secrets; they stand in many a page, and hiding them hides what is checked."""

_PASSES = 5
"""What one form leaves may complete another; two passes settle all but contrived texts."""


class Hit(NamedTuple):
    """A secret's kind and where it begins in the text; the value itself is never carried along."""

    kind: str
    position: int


class Redactor:
    """Hides secrets in JSON data and in messages; safe to use from several threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._learned = _Learned()
        self._learn(secrets)

    def learn(self, value: str) -> None:
        """Hide this exact value, and its encodings, from now on; fewer than ``SHORTEST`` characters are ignored."""
        self._learn([value])

    def redact(self, value: Any, sensitive: Sequence[str]) -> tuple[Any, list[str]]:
        """Return JSON data without its secrets, and the sorted paths at which something is hidden.

        ``sensitive`` holds the paths, as ``Users[0].Password``, that the service's model marks. The values of secret
        members are learned before anything is hidden, so the same value is hidden in the rest of the data too.
        """
        text = encode(value)
        named = secret_names.any_in(text)
        if named:
            self._learn(secret_names.values(value))
        active = self._active(text, in_json=True)
        if not (named or sensitive or active.forms or active.learned or MARK in text):
            return value, []
        walk = _Walk(active, frozenset(sensitive))
        return walk.visit(value, "", False), sorted(walk.found)

    def text(self, text: str) -> str:
        """Return a message without its secrets."""
        return self._active(text).text(text)

    def scan(self, text: str) -> list[Hit]:
        """Return the secrets in a text, the learned ones included, in the order of their positions."""
        learned = self._learned
        exact = learned.pattern.finditer(text) if learned.pattern and learned.within(text) else ()
        hits = [Hit(LEARNED, match.start()) for match in exact if match[0] != MARK]
        return sorted([*scan(text), *hits], key=lambda hit: hit.position)

    def _active(self, text: str, in_json: bool = False) -> _Active:
        learned = self._learned
        return _Active(learned if learned.within(text, in_json) else None, _forms_in(text))

    def _learn(self, values: Iterable[str]) -> None:
        new = {one for one in values if _worth_hiding(one)}
        with self._lock:
            if not new <= self._learned.values:
                self._learned = _Learned.of(self._learned.values | new)


def scan(text: str) -> list[Hit]:
    """Return what has the form of a secret in a text, in the order of positions."""
    folded = text.casefold()
    forms = (form for form in FORMS if form.stands(folded))
    hits = (Hit(form.kind, match.start()) for form in forms for match in form.pattern.finditer(text))
    return sorted(hits, key=lambda hit: hit.position)


@dataclass(frozen=True)
class _Learned:
    """Exact values with all their encodings, longest first."""

    values: frozenset[str] = frozenset()
    forms: tuple[str, ...] = ()
    in_json: tuple[str, ...] = ()
    pattern: Optional[re.Pattern[str]] = None

    @classmethod
    def of(cls, values: frozenset[str]) -> _Learned:
        forms = sorted({form for one in values for form in encodings(one)}, key=lambda form: (-len(form), form))
        in_json = {escaped for form in forms for escaped in escapes(form)}
        # The mark is matched, and left, before any value: no part of it is ever taken for one.
        pattern = re.compile("|".join(re.escape(form) for form in (MARK, *forms)))
        return cls(values, tuple(forms), tuple(in_json), pattern)

    def within(self, text: str, in_json: bool = False) -> bool:
        return any(form in text for form in (self.in_json if in_json else self.forms))


@dataclass(frozen=True)
class _Active:
    """What can occur in one page at all."""

    learned: Optional[_Learned]
    forms: tuple[Form, ...]

    def text(self, text: str) -> str:
        for _ in range(_PASSES):
            shown = self._once(text)
            if shown == text:
                break
            text = shown
        return text

    def _once(self, text: str) -> str:
        if self.learned and self.learned.pattern and self.learned.within(text):
            text = self.learned.pattern.sub(MARK, text)
        if self.forms:
            folded = text.casefold()
            for form in self.forms:
                if form.occurs(folded):
                    text = form.pattern.sub(form.replacement, text)
        return text


class _Walk:
    """One walk over JSON data; ``found`` collects the paths at which something is hidden."""

    def __init__(self, active: _Active, sensitive: frozenset[str]) -> None:
        self.active, self.sensitive = active, sensitive
        self.found: set[str] = set()

    def visit(self, value: Any, path: str, hidden: bool) -> Any:
        hidden = hidden or path in self.sensitive
        if isinstance(value, dict):
            return self._mapping(value, path, hidden)
        if isinstance(value, list):
            return [self.visit(item, f"{path}[{number}]", hidden) for number, item in enumerate(value)]
        return self._leaf(value, path, hidden)

    def _leaf(self, value: Any, path: str, hidden: bool) -> Any:
        if value is None or value == "" or isinstance(value, bool):
            return value
        shown = MARK if hidden else self.active.text(value) if isinstance(value, str) else value
        if hidden or (isinstance(shown, str) and (shown != value or MARK in shown)):
            self.found.add(self.active.text(path))
        return shown

    def _mapping(self, value: dict[str, Any], path: str, hidden: bool) -> dict[str, Any]:
        secret = secret_names.members(value)
        shown: dict[str, Any] = {}
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            shown[self._key(key, shown)] = self._member(key, item, value, below, hidden or key in secret)
        return shown

    def _member(self, key: str, item: Any, parent: dict[str, Any], path: str, hidden: bool) -> Any:
        marked = path in self.sensitive and not hidden
        if marked and not isinstance(item, (dict, list)) and secret_names.is_public(key, parent):
            return self._leaf(item, path, False)
        return self.visit(item, path, hidden)

    def _key(self, key: str, taken: dict[str, Any]) -> str:
        """Return a key as it is shown; two that are the same once hidden are numbered."""
        name = shown = self.active.text(key)
        count = 1
        while name in taken:
            count += 1
            name = f"{shown} {count}"
        return name


def _worth_hiding(value: str) -> bool:
    """Tell whether a value can be told from chance, from a word and from a mask such as ``********``."""
    return len(value) >= SHORTEST and len(set(value)) > 2 and value.lower() not in _WORDS and value not in MARK


def _forms_in(text: str) -> tuple[Form, ...]:
    folded = text.casefold()
    return tuple(form for form in FORMS if form.occurs(folded))
