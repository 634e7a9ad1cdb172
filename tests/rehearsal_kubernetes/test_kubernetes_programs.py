"""The official client, kubectl and helm, unmodified, over TLS.

kubectl and helm are looked for beside the Python interpreter and on the PATH; where one is missing its stories are
skipped, and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from emulated import until
from kubernetes import client, dynamic, watch
from kubernetes.client.exceptions import ApiException
from rehearsed import DIGEST, HOST, REGISTRY, Rehearsed, deployment, image, token

CHART = Path(__file__).with_name("chart")
IMAGES = (image("web"), image("web", "2"))


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is missing."""
    place = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=place)
    if found is None:
        pytest.skip(f"{name} is neither beside the Python interpreter nor on the PATH")
    return found


@pytest.fixture
def kubectl(cluster: Rehearsed) -> Any:
    found = program("kubectl")
    cluster.images.held |= dict.fromkeys(IMAGES, DIGEST)
    return lambda *words, **more: cluster.run(found, *words, **more)


@pytest.fixture
def helm(cluster: Rehearsed) -> Any:
    found = program("helm")
    cluster.images.held |= dict.fromkeys(IMAGES, DIGEST)
    return lambda *words, **more: cluster.run(found, *words, **more)


def test_the_official_client(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    api = cluster.client()
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    assert {one.metadata.name for one in core.list_namespace().items} >= {"default", "kube-system"}
    apps.create_namespaced_deployment("default", deployment())
    assert apps.read_namespaced_deployment("web", "default").status.available_replicas == 2
    pods = core.list_namespaced_pod("default", label_selector="app=web").items
    assert {pod.status.container_statuses[0].image_id for pod in pods} == {f"{REGISTRY}/web@{DIGEST}"}
    apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}})
    assert len(core.list_namespaced_pod("default").items) == 3
    assert client.VersionApi(api).get_code().git_version == "v1.35.0-eks-rehearsal"
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_pod("ghost", "default")
    assert json.loads(caught.value.body)["reason"] == "NotFound"
    apps.delete_namespaced_deployment("web", "default")
    assert core.list_namespaced_pod("default").items == []


def test_the_dynamic_client_applies(cluster: Rehearsed) -> None:
    found = dynamic.DynamicClient(cluster.client()).resources.get(api_version="v1", kind="ConfigMap")
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    found.server_side_apply(body=item, namespace="default", field_manager="me")
    with pytest.raises(ApiException) as caught:
        found.server_side_apply(body={**item, "data": {"a": "2"}}, namespace="default", field_manager="you")
    assert 'conflict with "me": .data.a' in json.loads(caught.value.body)["message"]


def test_a_watch_of_the_official_client(cluster: Rehearsed) -> None:
    core = client.CoreV1Api(cluster.client())
    begun = core.list_namespaced_config_map("default").metadata.resource_version

    def write() -> None:
        time.sleep(0.1)
        client.CoreV1Api(cluster.client()).create_namespaced_config_map("default", {"metadata": {"name": "late"}})

    writer = threading.Thread(target=write)
    writer.start()
    seen = watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=begun, timeout_seconds=5)
    event = next(iter(seen))
    writer.join()
    assert (event["type"], event["object"].metadata.name) == ("ADDED", "late")


def test_a_watch_ends_with_its_reader(cluster: Rehearsed) -> None:
    context = ssl.create_default_context(cafile=str(cluster.ca))
    request = f"GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token()}\r\n\r\n"
    before = threading.active_count()
    with (
        socket.create_connection(("127.0.0.1", cluster.port)) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secure,
    ):
        secure.sendall(request.encode())
        assert secure.recv(15) == b"HTTP/1.1 200 OK"
        assert threading.active_count() > before
    until(lambda: threading.active_count() <= before, True, seconds=10)


def test_a_client_without_a_token_is_not_served(cluster: Rehearsed) -> None:
    api = cluster.client()
    api.configuration.api_key = {}
    with pytest.raises(ApiException) as caught:
        client.CoreV1Api(api).list_namespace()
    assert caught.value.status == 401


def test_kubectl_applies_and_sees_no_difference_after(kubectl: Any) -> None:
    assert "deployment.apps/web created" in kubectl("apply", "-f", "-", stdin=deployment())
    assert "deployment.apps/web unchanged" in kubectl("apply", "-f", "-", stdin=deployment())
    kubectl("diff", "-f", "-", stdin=deployment())
    assert "+  replicas: 3" in kubectl("diff", "-f", "-", stdin=deployment(replicas=3), code=1)
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=10s")


def test_kubectl_names_the_manager_of_a_conflict(kubectl: Any) -> None:
    kubectl("apply", "--server-side", "-f", "-", stdin=deployment())
    kubectl("scale", "deployment/web", "--replicas=3")
    refused = kubectl("apply", "--server-side", "-f", "-", stdin=deployment(), code=1)
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1' in refused
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=deployment())


def test_kubectl_rolls_out_and_back(kubectl: Any) -> None:
    kubectl("apply", "-f", "-", stdin=deployment())
    kubectl("set", "image", "deployment/web", f"web={image('web', '2')}")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=10s")
    kubectl("rollout", "undo", "deployment/web")
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={..image}") == image("web")
    assert "3 " in kubectl("rollout", "history", "deployment/web")


