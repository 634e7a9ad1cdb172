"""Controllers: what becomes of workloads, how long it takes, and what it looks like when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rehearsed import DIGEST, FACTS, HOST, NODE_ROLE, REGISTRY, Rehearsed, Time, deployment, image

from airgap.rehearsal import settling

APPS = "/apis/apps/v1/namespaces/default"
MERGE = "application/merge-patch+json"
POD: dict[str, Any] = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "one", "image": image("web")}]}}


@pytest.fixture
def timed(listening: tuple[int, Path], tmp_path: Path) -> Any:
    """A cluster whose pulls, starts and probes each take a second of a clock that stands still."""
    settling.configure({name: 1.0 for name in settling.DEFAULT_SECONDS if name.startswith("kubernetes:")})
    clock = Time()
    found = Rehearsed(*listening, tmp_path, clock=clock)
    found.clock = clock
    found.images.held[image("web")] = DIGEST
    yield found
    settling.reset()


def conditions(item: Any) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one.get("reason", "")) for one in item["status"].get("conditions", ())}


def waiting(pod: Any) -> dict[str, str]:
    found: dict[str, str] = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    return found


def settled(cluster: Rehearsed, seconds: float = 20) -> None:
    for _ in range(int(seconds)):
        cluster.clock.now += 1
        cluster.do("GET", "/api/v1/nodes")


def test_a_write_answers_what_was_written_and_its_effects_come_after(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    assert "availableReplicas" not in cluster.do("POST", f"{APPS}/deployments", deployment()).get("status", {})
    found = cluster.do("GET", f"{APPS}/deployments/web")
    assert found["status"]["availableReplicas"] == 2
    assert conditions(found)["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_a_running_pod_shows_the_digest_of_the_registry(cluster: Rehearsed) -> None:
    digest = "sha256:" + "7" * 64
    cluster.images.held[image("web")] = digest
    cluster.do("POST", "/api/v1/namespaces/default/pods", POD)
    (pod,) = cluster.pods()
    (status,) = pod["status"]["containerStatuses"]
    assert (pod["status"]["phase"], status["imageID"]) == ("Running", f"{REGISTRY}/web@{digest}")
    assert (image("web"), NODE_ROLE) in cluster.images.asked


def test_an_image_that_is_not_there_is_never_run(timed: Rehearsed) -> None:
    settled(timed)
    del timed.images.held[image("web")]
    timed.do("POST", "/api/v1/namespaces/default/pods", POD)
    assert waiting(timed.pods()[0])["reason"] == "ContainerCreating"
    settled(timed, 1)
    failed = waiting(timed.pods()[0])
    assert failed["reason"] == "ErrImagePull"
    assert failed["message"].endswith(f"{image('web')}: not found")
    settled(timed, 1)
    (pod,) = timed.pods()
    assert waiting(pod)["reason"] == "ImagePullBackOff"
    assert waiting(pod)["message"].startswith(f'Back-off pulling image "{image("web")}": ErrImagePull: ')
    assert (pod["status"]["phase"], pod["status"]["containerStatuses"][0]["imageID"]) == ("Pending", "")
    events = timed.do("GET", "/api/v1/namespaces/default/events")["items"]
    assert [event["reason"] for event in events] == ["Failed"]
    timed.images.held[image("web")] = DIGEST
    settled(timed, 5)
    assert timed.pods()[0]["status"]["phase"] == "Running"


def test_nothing_happens_before_its_time(timed: Rehearsed) -> None:
    settled(timed)
    timed.do("POST", f"{APPS}/deployments", deployment())
    seen = []
    for _ in range(5):
        pod = timed.pods()[0]
        seen.append((pod["status"]["phase"], conditions(pod)["Ready"][0]))
        timed.clock.now += 1
    assert seen == [("Pending", "False")] * 2 + [("Running", "False")] + [("Running", "True")] * 2


def test_a_bad_image_leaves_the_old_pods_running_until_the_deadline_passes(timed: Rehearsed) -> None:
    settled(timed)
    timed.do("POST", f"{APPS}/deployments", deployment(replicas=4, progressDeadlineSeconds=5))
    settled(timed)
    bad = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image("absent")}]}}}}
    timed.do("PATCH", f"{APPS}/deployments/web", bad, content="application/strategic-merge-patch+json")
    settled(timed, 3)
    found = timed.do("GET", f"{APPS}/deployments/web")
    numbers = {name: found["status"][name] for name in ("replicas", "updatedReplicas", "availableReplicas")}
    assert numbers == {"replicas": 5, "updatedReplicas": 2, "availableReplicas": 3}
    assert conditions(found) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "ReplicaSetUpdated"),
    }
    settled(timed, 5)
    found = timed.do("GET", f"{APPS}/deployments/web")
    assert conditions(found)["Progressing"] == ("False", "ProgressDeadlineExceeded")


def test_revisions(cluster: Rehearsed) -> None:
    cluster.images.held |= {image("web"): DIGEST, image("web", "2"): DIGEST}

    def revision(tag: str) -> str:
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image("web", tag)}]}}}}
        cluster.do("PATCH", f"{APPS}/deployments/web", patch, content="application/strategic-merge-patch+json")
        found = cluster.do("GET", f"{APPS}/deployments/web")
        return str(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"])

    cluster.do("POST", f"{APPS}/deployments", deployment())
    assert [revision(tag) for tag in "121"] == ["1", "2", "3"]
    assert len(cluster.do("GET", f"{APPS}/replicasets")["items"]) == 2


def test_recreate_ends_the_old_pods_first(timed: Rehearsed) -> None:
    settled(timed)
    timed.images.held[image("web", "2")] = DIGEST
    timed.do("POST", f"{APPS}/deployments", deployment(strategy={"type": "Recreate"}))
    settled(timed)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image("web", "2")}]}}}}
    timed.do("PATCH", f"{APPS}/deployments/web", patch, content="application/strategic-merge-patch+json")
    seen = []
    for _ in range(8):
        images = {pod["spec"]["containers"][0]["image"][-1] for pod in timed.pods()}
        if images not in seen:
            seen.append(images)
        timed.clock.now += 1
    assert seen == [{"1"}, {"2"}]


def test_no_node_no_pod(cluster: Rehearsed) -> None:
    cluster.change(nodes=())
    cluster.do("POST", "/api/v1/namespaces/default/pods", POD)
    (pod,) = cluster.pods()
    assert conditions(pod) == {"PodScheduled": ("False", "Unschedulable")}
    assert pod["status"]["conditions"][0]["message"] == "no nodes available to schedule pods"
    cluster.images.held[image("web")] = DIGEST
    cluster.change(nodes=FACTS.nodes)
    assert cluster.pods()[0]["status"]["phase"] == "Running"


def test_nodes_are_ready_once_the_network_plugin_runs(cluster: Rehearsed) -> None:
    cluster.api.remove_addon("vpc-cni")
    cluster.do("GET", "/version")
    node = cluster.do("GET", "/api/v1/nodes")["items"][0]
    assert conditions(node)["Ready"] == ("False", "KubeletNotReady")
    cluster.api.install_addon("vpc-cni", "v1", (image("vpc-cni"),))
    node = cluster.do("GET", "/api/v1/nodes")["items"][0]
    assert conditions(node)["Ready"][0] == "True"


CONTAINER = POD["spec"]["containers"][0]
CLAIM = {"name": "d", "persistentVolumeClaim": {"claimName": "d"}}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"nodeSelector": {"disk": "fast"}}, "2 node(s) didn't match Pod's node affinity/selector"),
        (
            {"containers": [{**POD["spec"]["containers"][0], "resources": {"requests": {"cpu": "9"}}}]},
            "2 Insufficient cpu",
        ),
        (
            {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]},
            '2 persistentvolumeclaim "d" not found',
        ),
    ],
)
def test_why_a_pod_finds_no_node(cluster: Rehearsed, spec: Any, why: str) -> None:
    cluster.do("POST", "/api/v1/namespaces/default/pods", {**POD, "spec": {**POD["spec"], **spec}})
    assert cluster.pods()[0]["status"]["conditions"][0]["message"] == f"0/2 nodes are available: {why}."


def test_a_cordoned_node_takes_no_more(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    first = FACTS.nodes[0].name
    cluster.do("PATCH", f"/api/v1/nodes/{first}", {"spec": {"unschedulable": True}}, content=MERGE)
    cluster.do("POST", f"{APPS}/deployments", deployment())
    assert {pod["spec"]["nodeName"] for pod in cluster.pods()} == {FACTS.nodes[1].name}


@pytest.mark.parametrize(
    ("spec", "reason", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "s"}}]}, "CreateContainerConfigError", 'secret "s" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "kube-root-ca.crt", "key": "b"}}}]},
            "CreateContainerConfigError",
            "couldn't find key b in ConfigMap default/kube-root-ca.crt",
        ),
        ({"imagePullPolicy": "Never", "image": image("fresh")}, "ErrImageNeverPull", ""),
    ],
)
def test_what_a_container_waits_for(cluster: Rehearsed, spec: Any, reason: str, message: str) -> None:
    cluster.images.held[image("web")] = DIGEST
    container = {**CONTAINER, **spec}
    cluster.do("POST", "/api/v1/namespaces/default/pods", {**POD, "spec": {"containers": [container]}})
    found = waiting(cluster.pods()[0])
    assert found["reason"] == reason
    assert message in found.get("message", "")


def test_a_volume_of_a_missing_secret_is_not_mounted(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    volumes = {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}
    cluster.do("POST", "/api/v1/namespaces/default/pods", {**POD, "spec": {**POD["spec"], **volumes}})
    assert waiting(cluster.pods()[0]) == {"reason": "ContainerCreating"}
    events = cluster.do("GET", "/api/v1/namespaces/default/events")["items"]
    assert [event["message"] for event in events] == ['MountVolume.SetUp failed for volume "v" : secret "s" not found']
    cluster.do("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}})
    assert cluster.pods()[0]["status"]["phase"] == "Running"


def test_init_containers_end_before_the_others_begin(timed: Rehearsed) -> None:
    settled(timed)
    timed.images.held[image("first")] = DIGEST
    spec = {**POD["spec"], "initContainers": [{"name": "first", "image": image("first")}]}
    timed.do("POST", "/api/v1/namespaces/default/pods", {**POD, "spec": spec})
    settled(timed, 1)
    (pod,) = timed.pods()
    assert waiting(pod)["reason"] == "PodInitializing"
    settled(timed, 9)
    (pod,) = timed.pods()
    (first,) = pod["status"]["initContainerStatuses"]
    assert (pod["status"]["phase"], first["state"]["terminated"]["reason"]) == ("Running", "Completed")


def test_a_daemon_set_has_a_pod_on_each_node_and_follows_them(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    item = deployment("agent", image("web"))
    item["kind"] = "DaemonSet"
    del item["spec"]["replicas"]
    cluster.do("POST", f"{APPS}/daemonsets", item)
    assert cluster.do("GET", f"{APPS}/daemonsets/agent")["status"]["numberReady"] == 2
    cluster.change(nodes=FACTS.nodes[:1])
    status = cluster.do("GET", f"{APPS}/daemonsets/agent")["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"], len(cluster.pods())) == (1, 1, 1)


def test_a_daemon_set_exchanges_its_pods(cluster: Rehearsed) -> None:
    cluster.images.held |= {image("web"): DIGEST, image("web", "2"): DIGEST}
    item = deployment("agent", image("web"))
    item["kind"] = "DaemonSet"
    del item["spec"]["replicas"]
    made = cluster.do("POST", f"{APPS}/daemonsets", item)
    cluster.pods()
    made["spec"]["template"]["spec"]["containers"][0]["image"] = image("web", "2")
    del made["metadata"]["resourceVersion"]
    cluster.do("PUT", f"{APPS}/daemonsets/agent", made)
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.pods()} == {image("web", "2")}
    assert cluster.do("GET", f"{APPS}/daemonsets/agent")["status"]["updatedNumberScheduled"] == 2


def test_a_stateful_set_goes_one_by_one_and_keeps_its_claims(timed: Rehearsed) -> None:
    settled(timed)
    item = deployment("db", image("web"), serviceName="db")
    item["kind"] = "StatefulSet"
    claim = {"metadata": {"name": "data"}, "spec": {"storageClassName": "gp2", "accessModes": ["ReadWriteOnce"]}}
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}
    item["spec"]["volumeClaimTemplates"] = [claim]
    timed.do("POST", f"{APPS}/statefulsets", item)
    seen = []
    for _ in range(10):
        seen.append(len(timed.pods()))
        timed.clock.now += 1
    assert (seen[0], seen[-1], sorted(seen) == seen) == (1, 2, True)
    claims = timed.do("GET", "/api/v1/namespaces/default/persistentvolumeclaims")["items"]
    assert {(one["metadata"]["name"], one["status"]["phase"]) for one in claims} == {
        ("data-db-0", "Bound"),
        ("data-db-1", "Bound"),
    }


def job(**annotations: str) -> dict[str, Any]:
    template = {"metadata": {"annotations": annotations}, "spec": {**POD["spec"], "restartPolicy": "Never"}}
    return {"metadata": {"name": "task"}, "spec": {"backoffLimit": 1, "template": template}}


def test_a_job_ends_well_or_fails_as_its_annotation_says(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    place = "/apis/batch/v1/namespaces/default/jobs"
    cluster.do("POST", place, job())
    found = cluster.do("GET", f"{place}/task")
    assert (found["status"]["succeeded"], conditions(found)["Complete"][0]) == (1, "True")
    cluster.do("DELETE", f"{place}/task?propagationPolicy=Background")
    assert cluster.pods() == []
    cluster.do("POST", place, job(**{"airgap.rehearsal/exit-code": "3"}))
    found = cluster.do("GET", f"{place}/task")
    assert (found["status"]["failed"], conditions(found)["Failed"]) == (2, ("True", "BackoffLimitExceeded"))
    assert cluster.pods()[0]["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_a_service_has_the_ready_pods_behind_it(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    cluster.do("POST", f"{APPS}/deployments", deployment())
    ports = [{"port": 80, "targetPort": "http"}]
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    made = cluster.do("POST", "/api/v1/namespaces/default/services", service)
    assert made["spec"]["clusterIP"].startswith("172.20.")
    (found,) = cluster.do("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices")["items"]
    addresses = {address for end in found["endpoints"] for address in end["addresses"]}
    assert addresses == {pod["status"]["podIP"] for pod in cluster.pods()}
    assert found["ports"] == [{"name": "", "protocol": "TCP", "port": 8080}]
    assert all(end["conditions"]["ready"] for end in found["endpoints"])


def test_logs_say_that_nothing_ran(cluster: Rehearsed) -> None:
    cluster.images.held[image("web")] = DIGEST
    place = "/api/v1/namespaces/default/pods"
    cluster.do("POST", place, POD)
    assert cluster.do("GET", f"{place}/one/log") == "the rehearsal runs no container, so one has written nothing\n"
    assert "runs no container" in cluster.refused(501, "POST", f"{place}/one/exec?command=ls")


def test_addons_bring_their_workloads_and_go_with_them(cluster: Rehearsed) -> None:
    assert cluster.api.addon_ready("coredns")
    cluster.api.install_addon("coredns", "v2", (image("absent"),))
    assert not cluster.api.addon_ready("coredns")
    cluster.images.held[image("kube-proxy")] = DIGEST
    cluster.api.install_addon("kube-proxy", "v1", (image("kube-proxy"),))
    assert cluster.api.addon_ready("kube-proxy")
    cluster.api.remove_addon("kube-proxy")
    assert not cluster.api.addon_ready("kube-proxy")
    names = {pod["metadata"]["labels"]["k8s-app"] for pod in cluster.pods("kube-system")}
    assert names == {"aws-node", "kube-dns"}


def test_a_cluster_that_is_gone_answers_no_more(cluster: Rehearsed) -> None:
    cluster.facts = None
    with pytest.raises(LookupError, match=HOST):
        cluster.ask("GET", "/version")


def test_a_cluster_that_is_upgraded_has_the_schemas_of_its_new_version(cluster: Rehearsed) -> None:
    item = {"metadata": {"name": "one"}, "spec": {**POD["spec"], "hostnameOverride": "one"}}
    place = "/api/v1/namespaces/default/pods?fieldValidation=Strict&dryRun=All"
    cluster.change(version="1.33")
    assert 'unknown field "spec.hostnameOverride"' in cluster.refused(400, "POST", place, item)
    cluster.change(version="1.34")
    cluster.do("POST", place, item)
    assert cluster.do("GET", "/version")["gitVersion"] == "v1.34.0-eks-rehearsal"
    assert cluster.do("GET", "/api/v1/nodes")["items"][0]["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.34")
