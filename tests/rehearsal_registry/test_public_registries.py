"""The stand-ins of public registries: tokens as Docker Hub hands them out, and images that are always the same."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from wire import Bare, refusal

from airgap.rehearsal.registry import public, samples


@pytest.fixture
def bare(aws, tmp_path):
    client = Bare(aws, tmp_path, "registry-1.docker.io")
    yield client
    client.pool.clear()


BUSYBOX = "/v2/library/busybox/manifests/1.37.0"


def token(bare, scope, realm="https://auth.docker.io/token"):
    return json.loads(bare.ask("GET", f"{realm}?{urlencode({'scope': scope, 'service': 'x'})}").data)["token"]


def test_a_token_is_for_one_repository_and_ends(bare, monkeypatch):
    challenged = bare.ask("GET", BUSYBOX)
    assert refusal(challenged) == (401, "UNAUTHORIZED")
    assert challenged.headers["Www-Authenticate"] == (
        'Bearer realm="https://auth.docker.io/token",service="registry-1.docker.io",'
        'scope="repository:library/busybox:pull"'
    )
    for scope, status in (("repository:library/other:pull", 401), ("repository:library/busybox:pull", 200)):
        bare.headers = {"Authorization": f"Bearer {token(bare, scope)}"}
        assert bare.ask("GET", BUSYBOX).status == status
    now = public.time.time()
    monkeypatch.setattr(public.time, "time", lambda: now + public.TOKEN_SECONDS + 1)
    assert bare.ask("GET", BUSYBOX).status == 401


def test_a_token_for_pulling_pushes_nothing(bare):
    bare.headers = {"Authorization": f"Bearer {token(bare, 'repository:library/busybox:pull')}"}
    assert bare.ask("POST", "/v2/library/busybox/blobs/uploads/").status == 401
    bare.headers = {"Authorization": f"Bearer {token(bare, 'repository:mine/new:pull,push')}"}
    digest = bare.push_image("mine/new", "1.0")
    assert bare.ask("HEAD", "/v2/mine/new/manifests/1.0").headers["Docker-Content-Digest"] == digest


def test_a_registry_without_tokens_asks_for_none(bare):
    answer = bare.ask("GET", "/v2/pause/manifests/3.10", host="registry.k8s.io")
    assert answer.status == 200
    assert refusal(bare.ask("GET", "/v2/none/manifests/1", host="registry.k8s.io")) == (404, "NAME_UNKNOWN")
    assert refusal(bare.ask("GET", "/v2/pause/manifests/1", host="registry.k8s.io")) == (404, "MANIFEST_UNKNOWN")


def test_images_are_the_same_bytes_each_time():
    first, second = samples.image("registry.k8s.io/pause", "3.10"), samples.image("registry.k8s.io/pause", "3.10")
    assert first == second
    index = next(item for item in first if item.tag == "3.10")
    # A lock file in somebody's params rests on this digest.
    assert index.manifest.digest == "sha256:8af9fb9ad318c2321bb462d731fb2b044e7a75d43f5cabf5090cb707de5e39e7"
    other = next(item for item in samples.image("registry.k8s.io/pause", "3.9") if item.tag == "3.9")
    assert other.manifest.digest != index.manifest.digest


def test_the_signature_is_one():
    from base64 import b64decode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    items = samples.image("registry.k8s.io/pause", "3.10")
    signature = next(item for item in items if (item.tag or "").endswith(".sig"))
    layer = json.loads(signature.manifest.body)["layers"][0]
    key = Ed25519PrivateKey.from_private_bytes(samples._SIGNER).public_key()
    key.verify(b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]), signature.contents[1])
