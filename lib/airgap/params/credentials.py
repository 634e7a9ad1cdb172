"""Secret values in a params file: found anywhere in its text, comments too, and never repeated in a message.

Patterns are the issuers' documented forms; what has none is found by its key, or by looking random.
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
    ("a private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----"),
    ("an AWS access key id", r"(?<![A-Za-z0-9])(AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("an AWS session token", r"(FwoGZXIvYXdz|FQoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{16,}"),
    ("an Amazon Bedrock API key", r"(?<![A-Za-z0-9])(ABSK[A-Za-z0-9+/=]{40,}|bedrock-api-key-[A-Za-z0-9+/=]{20,})"),
    ("an EKS token", r"k8s-aws-v1\.[A-Za-z0-9_-]{16,}"),
    ("a pre-signed request", r"X-Amz-(Signature|Security-Token|Credential)=[^\s&\"']+"),
    ("a JSON Web Token", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*)?"),
    ("a URL with a password", r"[a-z][a-z0-9+.-]*://[^\s/:@\"']*:[^\s/@\"']+@[^\s\"']+"),
    ("a connection string with a password", r"(?i)(?<![a-z])(password|pwd)\s*=\s*[^;\s\"']+"),
    ("a password", r"(?i)#.*(?<![a-z])(password|passwd|pwd|secret key)\s*:\s*(?=\S*[0-9!@#$%^&*])\S{6,}"),
    ("a GitHub token", r"(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a GitLab token", r"gl(pat|dt|rt|cbt)-[A-Za-z0-9_.-]{16,}"),
    ("a Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Vault token", r"(?<![A-Za-z0-9])hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("an API key", r"(?<![A-Za-z0-9])(sk|rk|pk)[-_](live|test|ant|proj)[-_][A-Za-z0-9_-]{16,}"),
)
_SHORTEST_MASKED = 6
_PATTERNS = [(noun, re.compile(pattern)) for noun, pattern in _FORMS]
_SECRET_KEY = re.compile(
    r"(.*[_-])?(pass(word|wd|phrase)?|pwd|token|api_?key|private_?key|access_?key(_?id)?|secret_?(key|access_?key|value|string)"
    r"|client_?secret|credentials?|connection_?string)",
    re.IGNORECASE,
)
_ARN = re.compile(r"arn:aws[^\s\"']*")
_HEX = re.compile(r"(?i)(?<![A-Z0-9-])(?<!sha256:)(?=[0-9]*[A-F])(?=[A-F]*[0-9])[0-9A-F]{32,}(?![A-Z0-9])")
_RUN = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_CLASSES = (str.isupper, str.islower, str.isdigit)
_RESTLESS = 0.4
"""Share of neighbours of different character class from which a run looks random: 0.6 in base64, 0.3 in CamelCase."""


@dataclass(frozen=True)
class Leak:
    """A secret value found in the file: the noun for it, its line, and the value, which no message may show."""

    noun: str
    line: int
    value: str
    where: Where = ()


def find(source: Source) -> list[Leak]:
    """Return every secret value of a file, at most one for each line."""
    leaks = {leak.line: leak for leak in _by_key(source)}
    for number, line in enumerate(source.text.splitlines(), 1):
        noun, value = _in_line(line)
        if value and number not in leaks:
            leaks[number] = Leak(noun, number, value, _where(source, number, value))
    return [leaks[number] for number in sorted(leaks)]


def problems(leaks: Iterable[Leak]) -> list[Problem]:
    """Return the refusal of each secret value, without the value."""
    return [Problem(leak.where, f"{MASK} is or looks like {leak.noun}", ACTION, leak.line) for leak in leaks]


def mask(text: str, leaks: Iterable[Leak]) -> str:
    """Return a message without any of the secret values."""
    for leak in leaks:
        if len(leak.value) >= _SHORTEST_MASKED:
            text = text.replace(leak.value, MASK)
    return text


def _by_key(source: Source) -> Iterator[Leak]:
    """Yield the values that stand under a key for secrets, however harmless they look."""
    for where, place in source.places.items():
        if place.text and any(isinstance(part, str) and _SECRET_KEY.fullmatch(part) for part in where):
            yield Leak("a secret value, by its key", place.line, place.text, where)


def _in_line(line: str) -> tuple[str, str]:
    """Return the noun and the text of the first secret value in a line, or two empty texts."""
    for noun, pattern in _PATTERNS:
        found = pattern.search(line)
        if found:
            return noun, found[0]
    line = _ARN.sub("", line)
    runs = [found[0] for found in _HEX.finditer(line)] + [run for run in _RUN.findall(line) if _looks_random(run)]
    return ("a key or token: long and random", runs[0]) if runs else ("", "")


def _looks_random(run: str) -> bool:
    classes = [next((index for index, test in enumerate(_CLASSES) if test(char)), 3) for char in run]
    changes = sum(one != other for one, other in zip(classes, classes[1:], strict=False))
    return {0, 1, 2} <= set(classes) and changes >= _RESTLESS * (len(run) - 1)


def _where(source: Source, line: int, value: str) -> Where:
    """Return the place of a secret value, or the top of the file when it stands in a comment or is not YAML."""
    at_line = [where for where, place in source.places.items() if place.line == line and where]
    holding = [where for where, place in source.places.items() if value in place.text and place.line <= line]
    return (holding or at_line or [()])[-1]
