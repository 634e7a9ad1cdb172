"""The ways to registries: of the embedded AWS, or as the environment variables of proxies and authorities say."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from airgap.oci.network import Network, Route

# Where ECR hands out layers: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
_LAYERS = re.compile(r"prod-[a-z0-9-]+-starport-layer-bucket\.s3\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


def network(world: str, registry: str, environ: Mapping[str, str] = os.environ) -> Network:
    """Return the ways from here: before the embedded AWS all registries stand behind the embedded AWS's one listener.

    Elsewhere ``registry`` and its layers are inside and reached directly, and what is outside through ``HTTPS_PROXY``;
    the certificates of ``AWS_CA_BUNDLE`` are trusted on both ways, beside the system's.
    """
    if world != "aws":
        return embedded(environ["AWS_ENDPOINT_URL"])
    bundle = environ.get("AWS_CA_BUNDLE", "")
    pem = Path(bundle).read_text() if bundle else ""
    proxy = environ.get("HTTPS_PROXY") or environ.get("https_proxy") or ""
    return Network(Route(proxy, pem), Route("", pem), lambda host: host == registry or bool(_LAYERS.fullmatch(host)))


def embedded(endpoint: str) -> Network:
    """Return the ways of an embedded AWS: its listener is asked as a proxy, and its own authority is trusted."""
    with urllib.request.urlopen(f"{endpoint}/rehearsal/faces", timeout=30) as answer:
        place = json.load(answer)
    route = Route(f"http://127.0.0.1:{place['tls_port']}", place["ca_pem"])
    return Network(route, route)
