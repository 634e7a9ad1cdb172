"""Objects: reading, writing, patching, deleting and watching, as the API conventions of Kubernetes say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rehearsed import DIGEST, Rehearsed, deployment, image

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"


def config(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data or {"a": "1"}}


def test_a_written_object_has_what_the_server_gives(cluster: Rehearsed) -> None:
    made = cluster.do("POST", MAPS, config())
    meta = made["metadata"]
    assert meta["namespace"] == "default"
    assert {"uid", "resourceVersion", "creationTimestamp"} <= meta.keys()
    assert cluster.do("GET", f"{MAPS}/settings") == made


def test_names_are_taken_once_and_missing_ones_are_named(cluster: Rehearsed) -> None:
    cluster.do("POST", MAPS, config())
    assert cluster.refused(409, "POST", MAPS, config()) == 'configmaps "settings" already exists'
    assert cluster.refused(404, "GET", f"{MAPS}/other") == 'configmaps "other" not found'
    missing = cluster.refused(404, "POST", "/api/v1/namespaces/nowhere/configmaps", config())
    assert missing == 'namespaces "nowhere" not found'
    assert "could not find the requested resource" in cluster.refused(404, "GET", "/apis/apps/v1/widgets")


def test_a_write_on_an_old_version_conflicts_and_an_equal_one_changes_nothing(cluster: Rehearsed) -> None:
    first = cluster.do("POST", MAPS, config())
    second = cluster.do("PUT", f"{MAPS}/settings", {**first, "data": {"a": "2"}})
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    message = cluster.refused(409, "PUT", f"{MAPS}/settings", first)
    assert message.startswith('Operation cannot be fulfilled on configmaps "settings": the object has been modified')
    assert cluster.do("PUT", f"{MAPS}/settings", second)["metadata"] == second["metadata"]


def test_generation_counts_changes_of_what_is_wanted_only(cluster: Rehearsed) -> None:
    made = cluster.do("POST", DEPLOYMENTS, deployment())
    assert made["metadata"]["generation"] == 1
    labelled = cluster.do("PATCH", f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"a": "b"}}}, content=MERGE)
    assert labelled["metadata"]["generation"] == 1
    scaled = cluster.do("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 5}}, content=MERGE)
    assert scaled["metadata"]["generation"] == 2


def test_selectors(cluster: Rehearsed) -> None:
    for name, tier in (("one", "front"), ("two", "back"), ("three", "")):
        item = config(name)
        item["metadata"]["labels"] = {"app": "shop", **({"tier": tier} if tier else {})}
        cluster.do("POST", MAPS, item)

    def names(query: str) -> set[str]:
        return {item["metadata"]["name"] for item in cluster.do("GET", f"{MAPS}?{query}")["items"]}

    assert names("labelSelector=app%3Dshop,tier") == {"one", "two"}
    assert names("labelSelector=tier+in+(front,side)") == {"one"}
    assert names("labelSelector=app%3Dshop,!tier") == {"three"}
    assert names("labelSelector=app%3Dshop,tier!%3Dback") == {"one", "three"}
    assert names("fieldSelector=metadata.name%3Dtwo") == {"two"}
    assert "unable to parse" in cluster.refused(400, "GET", f"{MAPS}?labelSelector=(((")


def test_lists_come_in_pages(cluster: Rehearsed) -> None:
    for number in range(5):
        cluster.do("POST", MAPS, config(f"n{number}"))
    found, after = [], ""
    while True:
        page = cluster.do("GET", f"{MAPS}?limit=2&continue={after}")
        found += [item["metadata"]["name"] for item in page["items"]]
        after = page["metadata"].get("continue", "")
        if not after:
            break
    assert found == ["kube-root-ca.crt", "n0", "n1", "n2", "n3", "n4"]


@pytest.mark.parametrize(
    ("content", "patch", "wanted"),
    [
        (MERGE, {"data": {"a": None, "b": "2"}}, {"b": "2", "c": "3"}),
        (STRATEGIC, {"data": {"a": None, "b": "2"}}, {"b": "2", "c": "3"}),
        ("application/json-patch+json", [{"op": "replace", "path": "/data/a", "value": "9"}], {"a": "9", "c": "3"}),
        ("application/json-patch+json", [{"op": "move", "from": "/data/a", "path": "/data/z"}], {"c": "3", "z": "1"}),
    ],
)
def test_patches(cluster: Rehearsed, content: str, patch: Any, wanted: dict[str, str]) -> None:
    cluster.do("POST", MAPS, config(a="1", c="3"))
    assert cluster.do("PATCH", f"{MAPS}/settings", patch, content=content)["data"] == wanted


def test_a_failed_test_of_a_json_patch_changes_nothing(cluster: Rehearsed) -> None:
    made = cluster.do("POST", MAPS, config())
    patch = [{"op": "test", "path": "/data/a", "value": "other"}, {"op": "remove", "path": "/data/a"}]
    cluster.refused(422, "PATCH", f"{MAPS}/settings", patch, content="application/json-patch+json")
    assert cluster.do("GET", f"{MAPS}/settings") == made


def test_a_strategic_patch_merges_lists_by_their_keys(cluster: Rehearsed) -> None:
    item = deployment()
    item["spec"]["template"]["spec"]["containers"].append({"name": "log", "image": image("log")})
    cluster.do("POST", DEPLOYMENTS, item)

    def containers(patch: Any) -> dict[str, str]:
        body = {"spec": {"template": {"spec": {"containers": patch}}}}
        found = cluster.do("PATCH", f"{DEPLOYMENTS}/web", body, content=STRATEGIC)
        return {one["name"]: one["image"] for one in found["spec"]["template"]["spec"]["containers"]}

    assert containers([{"name": "web", "image": "other"}]) == {"web": "other", "log": image("log")}
    assert containers([{"name": "log", "$patch": "delete"}]) == {"web": "other"}


def test_a_dry_run_answers_and_keeps_nothing(cluster: Rehearsed) -> None:
    assert cluster.do("POST", f"{MAPS}?dryRun=All", config())["data"] == {"a": "1"}
    cluster.refused(404, "GET", f"{MAPS}/settings")
    cluster.do("POST", MAPS, config())
    cluster.do("DELETE", f"{MAPS}/settings?dryRun=All")
    cluster.do("PATCH", f"{MAPS}/settings?dryRun=All", {"data": {"a": "2"}}, content=MERGE)
    assert cluster.do("GET", f"{MAPS}/settings")["data"] == {"a": "1"}


def test_status_is_written_apart(cluster: Rehearsed) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}}
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    place = "/api/v1/namespaces/default/persistentvolumeclaims"
    made = cluster.do("POST", place, {**claim, "status": {"phase": "Lost"}})
    assert made["status"]["phase"] == "Pending"
    changed = {**made, "spec": {**made["spec"], "volumeName": "x"}, "status": {"phase": "Lost"}}
    written = cluster.do("PUT", f"{place}/disk/status", changed)
    assert (written["status"]["phase"], "volumeName" in written["spec"]) == ("Lost", False)


def test_scale(cluster: Rehearsed) -> None:
    cluster.do("POST", DEPLOYMENTS, deployment())
    scale = cluster.do("GET", f"{DEPLOYMENTS}/web/scale")
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 2}, "app=web")
    cluster.do("PUT", f"{DEPLOYMENTS}/web/scale", {**scale, "spec": {"replicas": 4}})
    assert cluster.do("GET", f"{DEPLOYMENTS}/web")["spec"]["replicas"] == 4


def test_a_finalizer_holds_an_object_until_it_is_taken_off(cluster: Rehearsed) -> None:
    item = config()
    item["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.do("POST", MAPS, item)
    assert cluster.do("DELETE", f"{MAPS}/settings")["metadata"]["deletionTimestamp"]
    cluster.do("PATCH", f"{MAPS}/settings", {"metadata": {"finalizers": None}}, content=MERGE)
    cluster.refused(404, "GET", f"{MAPS}/settings")


def test_preconditions_of_a_deletion(cluster: Rehearsed) -> None:
    cluster.do("POST", MAPS, config())
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "other"}}
    assert "Precondition failed: UID" in cluster.refused(409, "DELETE", f"{MAPS}/settings", options)


@pytest.mark.parametrize(("policy", "left"), [("Background", 0), ("Foreground", 0), ("Orphan", 1)])
def test_what_becomes_of_dependents(cluster: Rehearsed, policy: str, left: int) -> None:
    cluster.images.held[image("web")] = DIGEST
    cluster.do("POST", DEPLOYMENTS, deployment())
    cluster.pods()
    cluster.do("DELETE", f"{DEPLOYMENTS}/web?propagationPolicy={policy}")
    sets = cluster.do("GET", "/apis/apps/v1/namespaces/default/replicasets")["items"]
    assert len(sets) == left
    assert len(cluster.pods()) == 2 * left
    cluster.refused(404, "GET", f"{DEPLOYMENTS}/web")


def test_a_namespace_goes_with_all_that_is_in_it(cluster: Rehearsed) -> None:
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    cluster.do("POST", "/api/v1/namespaces/shop/configmaps", config())
    ending = cluster.do("DELETE", "/api/v1/namespaces/shop")
    assert ending["status"]["phase"] == "Terminating"
    cluster.refused(404, "GET", "/api/v1/namespaces/shop")
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    names = {one["metadata"]["name"] for one in cluster.do("GET", "/api/v1/namespaces/shop/configmaps")["items"]}
    assert names == {"kube-root-ca.crt"}
    cluster.refused(403, "DELETE", "/api/v1/namespaces/kube-system")


def test_nothing_is_made_in_a_namespace_that_ends(cluster: Rehearsed) -> None:
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "shop", "finalizers": ["example.com/hold"]}})
    cluster.do("DELETE", "/api/v1/namespaces/shop")
    message = cluster.refused(403, "POST", "/api/v1/namespaces/shop/configmaps", config())
    assert "because it is being terminated" in message


def test_a_watch_tells_what_happens_after_a_version(cluster: Rehearsed) -> None:
    version = cluster.do("GET", MAPS)["metadata"]["resourceVersion"]
    cluster.do("POST", MAPS, config())
    cluster.do("PATCH", f"{MAPS}/settings", {"data": {"a": "2"}}, content=MERGE)
    cluster.do("DELETE", f"{MAPS}/settings")
    code, lines = cluster.ask("GET", f"{MAPS}?watch=1&timeoutSeconds=0.01&resourceVersion={version}")
    assert code == 200
    assert [line["type"] for line in lines] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_of_a_selection_tells_what_enters_and_leaves_it(cluster: Rehearsed) -> None:
    version = cluster.do("POST", MAPS, config())["metadata"]["resourceVersion"]
    for value in ("front", "front", None):
        body = {"metadata": {"labels": {"tier": value}}, "data": {"n": str(value)}}
        cluster.do("PATCH", f"{MAPS}/settings", body, content=MERGE)
    query = f"watch=1&timeoutSeconds=0.01&labelSelector=tier%3Dfront&resourceVersion={version}"
    assert [line["type"] for line in cluster.ask("GET", f"{MAPS}?{query}")[1]] == ["ADDED", "DELETED"]


def test_a_watch_of_a_forgotten_version_is_gone(cluster: Rehearsed) -> None:
    cluster.api.cluster.store._length = 3
    for number in range(6):
        cluster.do("POST", MAPS, config(f"n{number}"))
    message = cluster.refused(410, "GET", f"{MAPS}?watch=1&resourceVersion=1")
    assert message.startswith("too old resource version: 1 (")


def test_a_watch_list_is_refused_so_that_clients_list_first(cluster: Rehearsed) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    assert "sendInitialEvents" in cluster.refused(422, "GET", f"{MAPS}?{query}")


def test_secrets_take_text_and_keep_base64(cluster: Rehearsed) -> None:
    secret = {"metadata": {"name": "s"}, "stringData": {"word": "abc"}}
    made = cluster.do("POST", "/api/v1/namespaces/default/secrets", secret)
    assert (made["data"], made["type"], "stringData" in made) == ({"word": "YWJj"}, "Opaque", False)


def test_tables(cluster: Rehearsed) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    table = cluster.do("GET", "/api/v1/nodes", Accept=accept)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Status", "Version", "Age"]
    assert table["rows"][0]["cells"][:2] == ["ip-10-0-1-10.ec2.internal", "Ready"]


def test_it_says_what_it_does_not_prove(cluster: Rehearsed) -> None:
    version = cluster.do("GET", "/version")
    assert version["gitVersion"] == "v1.35.0-eks-rehearsal"
    about = cluster.do("GET", "/api/v1/namespaces/kube-public/configmaps/airgap-rehearsal")
    assert about["data"]["not-proven"] == "\n".join(version["notProven"])
    assert "No container runs" in json.dumps(version)
