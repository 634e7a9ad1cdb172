"""Forms of secrets in text: a table of patterns, and the encodings in which a known value turns up again.

Every pattern leaves ``[redacted]`` alone, so that redacting twice is redacting once. Digests, ARNs, ids, request ids
and certificates have none of these forms.
"""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from dataclasses import dataclass, field

MARK = "[redacted]"

# Repetitions are bounded, so that no text, however contrived, takes more than linear time.
_NAME = r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,40}[_.-]){0,6}"
_IS = r"""(?:\\{0,7}["'])?\s{0,9}(?:[:=]|%3D)\s{0,9}(?:\\{0,7}["'])?"""
_TOKEN = r"session_?token|security_?token|authorization_?token|auth_?token"
_CREDENTIAL = rf"(?:secret_?access_?key|{_TOKEN}|client_?secret|secretstring)"
_USER = r"""[^\s/@:"'<>\\?#\[\]]*:[^\s/"'<>\\?#]+@"""
_SIGNED = r"""(?:(?!%26|\[redacted\])[^&\s"'<>\\])+"""
_NUMBERED = r"(?=[A-Za-z0-9/+=_.~%-]{0,200}[0-9])"
_STRONG = "[0-9!@#$%^*+~]"
_QUOTED = rf"""(?<=["'])(?=[^"'\\\n]{{0,200}}?{_STRONG})(?:(?!\[redacted\])[^"'\\\n]){{6,200}}(?=\\{{0,7}}["'])"""
_BARE = rf"""(?=[^\s"'\\,;&<>\[\](){{}}]{{0,200}}?{_STRONG})[^\s"'\\,;&<>\[\](){{}}]{{6,}}"""
_PEM = r"-----{} [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,10}}-----"


@dataclass(frozen=True)
class Form:
    """One form: its kind, words of which one must occur, the pattern, and what replaces a match.

    ``core`` is a part that every match has, where the pattern begins with what matches nearly everywhere: searching for
    it is some ten times as fast. Words and core are matched in folded text (``str.casefold``).
    """

    kind: str
    triggers: tuple[str, ...]
    regex: str
    replacement: str = MARK
    core: str = ""
    pattern: re.Pattern[str] = field(init=False, compare=False)
    part: re.Pattern[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(self.regex))
        object.__setattr__(self, "part", re.compile(self.core.replace("%3D", "%3d")))

    def occurs(self, folded: str) -> bool:
        """Tell whether a folded text can hold this form at all; what is escaped in it may hold it when unescaped."""
        return any(trigger in folded for trigger in self.triggers)

    def stands(self, folded: str) -> bool:
        """Tell whether a folded text, as it is, can hold this form."""
        return self.occurs(folded) and self.part.search(folded) is not None


