"""The way to PostgreSQL: a secret's value from Secrets Manager, a connection by TLS to the server that it names.

Sources: Secrets Manager User Guide, "JSON structure of AWS Secrets Manager secrets"; RDS User Guide, "Using SSL with a
PostgreSQL DB instance" (the certificate is verified, and the host's name with it).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection, identifier, literal

AUTHORITIES = Path(__file__).with_name("rds-authorities.pem")
"""AWS's roots for RDS, by Region, carried in: the host that gives them out is on the internet."""
SECONDS = 10
GROUP = "application"
"""The role without a password that owns what the application works on; those who sign in are its members."""

__all__ = ["AUTHORITIES", "GROUP", "Connection", "DatabaseError", "connect", "identifier", "literal", "value_of"]


def value_of(secrets: Any, arn: str, **version: str) -> dict[str, Any]:
    """Return what a secret holds, from a boto3 client of Secrets Manager; ``version`` as ``VersionStage="AWSCURRENT"``.

    Its errors name the secret and never what is in it.
    """
    text = secrets.get_secret_value(SecretId=arn, **version)["SecretString"]
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        # The parser's own error would repeat the text.
        raise ValueError(f"secret {arn} holds no JSON object") from None
    return held


def connect(
    place: Mapping[str, Any], user: str, password: str, authorities: Path = AUTHORITIES, seconds: float = SECONDS
) -> Connection:
    """Return a connection to the server at ``host``, ``port`` and ``dbname`` of ``place``; TLS 1.2 or later alone.

    Connecting, and each statement, may take so many seconds; a ``TimeoutError`` ends what takes longer.
    """
    trust = ssl.create_default_context(cafile=str(authorities))
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    return Connection(
        user,
        host=str(place["host"]),
        port=int(place["port"]),
        database=str(place["dbname"]),
        password=password,
        ssl_context=trust,
        timeout=seconds,
        application_name="airgap",
    )
