"""The certificate of the load balancer: requested of ACM and proven by DNS, or an issued one that the params name.

ACM looks for a record in the public zone of the domain, by itself and from outside: nothing of it needs a way out of
the VPC, and nobody inside can publish it. AWS: Certificate Manager User Guide, "DNS validation".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.observation import NotObserved
from airgap.model.plan import Desired
from airgap.model.reading import FIXED, ONCE, Field, Reading
from airgap.resources.kind import Ask, Call, Fields, Kind, declares, tag_list

DESCRIBE = "acm:DescribeCertificate"
ISSUED = "ISSUED"
_ITSELF = {"CertificateArn": "CertificateArn"}
_GONE = ("ResourceNotFoundException",)


def _certificate(ask: Ask, f: Fields) -> dict[str, object]:
    found: dict[str, object] = dig(ask(DESCRIBE, {"CertificateArn": f["id"]}), "Certificate") or {}
    return found


def _failure(ask: Ask, f: Fields) -> str:
    reason = _certificate(ask, f).get("FailureReason") or "ACM gives no reason"
    return f"{reason}; a certificate that ended so never comes back: delete it, mend the cause, and run again"


def _publish(ask: Ask, f: Fields) -> str:
    """Say which records a person must publish."""
    options = dig(_certificate(ask, f), "DomainValidationOptions[].ResourceRecord") or []
    records = "; ".join(f"{one['Name']} {one['Type']} {one['Value']}" for one in options)
    if not records:
        return "ACM has not named the records to publish yet: run again in a minute"
    return (
        f"have this published in the public DNS zone of {f['domain']}, and left there, since ACM renews by it: "
        f"{records}; ACM looks for it by itself, within minutes as a rule and for 72 hours; then run again"
    )


CERTIFICATE = Kind(
    "certificate",
    "TLS certificate",
    Reading(
        "acm:ListCertificates",
        "CertificateSummaryList",
        "CertificateArn",
        tags="acm:ListTagsForCertificate|CertificateArn=CertificateArn|Tags",
        attrs={"arn": "CertificateArn"},
        fields={
            "domain": Field("DomainName", change=FIXED, why="a certificate is for the names that it was issued for"),
            "validation": Field(
                "Certificate.DomainValidationOptions[].ValidationMethod", call=DESCRIBE, by=_ITSELF, change=ONCE
            ),
            "key": Field("Certificate.KeyAlgorithm", call=DESCRIBE, by=_ITSELF, change=ONCE),
            "status": Field("Status", why="a listener takes an issued certificate only, so it is waited for"),
        },
        state="Status",
        settled=(ISSUED,),
        failed=("EXPIRED", "FAILED", "INACTIVE", "REVOKED", "VALIDATION_TIMED_OUT"),
    ),
    create=(
        Call(
            "acm:RequestCertificate",
            lambda f: {
                "DomainName": f["domain"],
                "ValidationMethod": f["validation"],
                "KeyAlgorithm": f["key"],
                "Tags": tag_list(f),
            },
            actions=("acm:AddTagsToCertificate",),
        ),
    ),
    # Nothing sets it: whoever has the zone publishes a record, and ACM issues.
    updates={"status": ()},
    # A load balancer that is gone holds its certificate for a while longer.
    delete=(
        Call(
            "acm:DeleteCertificate",
            lambda f: {"CertificateArn": f["id"]},
            ignore=_GONE,
            retry=("ResourceInUseException",),
        ),
    ),
    poll=Call(DESCRIBE, lambda f: {"CertificateArn": f["id"]}, result="Certificate", ignore=_GONE),
    seconds=60.0,
    limit=240.0,
    diagnose=_failure,
    person=_publish,
)


@declares(CERTIFICATE)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the certificate: requested for the domain, or the named one, of which only that it is issued is asked."""
    given = intent.edge.certificate_arn
    if given:
        why = "edge.certificate_arn names it; it is somebody else's, and nothing of it is changed"
        yield Desired("certificate", "app", {"status": ISSUED}, why=why, adopted=given)
        return
    fields = {"domain": intent.edge.domain, "validation": "DNS", "key": "RSA_2048", "status": ISSUED}
    yield Desired("certificate", "app", fields, why="clients know the application by it")


def not_issued(intent: Intent, facts: Estate) -> str:
    """Return why a listener cannot take the certificate that the params name; '' where it can, or ours is awaited."""
    given = intent.edge.certificate_arn
    if not given:
        return ""
    try:
        found = next((body for params, body in facts.pages(DESCRIBE) if params.get("CertificateArn") == given), {})
    except NotObserved as cause:
        return f"whether {given} is issued could not be read: {cause}"
    status = dig(found, "Certificate.Status") or "not a certificate of this account and Region"
    return "" if status == ISSUED else f"{given} is {status}; a listener takes an issued certificate only"