FORMS = (
    # Identifiers of AWS credentials, IAM user guide "Unique identifiers"; the last four tell keys apart.
    Form("access-key-id", ("akia", "asia", "abia", "acca"), r"(A(?:KI|SI|BI|CC)A)[A-Z0-9]{12,120}([A-Z0-9]{4})",
         rf"\1{MARK}\2"),
    # What STS tokens begin with: base64 of "origin_ec" and "er/aws".
    Form("session-token", ("iqojb3jpz2lu", "fwogzxivyxdz", "fqogzxivyxdz"),
         r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=%_-]{20,}"),
    Form("credential", ("secret", "session", "security_token", "authorizationtoken", "auth_token", "authtoken"),
         rf"(?i)({_NAME}{_CREDENTIAL}{_IS}){_NUMBERED}[A-Za-z0-9/+=_.~%-]{{16,}}", rf"\1{MARK}",
         rf"{_CREDENTIAL}{_IS}"),
    # A password in an assignment; words and names alone, as in code, are none.
    Form("password", ("password", "passwd", "presharedkey"),
         rf"(?i)({_NAME}(?:[a-z]{{0,20}}password|passwd|presharedkey){_IS})(?:{_QUOTED}|{_BARE})", rf"\1{MARK}",
         rf"(?:password|passwd|presharedkey){_IS}"),
    Form("password", ("password", "passwd"),
         r"(?i)(<t[dh][^>]{0,99}>\s{0,9}[\w. -]{0,60}(?:password|passwd)\s{0,9}</t[dh]>\s{0,9}<td[^>]{0,99}>\s{0,9})"
         rf"(?=[^<\s]{{0,200}}?{_STRONG})[^<\s\[]{{6,}}", rf"\1{MARK}"),
    Form("eks-token", ("k8s-aws-v1.",), r"k8s-aws-v1\.[A-Za-z0-9_=%-]{8,}", f"k8s-aws-v1.{MARK}"),
    # Query authentication, "Authenticating Requests: Using Query Parameters", SigV4; and the older SigV2.
    Form("signed-request", ("x-amz-",),
         rf"(?i)(X-Amz-(?:Signature|Security-Token|Credential){_IS}){_SIGNED}", rf"\1{MARK}"),
    Form("signed-request", ("signature=", "awsaccesskeyid="), rf"((?:[?&, ]Signature|AWSAccessKeyId)=){_SIGNED}",
         rf"\1{MARK}"),
    Form("basic-auth-url", ("://",),
         rf"(?i)([a-z][a-z0-9+.-]{{1,20}}://){_USER}", rf"\1{MARK}@", f"://{_USER}"),
    Form("private-key", ("private key",), rf"{_PEM.format('BEGIN')}[\s\S]{{16,}}?(?:{_PEM.format('END')}|\Z)"),
    # The same in base64, as a kubeconfig's client-key-data and a Secret's tls.key hold it (RFC 7468).
    Form("private-key", ("ls0tls1crudjti",),
         r"LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJ|BFQyBQUklW|BPUEVOU1NI|BFTkNSWVBU)[A-Za-z0-9+/=_-]+"),
    Form("jwt", ("eyj",), r"eyJ[A-Za-z0-9_-]{8,500}\.[A-Za-z0-9_-]{8,9999}\.[A-Za-z0-9_-]{8,}"),
    # A JWT in base64, as a service account's Secret holds it.
    Form("jwt", ("zxlkagjhy2lpa",), r"ZXlKaGJHY2lPa[A-Za-z0-9+/=_-]{40,}"),
    Form("bearer", ("bearer", "authorization"),
         rf"(?i)(\bbearer\s{{1,9}}|\bauthorization{_IS}(?:basic|token)\s{{1,9}})"
         rf"{_NUMBERED}[A-Za-z0-9._~+/=-]{{16,}}", rf"\1{MARK}",
         rf"bearer\s|authorization{_IS}(?:basic|token)\s"),
    # "AWS:" and a token, as ECR and Docker's configuration hold it.
    Form("registry-token", ("qvdtom",), r"QVdTOmV5[A-Za-z0-9+/=]{16,}"),
    Form("registry-token", ("auth",), rf"""(["']auth{_IS})(?<=["'])[A-Za-z0-9+/=]{{8,}}""", rf"\1{MARK}"),
    Form("forge-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
         r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,})"),
)  # fmt: skip


def encodings(value: str) -> set[str]:
    """Return a value as it may turn up: as it is, in JSON, in HTML, in a URL, and within base64 at any alignment.

    Six bytes within base64 still decide seven digits, enough to tell them from chance.
    """
    raw = value.encode("utf-8", "replace")
    found = {value, html.escape(value), urllib.parse.quote_plus(raw)}
    found |= {urllib.parse.quote(raw, safe) for safe in ("", "/")}
    for before in range(3):
        core = _core(raw, before)
        found |= {core, core.replace("+", "-").replace("/", "_")}
    found |= {escaped for form in (value, *escapes(value)) for escaped in escapes(form)}
    return {form for form in found if form not in MARK}


def escapes(text: str) -> set[str]:
    """Return a text as the inside of a JSON string, with and without escapes for what is not ASCII."""
    return {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}


def _core(raw: bytes, before: int) -> str:
    """Return the base64 digits that these bytes alone decide when ``before`` bytes (0 to 2) stand before them."""
    text = base64.b64encode(b"\0" * before + raw).decode("ascii")
    return text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
