"""A cluster of the embedded AWS, from EKS's API to a running pod, over the rehearsal's own TLS."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import NAME, Site, trust
from emulated import Account, until
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from rehearsed import POLICY, REGION, deployment, token
from urllib3.exceptions import HTTPError
from wire import Bare

from airgap.rehearsal import faces, reset, serving
from airgap.rehearsal.eks import facts
from airgap.rehearsal.identity import SIGNING_WORD, access_key
from airgap.rehearsal.kubernetes import face

CLIENTS: list[client.ApiClient] = []
ADMIN = "arn:aws:iam::123456789012:role/platform-engineer"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def site(server: str) -> Iterator[Site]:
    """A cluster with two nodes and its network, whose administrator is alice's role."""
    reset(server)
    found = Site(Account(server))
    found.cluster()
    found.addons()
    found.endpoints()
    found.nodegroup(scalingConfig={"minSize": 2, "maxSize": 2, "desiredSize": 2})
    eks = found.client("eks")
    eks.create_access_entry(clusterName=NAME, principalArn=ADMIN)
    scope = {"type": "cluster"}
    policy = POLICY + "AmazonEKSClusterAdminPolicy"
    eks.associate_access_policy(clusterName=NAME, principalArn=ADMIN, policyArn=policy, accessScope=scope)
    yield found
    for one in CLIENTS:
        one.rest_client.pool_manager.clear()


def connected(site: Site, person: str = "alice", **signed: str) -> client.ApiClient:
    """The official client as a person of the rehearsal."""
    told = json.load(urllib.request.urlopen(f"{site.account.url}/rehearsal/faces"))
    described = site.described()
    settings = client.Configuration()
    settings.host = f"https://127.0.0.1:{told['tls_port']}"
    settings.tls_server_name = described["endpoint"].removeprefix("https://").lower()
    ca = faces.SERVED.folder / "cluster-ca.pem"
    ca.write_bytes(base64.b64decode(described["certificateAuthority"]["data"]))
    settings.ssl_ca_cert = str(ca)
    word = token(access_key(person), **{"cluster": NAME, "secret": SIGNING_WORD, **signed})
    settings.api_key = {"authorization": f"Bearer {word}"}
    CLIENTS.append(client.ApiClient(settings))
    return CLIENTS[-1]


def pods(site: Site, namespace: str) -> dict[str, str]:
    found = client.CoreV1Api(connected(site)).list_namespaced_pod(namespace).items
    return {pod.metadata.labels.get("k8s-app") or pod.metadata.name: pod.status.phase for pod in found}


def test_add_ons_run_on_the_nodes_of_the_group(site: Site) -> None:
    core = client.CoreV1Api(connected(site))
    until(lambda: pods(site, "kube-system").get("aws-node"), "Running")
    addresses = {node.status.addresses[0].address for node in core.list_node().items}
    assert addresses == {one["PrivateIpAddress"] for one in site.instances()}
    site.client("eks").delete_addon(clusterName=NAME, addonName="kube-proxy")
    until(lambda: "kube-proxy" in pods(site, "kube-system"), False)


def test_only_the_cluster_that_a_token_names_takes_it(site: Site) -> None:
    for signed in ({"cluster": "another"}, {"secret": "guessed"}):
        with pytest.raises(ApiException) as caught:
            client.CoreV1Api(connected(site, **signed)).list_node()
        assert caught.value.status == 401


def test_a_pod_runs_the_digest_that_the_registry_has(site: Site, tmp_path: Path) -> None:
    ecr = site.client("ecr")
    ecr.create_repository(repositoryName="web")
    until(lambda: pods(site, "kube-system").get("aws-node"), "Running")
    apps, core = client.AppsV1Api(connected(site)), client.CoreV1Api(connected(site))
    picture = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/web:1"
    apps.create_namespaced_deployment("default", deployment("web", picture))

    def seen() -> set[str]:
        return {pod.status.container_statuses[0].image_id for pod in core.list_namespaced_pod("default").items}

    def reason() -> Any:
        state = core.list_namespaced_pod("default").items[0].status.container_statuses[0].state
        return state.waiting and state.waiting.reason

    until(reason, "ImagePullBackOff")
    digest = Bare(site.account, tmp_path).login(ecr).push_image("web", "1")
    until(seen, {f"123456789012.dkr.ecr.{REGION}.amazonaws.com/web@{digest}"})


def test_a_secret_is_read_with_the_rights_of_the_pod_identity(site: Site) -> None:
    arn = site.client("secretsmanager").create_secret(Name="app/db", SecretString='{"password": "w"}')["ARN"]
    role = site.role("reader", trust("pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"))
    read = face._secrets(REGION)
    assert read("app/db", role) is None
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    site.client("iam").put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy)
    assert read("app/db", role) == {"password": "w"}
    assert read("app/other", role) is None


def test_a_target_group_gets_the_addresses_and_no_others(site: Site) -> None:
    elb = site.client("elbv2")
    made = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=site.vpc, TargetType="ip")
    arn = made["TargetGroups"][0]["TargetGroupArn"]

    def held() -> set[tuple[str, int]]:
        found = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {(one["Target"]["Id"], one["Target"]["Port"]) for one in found}

    for targets in ([("10.0.10.8", 80), ("10.0.10.9", 80)], [("10.0.10.9", 80)], []):
        assert face._register(arn, targets) == ""
        assert held() == set(targets)
    assert "TargetGroupNotFound" in face._register(arn.replace("web", "ghost"), [])


def test_a_deleted_cluster_answers_no_more(site: Site) -> None:
    host = facts.host_of(site.described())
    api = connected(site)
    client.CoreV1Api(api).list_node()
    site.client("eks").delete_nodegroup(clusterName=NAME, nodegroupName="main")
    site.client("eks").delete_cluster(name=NAME)
    with pytest.raises(ApiException) as caught:
        client.CoreV1Api(api).list_node()
    assert (caught.value.status, host in caught.value.body) == (404, True)


@pytest.mark.parametrize(
    ("error", "status"), [("AccessDenied", 403), ("Throttling", 429), ("ExpiredToken", 401), ("InternalError", 500)]
)
def test_faults_strike_as_often_as_they_say(site: Site, error: str, status: int) -> None:
    core = client.CoreV1Api(connected(site))
    fault = {"operation": "kubernetes:list:pods", "error": error, "resource": "default"}
    site.account.control("POST", "/faults", fault)
    core.list_namespaced_pod("kube-system")
    with pytest.raises(ApiException) as caught:
        core.list_namespaced_pod("default")
    assert caught.value.status == status
    core.list_namespaced_pod("default")


def test_an_answer_is_lost_and_its_write_is_not(site: Site) -> None:
    core = client.CoreV1Api(connected(site))
    site.account.control("POST", "/faults", {"operation": "kubernetes:create:*", "error": "DropResponse"})
    with pytest.raises(HTTPError):
        core.create_namespaced_config_map("default", {"metadata": {"name": "kept"}})
    assert core.read_namespaced_config_map("kept", "default").metadata.name == "kept"
