"""Server-side apply: owners of fields, conflicts, and what goes when nobody wants it any more (KEP-555)."""

from __future__ import annotations

from typing import Any

from rehearsed import Rehearsed, deployment, image

MAP = "/api/v1/namespaces/default/configmaps/settings"
WEB = "/apis/apps/v1/namespaces/default/deployments/web"


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


def owners(item: Any) -> dict[str, Any]:
    return {f"{one['manager']}/{one['operation']}": one["fieldsV1"] for one in item["metadata"]["managedFields"]}


def test_an_apply_owns_what_it_names(cluster: Rehearsed) -> None:
    made = cluster.apply(MAP, config(x="1", z="2"))
    assert owners(made) == {"me/Apply": {"f:data": {"f:x": {}, "f:z": {}}}}
    assert cluster.apply(MAP, config(x="1", z="2"))["metadata"] == made["metadata"]


def test_what_a_manager_names_no_more_goes_unless_another_one_has_it(cluster: Rehearsed) -> None:
    cluster.apply(MAP, config(x="1", y="1", z="1"))
    cluster.apply(MAP, config(y="1"), manager="you")
    changed = cluster.apply(MAP, config(x="1"))
    assert changed["data"] == {"x": "1", "y": "1"}
    assert owners(changed)["you/Apply"] == {"f:data": {"f:y": {}}}


def test_another_managers_field_is_a_conflict_that_names_it(cluster: Rehearsed) -> None:
    cluster.apply(MAP, config(x="1", y="1"))
    query = f"{MAP}?fieldManager=you"
    code, status = cluster.ask("PATCH", query, config(x="2"), content="application/apply-patch+yaml")
    assert (code, status["reason"]) == (409, "Conflict")
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "me": .data.x'
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "me"', "field": ".data.x"}
    assert status["details"]["causes"] == [cause]
    message = cluster.refused(409, "PATCH", query, config(x="2", y="2"), content="application/apply-patch+yaml")
    assert message == 'Apply failed with 2 conflicts: conflicts with "me":\n- .data.x\n- .data.y'
    assert cluster.do("GET", MAP)["data"] == {"x": "1", "y": "1"}


def test_the_same_value_is_shared_and_force_takes_another(cluster: Rehearsed) -> None:
    cluster.apply(MAP, config(x="1"))
    assert owners(cluster.apply(MAP, config(x="1"), manager="you")).keys() == {"me/Apply", "you/Apply"}
    forced = cluster.apply(MAP, config(x="2"), manager="you", force=True)
    assert (forced["data"], owners(forced)) == ({"x": "2"}, {"you/Apply": {"f:data": {"f:x": {}}}})


def test_an_update_owns_what_it_changes_and_conflicts_later(cluster: Rehearsed) -> None:
    cluster.apply(WEB, deployment())
    scaled = {"spec": {"replicas": 7}}
    written = cluster.do("PATCH", f"{WEB}?fieldManager=person", scaled, content="application/merge-patch+json")
    assert owners(written)["person/Update"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in owners(written)["me/Apply"]["f:spec"]
    query = f"{WEB}?fieldManager=me"
    message = cluster.refused(409, "PATCH", query, deployment(), content="application/apply-patch+yaml")
    assert message.startswith('Apply failed with 1 conflict: conflict with "person" using apps/v1 at 20')
    assert message.endswith(": .spec.replicas")


def test_the_field_manager_of_an_update_is_the_program_that_calls(cluster: Rehearsed) -> None:
    made = cluster.do("POST", "/api/v1/namespaces/default/configmaps", config(x="1"), User_Agent="kubectl/v1.37.1")
    assert owners(made) == {"kubectl/Update": {"f:data": {"f:x": {}}}}


def test_items_of_lists_are_owned_by_their_keys(cluster: Rehearsed) -> None:
    cluster.apply(WEB, deployment())
    extra = {"name": "log", "image": image("log")}
    base = deployment()
    mine = {**base, "spec": {"selector": base["spec"]["selector"], "template": {"spec": {"containers": [extra]}}}}
    both = cluster.apply(WEB, mine, manager="you")
    assert [one["name"] for one in both["spec"]["template"]["spec"]["containers"]] == ["web", "log"]
    without = {**mine, "spec": {"selector": base["spec"]["selector"], "template": {"spec": {}}}}
    left = cluster.apply(WEB, without, manager="you")
    assert [one["name"] for one in left["spec"]["template"]["spec"]["containers"]] == ["web"]


def test_a_port_without_protocol_is_the_one_with_its_default(cluster: Rehearsed) -> None:
    for _ in range(2):
        found = cluster.apply(WEB, deployment())
    ports = found["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert ports == [{"containerPort": 8080, "name": "http", "protocol": "TCP"}]


def test_an_apply_needs_a_manager_and_no_managed_fields(cluster: Rehearsed) -> None:
    apply = "application/apply-patch+yaml"
    message = cluster.refused(422, "PATCH", MAP, config(), content=apply)
    assert "fieldManager: Required value" in message
    item = cluster.apply(MAP, config(x="1"))
    assert "must be nil" in cluster.refused(400, "PATCH", f"{MAP}?fieldManager=me", item, content=apply)


def test_an_apply_of_something_of_another_type_is_refused(cluster: Rehearsed) -> None:
    cluster.apply(WEB, deployment())
    for wrong in ("web", ["web"]):
        item = deployment()
        item["spec"]["template"]["spec"]["containers"] = wrong
        message = cluster.refused(400, "PATCH", f"{WEB}?fieldManager=me", item, content="application/apply-patch+yaml")
        assert "cannot unmarshal string" in message


def test_owners_can_be_rewritten_with_the_object(cluster: Rehearsed) -> None:
    item = cluster.apply(MAP, config(x="1"))
    item["metadata"]["managedFields"][0]["manager"] = "another"
    assert list(owners(cluster.do("PUT", MAP, item))) == ["another/Apply"]


def test_yaml_is_applied_as_json_is(cluster: Rehearsed) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {x: '1'}\n"
    assert cluster.do("PATCH", f"{MAP}?fieldManager=me", body, content="application/apply-patch+yaml")["data"] == {
        "x": "1"
    }
