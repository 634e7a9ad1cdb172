"""A short-lived bearer token for an EKS cluster: a presigned STS call that names the cluster.

Source: aws-iam-authenticator, "API Authorization from Outside a Cluster"; EKS User Guide, "Grant IAM users access".
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

VALID = 60
"""Seconds for which the presigned call itself is valid; EKS takes the token for fifteen minutes from its date."""
RENEWED_AFTER = 600.0
"""Seconds of age at which a new token is made."""


class ClusterToken:
    """Gives a token for one cluster, the same one until it grows old; safe to use from several threads."""

    def __init__(self, session: Any, region: str, cluster: str, now: Callable[[], float]) -> None:
        self._session, self._region, self._cluster, self._now = session, region, cluster, now
        self._lock = threading.Lock()
        self._token, self._made = "", 0.0

    def __call__(self) -> str:
        """Return a token that is valid for some minutes at least."""
        with self._lock:
            if not self._token or self._now() - self._made > RENEWED_AFTER:
                self._token, self._made = self._presigned(), self._now()
            return self._token

    def _presigned(self) -> str:
        from botocore.config import Config
        from botocore.signers import RequestSigner

        # The Region's own STS: EKS calls what the token names there, whatever endpoint this caller uses.
        plain = Config(ignore_configured_endpoint_urls=True)
        client = self._session.client("sts", region_name=self._region, config=plain)
        signer = RequestSigner(
            client.meta.service_model.service_id,
            self._region,
            "sts",
            "v4",
            self._session.get_credentials(),
            self._session.events,
        )
        request = {
            "method": "GET",
            "url": f"{client.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {"x-k8s-aws-id": self._cluster},
            "context": {},
        }
        url = signer.generate_presigned_url(request, region_name=self._region, expires_in=VALID, operation_name="")
        return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
