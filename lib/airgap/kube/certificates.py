"""Serving certificates of webhooks: made when they are needed, their keys handed to the cluster and kept nowhere else.

Charts generate such a certificate while they render, so that every rendering differs and the key stands in a manifest.
Here the authority lives for the moment of signing; its certificate goes into the webhook's ``caBundle``.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

LIFE = dt.timedelta(days=3650)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the authority's certificate, all in PEM."""

    authority: bytes
    certificate: bytes
    key: bytes

    def secret_data(self) -> dict[str, str]:
        """Return the data of a ``kubernetes.io/tls`` Secret."""
        parts = {"ca.crt": self.authority, "tls.crt": self.certificate, "tls.key": self.key}
        return {name: base64.b64encode(part).decode() for name, part in parts.items()}

    @property
    def bundle(self) -> str:
        """The ``caBundle`` of a webhook configuration."""
        return base64.b64encode(self.authority).decode()


def issue(names: Sequence[str], now: dt.datetime) -> Issued:
    """Return a certificate for some DNS names (P-256), signed by an authority made for it alone."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def begun(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + LIFE)
        )

    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = f"{names[0][:40]} authority"
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    authority = begun(issuer, issuer, signer).add_extension(constraints, critical=True).sign(signer, hashes.SHA256())
    certificate = (
        begun(names[0][:64], issuer, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Issued(
        authority.public_bytes(Encoding.PEM),
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
