"""A cluster's API over TLS for tests, with a registry, a clock and callers of its own."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from email.message import Message
from pathlib import Path
from typing import Any

import yaml
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner
from kubernetes import client

from airgap.rehearsal.faces import Asked
from airgap.rehearsal.kubernetes.api import KubernetesApi
from airgap.rehearsal.kubernetes.setting import AccessEntry, ClusterFacts, NodeFacts, Surroundings
from airgap.rehearsal.kubernetes.tokens import checked

HOST = "0a1b2c3d.gr7.us-east-1.eks.example"
ACCOUNT, REGION = "123456789012", "us-east-1"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
DIGEST = "sha256:" + "a" * 64
SECRET = "a-word-to-sign-with"
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/nodes"
_SESSION = Session()


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def entry(name: str, *groups: str, **policies: Sequence[str]) -> AccessEntry:
    given = tuple((POLICY + policy, tuple(namespaces)) for policy, namespaces in policies.items())
    return AccessEntry(role(name), "", groups, given)


FACTS = ClusterFacts(
    name="demo",
    account=ACCOUNT,
    region=REGION,
    version="1.35",
    arn=f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/demo",
    host=HOST,
    access=(
        entry("admin", AmazonEKSClusterAdminPolicy=()),
        entry("viewer", AmazonEKSViewPolicy=("web",)),
        entry("deployer", "deployers"),
        entry("nobody"),
    ),
    nodes=tuple(
        NodeFacts(
            f"ip-10-0-{n}-10.ec2.internal", f"10.0.{n}.10", f"us-east-1{zone}", NODE_ROLE, "m6i.xlarge", "general"
        )
        for n, zone in ((1, "a"), (2, "b"))
    ),
    pod_identity=(("external-secrets", "external-secrets", role("reads-secrets")),),
)


@dataclass(frozen=True)
class Image:
    digest: str
    image_id: str


@dataclass(frozen=True)
class Failure:
    reason: str
    message: str


@dataclass
class Images:
    """A registry with some images, by reference; ``asked`` has every pull."""

    held: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def pull(self, image: str, role_arn: str) -> Image | Failure:
        self.asked.append((image, role_arn))
        if image not in self.held:
            return Failure("ErrImagePull", f'failed to pull and unpack image "{image}": {image}: not found')
        return Image(self.held[image], f"{image.split('@')[0].rpartition(':')[0]}@{self.held[image]}")


def image(name: str, tag: str = "1") -> str:
    return f"{REGISTRY}/{name}:{tag}"


def token(name: str = "admin", cluster: str = "demo", expires: int = 60, secret: str = SECRET) -> str:
    """A token as the aws CLI makes it."""
    signer = RequestSigner(
        ServiceId("sts"), REGION, "sts", "v4", Credentials(name, secret), _SESSION.get_component("event_emitter")
    )
    request = {
        "method": "GET",
        "url": f"https://sts.{REGION}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    url = signer.generate_presigned_url(request, "", expires_in=expires, region_name=REGION)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def who(access_key: str, _: str) -> tuple[str, str]:
    """In these tests an access key is the name of a role."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{access_key}/alice", SECRET


class Time:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Rehearsed:
    """A cluster: its API, what surrounds it, and its clients."""

    def __init__(self, port: int, ca: Path, folder: Path, **around: Any) -> None:
        self.facts: ClusterFacts | None = FACTS
        self.images = Images()
        self.secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self.targets: dict[str, tuple[tuple[str, int], ...]] = {}
        self.refusal = ""
        self.clients: list[client.ApiClient] = []
        self.port, self.ca, self.folder = port, ca, folder
        self.around = Surroundings(
            cluster_of=lambda host: self.facts if host == HOST else None,
            principal_of=checked(who),
            registry=self.images,
            secret_value=lambda name, role: self.secrets.get((name, role)),
            register_targets=self._register,
            **around,
        )
        self.api = KubernetesApi(HOST, self.around)
        self.warnings = ""
        for name in ("vpc-cni", "coredns"):
            self.images.held[image(name)] = DIGEST
            self.api.install_addon(name, "v1", (image(name),))

    def _register(self, arn: str, targets: Sequence[tuple[str, int]]) -> str:
        if not self.refusal:
            self.targets[arn] = tuple(targets)
        return self.refusal

    def change(self, **facts: Any) -> None:
        self.facts = replace(self.facts or FACTS, **facts)

    def client(self, name: str = "admin") -> client.ApiClient:
        """The official client, which names the true server over a loopback connection."""
        settings = client.Configuration()
        settings.host = f"https://127.0.0.1:{self.port}"
        settings.ssl_ca_cert = str(self.ca)
        settings.tls_server_name = HOST
        settings.api_key = {"authorization": f"Bearer {token(name)}"}
        self.clients.append(client.ApiClient(settings))
        return self.clients[-1]

    def close(self) -> None:
        """Close the connections of its clients."""
        for one in self.clients:
            one.rest_client.pool_manager.clear()

    def kubeconfig(self, name: str = "admin", bearer: str | None = None) -> Path:
        file = self.folder / f"kubeconfig-{name}"
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "tls-server-name": HOST,
            "certificate-authority": str(self.ca),
        }
        whole = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "demo", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token(name) if bearer is None else bearer}}],
            "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": name}}],
            "current-context": "demo",
        }
        file.write_text(json.dumps(whole))
        return file

    def ask(
        self, method: str, path: str, item: Any = None, name: str = "admin", content: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Ask the API itself, without a connection; return the code and the object, or the lines of a stream."""
        path, _, query = path.partition("?")
        given = Message()
        sort = content or "application/json"
        for title, value in {"Authorization": f"Bearer {token(name)}", "Content-Type": sort, **headers}.items():
            given[title.replace("_", "-")] = value
        body = item if isinstance(item, bytes) else b"" if item is None else json.dumps(item).encode()
        answer = self.api(Asked(method, HOST, path, query, given, io.BytesIO(body)))
        self.warnings = answer.headers.get("Warning", "")
        if not isinstance(answer.body, bytes):
            return answer.status, (json.loads(line) for line in answer.body if line)
        text = answer.body.decode()
        return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text

    def do(self, method: str, path: str, item: Any = None, **more: Any) -> Any:
        """Ask, and assert that it is done."""
        code, found = self.ask(method, path, item, **more)
        assert code < 300, found
        return found

    def refused(self, code: int, method: str, path: str, item: Any = None, **more: Any) -> str:
        """Ask, and assert that it is refused with this code; return the message."""
        given, found = self.ask(method, path, item, **more)
        assert given == code, found
        return str(found["message"])

    def apply(self, path: str, item: Any, manager: str = "me", force: bool = False, **more: Any) -> Any:
        """Apply an object on the server's side."""
        query = f"?fieldManager={manager}" + ("&force=true" if force else "")
        return self.do("PATCH", path + query, item, content="application/apply-patch+yaml", **more)

    def pods(self, namespace: str = "default") -> list[Any]:
        """The pods of a namespace."""
        found: list[Any] = self.do("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        return found

    def run(self, program: str, *words: str, name: str = "admin", stdin: Any = None, code: int = 0) -> str:
        """Run a program against the cluster; assert its exit code and return what it printed."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig(name))}
        text = (
            stdin
            if isinstance(stdin, str) or stdin is None
            else yaml.safe_dump_all(stdin if isinstance(stdin, list) else [stdin])
        )
        done = subprocess.run([program, *words], input=text, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr


def deployment(name: str = "web", picture: str = "", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": name, "image": picture or image(name), "ports": [{"containerPort": 8080, "name": "http"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }
