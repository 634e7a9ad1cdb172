"""A bare client of the registry protocol, which follows nothing and hides nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import urllib3

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Bare:
    """Requests to any name that has a face, through the listener as proxy."""

    def __init__(self, aws: Any, tmp_path: Any, host: str = HOST) -> None:
        place = aws.control("GET", "/faces")
        ca = tmp_path / "ca.pem"
        ca.write_text(place["ca_pem"])
        self.pool = urllib3.ProxyManager(f"http://127.0.0.1:{place['tls_port']}", ca_certs=str(ca), retries=False)
        self.host, self.headers = host, {}

    def login(self, ecr: Any) -> Bare:
        data = ecr.get_authorization_token()["authorizationData"][0]
        self.headers = {"Authorization": f"Basic {data['authorizationToken']}"}
        return self

    def ask(self, method: str, path: str, body: Any = None, host: str = "", **headers: str) -> Any:
        url = path if path.startswith("https://") else f"https://{host or self.host}{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.pool.request(method, url, body=body, headers={**self.headers, **named}, redirect=False)

    def push_blob(self, repository: str, data: bytes) -> str:
        begun = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert begun.status == 202, begun.data
        done = self.ask("PUT", f"{begun.headers['Location']}?digest={sha(data)}", data)
        assert done.status == 201, done.data
        return sha(data)

    def push_image(self, repository: str, reference: str, text: bytes = b"layer", **more: Any) -> str:
        config = self._described(repository, b'{"architecture":"amd64","os":"linux"}', "config.v1+json")
        layer = self._described(repository, text, "layer.v1.tar")
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], **more}
        body = json.dumps(document)
        done = self.put(repository, reference or sha(body.encode()), body.encode(), MANIFEST)
        assert done.status == 201, done.data
        return sha(body.encode())

    def _described(self, repository: str, data: bytes, kind: str) -> dict[str, Any]:
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": self.push_blob(repository, data), "size": len(data)}

    def put(self, repository: str, reference: str, body: bytes, media_type: str) -> Any:
        return self.ask("PUT", f"/v2/{repository}/manifests/{reference}", body, Content_Type=media_type)

    def fetch(self, repository: str, digest: str, **headers: str) -> Any:
        found = self.ask("GET", f"/v2/{repository}/blobs/{digest}")
        assert found.status == 307, found.data
        return self.pool.request("GET", found.headers["Location"], headers=headers, redirect=False)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status, json.loads(answer.data)["errors"][0]["code"]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
