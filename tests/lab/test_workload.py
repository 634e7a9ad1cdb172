"""The first deployment on real components: every link of the chain, the entrance, and what breaks where a part does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airgap import params
from airgap.checks.deployment import LINKS
from airgap.errors import AirgapError
from airgap.lab import engine as engines
from airgap.lab import images, kernel, proxy, street
from airgap.lab.kernel import inside
from airgap.lab.registries import ToolFailed
from airgap.model import edge
from airgap.model.mirror import registry
from airgap.model.probe_list import ATTACKS
from airgap.model.probes import told
from airgap.probes import asker
from airgap.resources import edge_firewall, edge_listeners
from airgap.run import workload, workload_probes
from airgap.run.data_planes import fields_of
from airgap.run.workload import Workload, entrance

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
INTENT = params.load("demo")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workload]:
    """The deployment with healthy pods; where no container runs, what needs one is skipped with the reason."""
    with workload.standing(INTENT, tmp_path_factory.mktemp("workload"), print) as one:
        yield one


@pytest.fixture
def running(standing: Workload) -> Workload:
    if standing.unusable:
        pytest.skip(standing.unusable)
    return standing


def judged(answers: list[dict[str, Any]]) -> dict[str, str]:
    """The status of each attempt beside the others."""
    by_name = {one["name"]: one for one in answers}
    return {name: told(one, by_name)[0] for name, one in by_name.items()}


def met(one: Workload, **options: Any) -> dict[str, str]:
    """The status of each attempt at an entrance of these listeners and rules."""
    with entrance(one, **options):
        return judged(workload_probes.entry(one))


def bad(found: Mapping[str, str]) -> set[str]:
    return {name for name, status in found.items() if status != "pass"}


def listeners(**changes: Any) -> list[dict[str, Any]]:
    """The declared listeners, HTTPS first, with some fields changed by ``PROTOCOL__field``."""
    declared = fields_of(INTENT, edge_listeners.declare)
    found = {one["protocol"]: dict(one) for one in (declared["listener:https"], declared["listener:http"])}
    for name, value in changes.items():
        protocol, _, member = name.partition("__")
        found[protocol][member] = value
    return list(found.values())


def test_the_chain_is_recorded_link_by_link(running: Workload) -> None:
    with entrance(running):
        pass
    links = json.loads(running.chain.file.read_text())
    names = list(dict.fromkeys(one["Link"] for one in links))
    assert names == [one.name for one in LINKS][:-1]
    assert [one["After"] for one in links] == sorted(one["After"] for one in links)
    digests = {one["Facts"]["digest"] for one in links if "digest" in one["Facts"]}
    assert digests == {running.reference.rpartition("@")[2]}
    pulled = next(one for one in links if one["Link"] == workload.PULL)
    assert pulled["Facts"]["asked"] == [registry(INTENT)]
    assert [one["Facts"]["target"] for one in links if one["Link"] == workload.HEALTHY] == running.targets
    assert running.reference.startswith(registry(INTENT))


def test_the_lock_is_the_reviewed_one_but_for_the_application(standing: Workload) -> None:
    reviewed = workload.supplies.environment_lock(INTENT).entries
    assert [one.reference for one in reviewed] == [one.reference for one in standing.lock.entries]
    changed = {one.reference for one, other in zip(reviewed, standing.lock.entries, strict=True) if one != other}
    assert changed == {INTENT.images.application}


def test_the_registry_gives_what_was_asked_for_to_whom_it_knows(standing: Workload) -> None:
    assert not bad(judged(workload_probes.registry(standing)))


def test_the_kernel_holds_pods_to_what_their_manifest_declares(running: Workload) -> None:
    found = judged(workload_probes.running(running))
    assert len(found) == 1 + 2 * 7
    assert not bad(found)
    changed = json.loads(json.dumps(running.given.pods))
    changed[0]["spec"]["containers"][0]["securityContext"]["runAsUser"] = 7
    changed[1]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Mi"
    other = replace(running, given=replace(running.given, pods=changed), asked=[registry(INTENT), "ghcr.io"])
    assert bad(judged(workload_probes.running(other))) == {
        "application-0-application-user", "application-1-application-memory", "engine-asks-the-registry-alone",
    }  # fmt: skip


def test_the_declared_entrance_admits_what_it_must_and_nothing_else(running: Workload) -> None:
    with entrance(running) as made:
        answers = workload_probes.entry(running)
    assert not bad(judged(answers)), [one for one in answers if one["name"] in bad(judged(answers))]
    assert made.left_out == ()
    details = {one["name"]: one["detail"] for one in answers}
    assert details["entry-https"].startswith("200")
    assert details["entry-plain-text"] == f"301 https://{INTENT.edge.domain}:443{INTENT.edge.health_path}"
    assert {details[f"entry-{name}"] for name in ATTACKS} == {"403"}
    assert {"entry-tls-1.2", "entry-tls-1.3", "entry-tls-1.1", "entry-sql-injection"} <= set(details)


@pytest.mark.parametrize("group", edge.MANAGED)
def test_a_group_that_is_gone_or_only_counts_lets_its_attacks_through(running: Workload, group: str) -> None:
    rules = edge_firewall.rules(INTENT)
    wanted = {f"entry-{name}" for name, (of, _, _) in ATTACKS.items() if of == group}
    assert wanted
    assert bad(met(running, rules=[one for one in rules if one["Name"] != group])) == wanted
    if group == edge.MANAGED[0]:
        counting = [{**one, "OverrideAction": {"Count": {}}} if one["Name"] == group else one for one in rules]
        assert bad(met(running, rules=counting)) == wanted


def test_the_tls_policy_says_which_versions_are_spoken(running: Workload) -> None:
    old = met(running, listeners=listeners(HTTPS__tls_policy="ELBSecurityPolicy-TLS13-1-0-2021-06"))
    assert bad(old) == {"entry-tls-1.0", "entry-tls-1.1"}
    new = met(running, listeners=listeners(HTTPS__tls_policy="ELBSecurityPolicy-TLS13-1-3-2021-06"))
    assert new["entry-tls-1.2"] == "fail"
    assert new["entry-tls-1.3"] == "pass"
    declared = replace(INTENT, edge=replace(INTENT.edge, tls_policy="ELBSecurityPolicy-TLS13-1-3-2021-06"))
    alike = met(replace(running, supply=replace(running.supply, intent=declared)))
    assert not bad(alike)
    assert "entry-tls-1.2" in alike
    with pytest.raises(AirgapError, match="no TLS policy"):
        proxy.tls("ELBSecurityPolicy-2016-08")


def test_a_listener_that_answers_in_plain_text_is_found(running: Workload) -> None:
    assert bad(met(running, listeners=listeners(HTTP__action=["forward"]))) == {"entry-plain-text"}


def test_more_requests_than_the_limit_are_refused(running: Workload) -> None:
    rules = edge_firewall.rules(replace(INTENT, edge=replace(INTENT.edge, rate_limit=10)))
    probe = next(one for one in workload_probes.probes(running) if one["name"] == "entry-https")
    authorities = {workload_probes.OWN: running.supply.authority.pem}
    with entrance(running, rules=rules), inside(running.place.client):
        details = [asker.attempt(probe, None, authorities)["detail"] for _ in range(14)]
    assert [one.split()[0] for one in details] == ["200"] * 10 + ["403"] * 4


def test_rules_without_a_stand_in_are_said_to_be_left_out(running: Workload) -> None:
    unknown = {"Name": "x", "Priority": 9, "Statement": {"GeoMatchStatement": {}}, "Action": {"Block": {}}}
    with entrance(running, rules=[unknown]) as made:
        assert made.left_out == ("rule x: no stand-in for GeoMatchStatement",)


def test_the_engine_takes_no_altered_layer_and_no_image_that_was_not_mirrored(
    running: Workload, tmp_path: Path
) -> None:
    layer = max(running.supply.private.data.rglob("data"), key=lambda one: one.stat().st_size)
    good = layer.read_bytes()
    assert len(good) > images.BUSYBOX.stat().st_size
    with engines.engine(tmp_path / "engine", running.supply.tools(running.supply.inside)) as podman:
        try:
            layer.write_bytes(good[:-700] + bytes([good[-700] ^ 1]) + good[-699:])
            with pytest.raises(ToolFailed, match="(?i)digest did not match"):
                podman.pull(running.reference)
        finally:
            layer.write_bytes(good)
        assert podman.pull(running.reference) == running.reference.rpartition("@")[2]
        with pytest.raises(ToolFailed, match="Forbidden"):
            podman.pull(f"ghcr.io/airgap-rehearsal/application@{running.reference.rpartition('@')[2]}")
        with pytest.raises(ToolFailed, match='no secret with name or id "db-credentials"'):
            podman.play(running.given.pods[0], running.place.pods[0])


def test_a_machine_that_runs_no_container_leaves_it_unknown(standing: Workload, tmp_path: Path) -> None:
    with engines.engine(tmp_path / "engine", standing.supply.tools(standing.supply.inside)) as podman:
        settings = tmp_path / "engine" / "containers.conf"
        settings.write_text(settings.read_text().replace('runtime = "runc"', 'runtime = "none"'))
        why = engines.unusable(podman, images.trial(tmp_path))
        settings.write_text(settings.read_text().replace('runtime = "none"', 'runtime = "runc"'))
    assert why.startswith("Podman runs no container on this machine")
    other = replace(standing, unusable=why, containers=[], targets=[])
    found = [*workload_probes.running(other), *workload_probes.skipped(other)]
    assert {one["name"] for one in found} >= {"workload-runs", "entry-https", "entry-tls-1.3", "entry-log4shell"}
    assert {one["detail"] for one in found if one["about"] == "entry"} == {why}
    assert set(judged(found).values()) == {"unknown"}


KILLED = """
import json, os, signal, sys
from pathlib import Path
from airgap.lab import engine, images, street
folder = Path(sys.argv[1])
box = {"name": "c", "image": "localhost/trial:1", "command": ["/bin/busybox", "sleep", "600"]}
pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"hostNetwork": True, "containers": [box]}}
with street.street("10.0.1.10", ["10.0.10.10"]) as place, engine.engine(folder, dict(os.environ)) as podman:
    podman.run("import", images.trial(folder), "localhost/trial:1")
    container, = podman.play({"apiVersion": "v1", **pod}, place.pods[0])
    print(json.dumps([place.edge, container["State"]["Pid"]]), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_lab_leaves_is_removed_by_the_next(running: Workload, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    edge_space, pid = json.loads(done.stdout)
    assert (kernel.HOME / edge_space).exists()
    assert Path(f"/proc/{pid}").exists()
    engines.clear()
    street.clear()
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    assert not (kernel.HOME / edge_space).exists()
    # The lab that stands is nobody's leaving.
    assert all(Path(f"/proc/{one['State']['Pid']}").exists() for one in running.containers)
    assert (kernel.HOME / running.place.edge).exists()