def test_kubectl_is_told_what_is_wrong(kubectl: Any) -> None:
    typed = json.loads(json.dumps(deployment()).replace('"replicas"', '"replica"'))
    assert 'unknown field "spec.replica"' in kubectl("apply", "-f", "-", stdin=typed, code=1)
    assert "cannot list resource" in kubectl("get", "pods", name="nobody", code=1)
    assert "Unauthorized" in kubectl("--token", token(cluster="other"), "get", "pods", code=1)


def test_kubectl_makes_what_it_sends_as_protobuf(kubectl: Any) -> None:
    kubectl("create", "namespace", "shop")
    kubectl("create", "secret", "generic", "s", "--from-literal=word=abc", "-n", "shop")
    assert kubectl("get", "secret", "s", "-n", "shop", "-o", "jsonpath={.data.word}") == "YWJj"
    kubectl("create", "role", "r", "--verb=get", "--resource=pods", "-n", "shop")
    kubectl("create", "deployment", "web", f"--image={image('web')}", "-n", "shop")
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    assert "assumed-role/admin/alice" in kubectl("auth", "whoami")
    kubectl("delete", "namespace", "shop", "--timeout=10s")
    assert "NotFound" in kubectl("get", "namespace", "shop", code=1)


def test_kubectl_drains_a_node(kubectl: Any) -> None:
    kubectl("apply", "-f", "-", stdin=deployment())
    node = "ip-10-0-1-10.ec2.internal"
    kubectl("drain", node, "--ignore-daemonsets", "--timeout=20s")
    assert node not in kubectl("get", "pods", "-o", "wide")
    assert "SchedulingDisabled" in kubectl("get", "nodes")


def upgrade(helm: Any, *words: str, **more: Any) -> str:
    values = ("--set", f"registry={REGISTRY}", *words)
    command = ("upgrade", "--install", "demo", str(CHART), "-n", "shop", "--wait", "--timeout=20s")
    found: str = helm(*command, *values, **more)
    return found


def test_helm_installs_upgrades_rolls_back_and_uninstalls(helm: Any, cluster: Rehearsed) -> None:
    assert "STATUS: deployed" in upgrade(helm, "--create-namespace")
    assert len(cluster.pods("shop")) == 6
    assert cluster.do("GET", "/api/v1/namespaces/shop/persistentvolumeclaims/data")["status"]["phase"] == "Bound"
    upgrade(helm, "--set", "text=two", "--set", "tag=2")
    maps = "/api/v1/namespaces/shop/configmaps/settings"
    assert cluster.do("GET", maps)["data"] == {"text": "two", "kept": "yes"}
    pods = cluster.pods("shop")
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {image("web", "2")}
    helm("rollback", "demo", "1", "-n", "shop", "--wait", "--timeout=20s")
    assert cluster.do("GET", maps)["data"]["text"] == "one"
    assert [one["status"] for one in json.loads(helm("history", "demo", "-n", "shop", "-o", "json"))] == [
        "superseded",
        "superseded",
        "deployed",
    ]
    helm("uninstall", "demo", "-n", "shop", "--wait", "--timeout=20s")
    assert cluster.pods("shop") == []
    cluster.refused(404, "GET", maps)


def test_helm_waits_for_an_image_that_never_comes(helm: Any, cluster: Rehearsed) -> None:
    upgrade(helm, "--create-namespace")
    failed = upgrade(helm, "--set", "tag=absent", "--timeout=3s", code=1)
    assert "not ready" in failed
    reasons = {
        one.get("waiting", {}).get("reason")
        for pod in cluster.pods("shop")
        for one in [pod["status"]["containerStatuses"][0]["state"]]
    }
    assert "ImagePullBackOff" in reasons
    running = [pod for pod in cluster.pods("shop") if pod["metadata"]["labels"].get("app") == "web"]
    assert sum(pod["status"]["phase"] == "Running" for pod in running) >= 2


def test_helm_is_refused_a_field_that_does_not_exist(helm: Any, tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    template = chart / "templates" / "all.yaml"
    template.write_text(template.read_text().replace("replicas:", "replica:"))
    words = ("upgrade", "--install", "demo", str(chart), "-n", "shop", "--create-namespace")
    assert 'unknown field "spec.replica"' in helm(*words, "--set", f"registry={REGISTRY}", code=1)


def test_helm_does_not_take_what_is_not_its_own(helm: Any, cluster: Rehearsed) -> None:
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    cluster.do("POST", "/api/v1/namespaces/shop/configmaps", {"metadata": {"name": "settings"}})
    assert "invalid ownership metadata" in upgrade(helm, code=1)


def test_the_certificate_is_that_of_the_cluster(cluster: Rehearsed) -> None:
    api = cluster.client()
    api.configuration.tls_server_name = "another." + HOST.split(".", 1)[1]
    other = client.ApiClient(api.configuration)
    with pytest.raises(Exception, match="(?i)ssl|certificate|unrecognized"):
        client.CoreV1Api(other).list_namespace(_request_timeout=5)
