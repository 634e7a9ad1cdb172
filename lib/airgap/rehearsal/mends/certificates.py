"""Certificates: pending until their record is published, in use while a listener has them, valid for 198 days.

Nobody has a public zone here, so a record counts as published some time after the request (``acm:RequestCertificate``
in ``settling``). https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from moto.acm.models import CertBundle
from moto.core.utils import utcnow

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after, before
from airgap.rehearsal.wire import Call, Refusal

DAYS = 198
"""How long a public certificate is valid since March 2026 (CA/Browser Forum, ballot SC-081)."""
_UNTIL_ISSUED = ("IssuedAt", "NotBefore", "NotAfter", "Serial", "Issuer")


def _check(self: Any) -> None:
    if self._not_valid_after(self._cert) <= utcnow():
        self.status = "EXPIRED"
    elif self.type == "AMAZON_ISSUED" and self.status == "PENDING_VALIDATION" and settling.passed(self.__dict__["due"]):
        self.status = "ISSUED"


@after("acm", "RequestCertificate")
def begin(call: Call, result: dict[str, Any]) -> None:
    """Validation takes its time."""
    certificate = call.backend("acm")._certificates[result["CertificateArn"]]
    certificate.__dict__.setdefault("due", settling.due("acm:RequestCertificate"))


def _holders(call: Call, arn: str) -> list[str]:
    balancers = call.backend("elbv2").load_balancers.values()
    return [one.arn for one in balancers if any(arn in each.certificates for each in one.listeners.values())]


@before("acm", "DeleteCertificate")
def judge_deletion(call: Call) -> None:
    """A certificate that a load balancer holds stays."""
    arn = call.get("CertificateArn")
    if _holders(call, arn):
        raise Refusal("ResourceInUseException", f"Certificate {arn} in account {call.account} is in use.")


@after("acm", "DescribeCertificate")
def describe(call: Call, result: dict[str, Any]) -> None:
    """Say who holds it, and nothing of a certificate that there is not yet."""
    _amend(result["Certificate"])
    result["Certificate"]["InUseBy"] = _holders(call, result["Certificate"]["CertificateArn"])


@after("acm", "ListCertificates")
def describe_listed(call: Call, result: dict[str, Any]) -> None:
    """The summaries say the same."""
    for one in result.get("CertificateSummaryList", []):
        _amend(one)
        one["InUse"] = bool(_holders(call, one["CertificateArn"]))


def _amend(one: dict[str, Any]) -> None:
    if one.get("Type") != "AMAZON_ISSUED":
        return
    if one["Status"] == "PENDING_VALIDATION":
        for name in _UNTIL_ISSUED:
            one.pop(name, None)
    elif one.get("NotBefore"):
        one["NotAfter"] = one["NotBefore"] + dt.timedelta(days=DAYS)
        one["RenewalEligibility"] = "ELIGIBLE"


CertBundle.check = _check
