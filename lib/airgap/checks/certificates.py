"""Certificates: issued, for the declared domain, strong, and valid for a while longer (KEY-03).

AWS: Certificate Manager User Guide, "Certificate characteristics", "Managed certificate renewal".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from airgap.checks.balancers import LISTENERS, READS, balancers
from airgap.checks.check import check
from airgap.checks.scope import Named, every, is_ours
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent

LISTED, DESCRIBED, TAGGED = "acm:ListCertificates", "acm:DescribeCertificate", "acm:ListTagsForCertificate"
CERTIFICATE_READS = (LISTED, DESCRIBED, TAGGED)
DAYS = 30
"""ACM renews 45 days before the end, of a certificate of 198 days; what has less left than this was not renewed."""
_WEAK = ("RSA_1024",)


def certificates(intent: Intent, estate: Estate) -> Named:
    """Return the certificates of the environment: the declared one, and those that listeners of the VPC present."""
    held = {arn for _, one in balancers(intent, estate) for arn in _presented(one["LoadBalancerArn"], estate)}
    listed = [one["CertificateArn"] for one in every(estate, LISTED, "CertificateSummaryList")]
    ours = [arn for arn in listed if arn == intent.edge.certificate_arn or _tagged(arn, intent, estate)]
    beside = sorted(held - set(ours))
    named = [("certificate:app", {"CertificateArn": arn}) for arn in ours]
    return [*named, *((arn, {"CertificateArn": arn}) for arn in beside)]


def _presented(balancer: str, estate: Estate) -> list[str]:
    page = estate.page(LISTENERS, LoadBalancerArn=balancer) or {}
    return [arn for one in page.get("Listeners", []) for arn in dig(one, "Certificates[].CertificateArn") or []]


def _tagged(arn: str, intent: Intent, estate: Estate) -> bool:
    return is_ours(estate.page(TAGGED, CertificateArn=arn) or {}, intent)


@check(
    "certificates-valid",
    "The certificate is issued, for the declared domain, with a strong key, and has time left",
    severity="high",
    properties=("KEY-03",),
    reads=(*READS, LISTENERS, *CERTIFICATE_READS),
    remedy="publish the record that ACM names and leave it there; an imported certificate is imported anew",
    over=certificates,
)
def valid(one: dict[str, Any], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what is wrong with a certificate."""
    if one["CertificateArn"] not in [
        each["CertificateArn"] for each in every(estate, LISTED, "CertificateSummaryList")
    ]:
        yield "it is not in ACM, so nothing is known of it"
        return
    found = dig(estate.page(DESCRIBED, CertificateArn=one["CertificateArn"]) or {}, "Certificate") or {}
    if found.get("Status") != "ISSUED":
        why = found.get("FailureReason")
        yield f"it is {found.get('Status')}{f' ({why})' if why else ''}"
    names = [str(found.get("DomainName")), *found.get("SubjectAlternativeNames", [])]
    if not any(covers(name, intent.edge.domain) for name in names):
        yield f"it is for {', '.join(sorted(set(names)))}, not for {intent.edge.domain}"
    # ACM writes the key's algorithm by a dash here and by an underscore there.
    if str(found.get("KeyAlgorithm")).replace("-", "_") in _WEAK:
        yield f"its key is {found.get('KeyAlgorithm')}"
    if "SHA1" in str(found.get("SignatureAlgorithm")):
        yield f"it is signed by {found.get('SignatureAlgorithm')}"
    if found.get("Status") == "ISSUED":
        yield from _ending(found, estate.taken_at)


def _ending(found: dict[str, Any], now: str) -> Iterator[str]:
    end = str(found.get("NotAfter", ""))[:10]
    left = (dt.date.fromisoformat(end) - dt.date.fromisoformat(now[:10])).days if end else -1
    if left < DAYS:
        yield f"it ends on {end}, in {left} days" if end else "nobody knows when it ends"
    status = dig(found, "RenewalSummary.RenewalStatus")
    if status in ("FAILED", "PENDING_VALIDATION"):
        yield f"its renewal is {status}: the record of its domain is gone"


def covers(name: str, domain: str) -> bool:
    """Tell whether a certificate's name is for a domain; a star stands for one label (RFC 6125, section 6.4.3).

    >>> covers("*.example.com", "shop.example.com"), covers("*.example.com", "a.shop.example.com")
    (True, False)
    """
    if name.startswith("*."):
        return domain.lower().partition(".")[2] == name[2:].lower()
    return name.lower() == domain.lower()


CHECKS = (valid,)
