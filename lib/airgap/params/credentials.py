"""Secret values in a params file: found anywhere in its text, comments too, and never repeated in a message.

Forms are those that redaction knows and a few more; what has no form is found by its key, or by looking random.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airgap.params.problems import Problem, Where
from airgap.params.source import Source

MASK = "****"
"""What stands in a message in place of a secret value."""

ACTION = (
    "put the value into Secrets Manager and write only its name, as secrets.database: fintech/prod/db;"
    " and replace it, since this file has held it"
)
"""What to do about any secret value."""

_FORMS: tuple[tuple[str, str], ...] = (
    ("private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),
    ("Bedrock key", r"(?<![A-Za-z0-9])(ABSK[A-Za-z0-9+/=]{40,}|bedrock-api-key-[A-Za-z0-9+/=]{20,})"),
    ("connection string", r"(?i)(?<![a-z])(password|pwd)\s*=\s*[^;\s\"']+"),
    ("Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("Vault token", r"(?<![A-Za-z0-9])hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("API key", r"(?<![A-Za-z0-9])(sk|rk|pk)[-_](live|test|ant|proj)[-_][A-Za-z0-9_-]{16,}"),
)
"""Forms that a person may write into a file, beside those that redaction knows (``model.secret_forms``)."""

_SHORTEST_MASKED = 6
_SECRET_KEY = (
    r"(?i)(.*[_-])?(pass(word|wd|phrase)?|pwd|token|api[_-]?key|private[_-]?key|access[_-]?key([_-]?id)?"
    r"|secret[_-]?(key|access[_-]?key|value|string)|client[_-]?secret|credentials?|connection[_-]?string)"
)
_NAMED = r"arn:aws[^\s\"']*|ELBSecurityPolicy-[A-Za-z0-9-]*"
"""Names of AWS's own, which look random and tell nothing."""
_PUBLIC = (
    r"-----BEGIN CERTIFICATE-----(?:\s|\\n)+MII(?:[A-Za-z0-9+/=\s]|\\n)+-----END CERTIFICATE-----"
    r"|-----BEGIN PUBLIC KEY-----(?:\s|\\n)+M[A-Z](?:[A-Za-z0-9+/=\s]|\\n)+-----END PUBLIC KEY-----"
)
"""Certificates and public keys in PEM (RFC 7468), as ``data.rds_authorities`` and ``images.signers`` hold them, in a
block or in quotes with escaped ends of lines: they look random and are public."""
_HEX = r"(?i)(?<![A-Z0-9-])(?<!sha256:)(?=[0-9]*[A-F])(?=[A-F]*[0-9])[0-9A-F]{32,}(?![A-Z0-9])"
_RUN = r"[A-Za-z0-9+/=_-]{20,}"
_CLASSES = (str.isupper, str.islower, str.isdigit)
_RESTLESS = 0.4
"""Share of neighbours of different character class from which a run looks random: 0.6 in base64, 0.3 in CamelCase."""


@dataclass(frozen=True)
class Leak:
    """A secret value found in the file: its kind, its line, and the value, which no message may show."""

    kind: str
    line: int
    value: str
    where: Where = ()


def find(source: Source) -> list[Leak]:
    """Return every secret value of a file, in the order of lines; one value may be found in more than one way."""
    leaks = list(_by_key(source))
    judged = re.sub(_PUBLIC, lambda found: "\n" * found[0].count("\n"), source.text)
    for number, line in enumerate(judged.splitlines(), 1):
        leaks += [Leak(kind, number, value, _where(source, number, value)) for kind, value in _in_line(line)]
    return sorted(leaks, key=lambda leak: leak.line)


def problems(leaks: Iterable[Leak]) -> list[Problem]:
    """Return the refusal of each secret value, without the value; once for each place and line."""
    first = {(leak.line, leak.where): leak for leak in reversed(list(leaks))}
    return [
        Problem(leak.where, f"{MASK} is or looks like a secret value ({leak.kind})", ACTION, leak.line)
        for leak in reversed(first.values())
    ]


def mask(text: str, leaks: Iterable[Leak]) -> str:
    """Return a message without any of the secret values."""
    for leak in sorted(leaks, key=lambda leak: -len(leak.value)):
        if len(leak.value) >= _SHORTEST_MASKED:
            text = text.replace(leak.value, MASK)
    return text


def _by_key(source: Source) -> Iterator[Leak]:
    """Yield the values that stand under a key for secrets, however harmless they look."""
    for where, place in source.places.items():
        if place.text and any(isinstance(part, str) and re.fullmatch(_SECRET_KEY, part) for part in where):
            yield Leak("by its key", place.line, place.text, where)


def _in_line(line: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each secret value in a line, the surest form first."""
    from airgap.model.secret_forms import FORMS  # compiles its patterns when imported

    folded = line.lower()
    known = [(form.kind.replace("-", " "), form.regex) for form in FORMS if form.occurs(folded)]
    for kind, pattern in [*_FORMS, *known]:
        yield from ((kind, found[0]) for found in re.finditer(pattern, line))
    line = re.sub(_NAMED, "", line)
    yield from (("long and random", found[0]) for found in re.finditer(_HEX, line))
    yield from (("long and random", run) for run in re.findall(_RUN, line) if _looks_random(run))


def _looks_random(run: str) -> bool:
    classes = [next((index for index, test in enumerate(_CLASSES) if test(char)), 3) for char in run]
    changes = sum(one != other for one, other in zip(classes, classes[1:], strict=False))
    return {0, 1, 2} <= set(classes) and changes >= _RESTLESS * (len(run) - 1)


def _where(source: Source, line: int, value: str) -> Where:
    """Return the place of a secret value, or the top of the file when it stands in a comment or is not YAML."""
    at_line = [where for where, place in source.places.items() if place.line == line and where]
    start = value[:16]  # a form may reach beyond the value, to the end of the line
    holding = [where for where, place in source.places.items() if start in place.text and place.line <= line]
    return (holding or at_line or [()])[-1]
