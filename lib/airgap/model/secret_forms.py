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

_VALUE = r"""(?:(?!%26|\[redacted\])[^&\s"'<>\\])+"""
_ASSIGN = r"""(?:\\*["'])?\s*(?:[:=]|%3D)\s*(?:\\*["'])?"""
_NAME = r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_.-])*"


@dataclass(frozen=True)
class Form:
    """One form: its kind, lower-case words of which one must occur, the pattern, and what replaces a match."""

    kind: str
    triggers: tuple[str, ...]
    regex: str
    replacement: str = MARK
    pattern: re.Pattern[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(self.regex))

    def occurs(self, folded: str) -> bool:
        """Tell whether a lower-case text can hold this form at all."""
        return any(trigger in folded for trigger in self.triggers)


FORMS = (
    # Identifiers of AWS credentials, IAM user guide "Unique identifiers"; the last four tell keys apart.
    Form("access-key-id", ("akia", "asia", "abia", "acca"), r"(A(?:KI|SI|BI|CC)A)[A-Z0-9]{12,120}([A-Z0-9]{4})",
         rf"\1{MARK}\2"),
    # What STS tokens begin with: base64 of "origin_ec" and "er/aws".
    Form("session-token", ("iqojb3jpz2lu", "fwogzxivyxdz", "fqogzxivyxdz"),
         r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=%_-]{20,}"),
    Form("credential", ("secret", "session", "security_token", "authorizationtoken", "auth_token", "authtoken"),
         rf"(?i)({_NAME}(?:secret_?access_?key|session_?token|security_?token|authorization_?token|auth_?token"
         rf"|client_?secret|secretstring|secretkey){_ASSIGN})[A-Za-z0-9/+=_.~%-]{{16,}}", rf"\1{MARK}"),
    # A password in an assignment; words and names alone, as in code, are none.
    Form("password", ("password", "passwd", "presharedkey"),
         rf"(?i)({_NAME}(?:[a-z]*password|passwd|presharedkey){_ASSIGN})(?=[^\s\"'\\,;&<>\[\](){{}}]*[0-9!@#$%^*+~])"
         r"""[^\s"'\\,;&<>\[\](){}]{6,}""", rf"\1{MARK}"),
    Form("password", ("password", "passwd"),
         r"(?i)(<t[dh][^>]*>\s*[\w. -]*(?:password|passwd)\s*</t[dh]>\s*<td[^>]*>\s*)"
         r"(?=[^<\s]*[0-9!@#$%^*+~])[^<\s\[]{6,}", rf"\1{MARK}"),
    Form("eks-token", ("k8s-aws-v1.",), r"k8s-aws-v1\.[A-Za-z0-9_=%-]{8,}", f"k8s-aws-v1.{MARK}"),
    # Query authentication, "Authenticating Requests: Using Query Parameters", SigV4; and the older SigV2.
    Form("signed-request", ("x-amz-",),
         rf"(?i)(X-Amz-(?:Signature|Security-Token|Credential){_ASSIGN}){_VALUE}", rf"\1{MARK}"),
    Form("signed-request", ("signature=", "awsaccesskeyid="), rf"((?:[?&, ]Signature|AWSAccessKeyId)=){_VALUE}",
         rf"\1{MARK}"),
    Form("basic-auth-url", ("://",), r"""(?i)([a-z][a-z0-9+.-]*://)[^\s/@:"'<>\\?#\[\]]*:[^\s/"'<>\\?#]+@""",
         rf"\1{MARK}@"),
    Form("private-key", ("private key",),
         r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----[\s\S]{16,}?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z)"),
    # The same in base64, as a kubeconfig's client-key-data and a Secret's tls.key hold it (RFC 7468).
    Form("private-key", ("ls0tls1crudjti",),
         r"LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJ|BFQyBQUklW|BPUEVOU1NI|BFTkNSWVBU)[A-Za-z0-9+/=_-]+"),
    Form("jwt", ("eyj",), r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    # A JWT in base64, as a service account's Secret holds it.
    Form("jwt", ("zxlkagjhy2lpa",), r"ZXlKaGJHY2lPa[A-Za-z0-9+/=_-]{40,}"),
    Form("bearer", ("bearer", "authorization"),
         r"""(?i)(\bbearer\s+|\bauthorization(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?(?:basic|token)\s+)"""
         r"(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{16,}", rf"\1{MARK}"),
    # "AWS:" and a token, as ECR and Docker's configuration hold it.
    Form("registry-token", ("qvdtom",), r"QVdTOmV5[A-Za-z0-9+/=]{16,}"),
    Form("registry-token", ("auth",), r"""((?:\\*["'])auth(?:\\*["'])\s*:\s*(?:\\*["']))[A-Za-z0-9+/=]{8,}""",
         rf"\1{MARK}"),
    Form("forge-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
         r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,})"),
)  # fmt: skip


def encodings(value: str) -> set[str]:
    """Return a value as it may turn up: as it is, in JSON, in HTML, in a URL, and within base64 at any alignment."""
    found = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
        urllib.parse.quote(value),
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
    }
    raw = value.encode("utf-8")
    for before in range(3):
        core = _core(raw, before)
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return {form for form in found if len(form) >= 6 and form not in MARK}


def _core(raw: bytes, before: int) -> str:
    """Return the base64 digits that these bytes alone decide when ``before`` bytes (0 to 2) stand before them."""
    text = base64.b64encode(b"\0" * before + raw).decode("ascii").rstrip("=")
    first = -(-before * 8 // 6)
    last = (before + len(raw)) * 8 // 6
    core = text[first:last]
    return core if len(core) >= 8 else ""
