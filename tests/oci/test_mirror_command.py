"""``airgap mirror`` in a project of its own: locked, planned, copied, carried by file, and refused where it must be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from airgap.cli import main
from airgap.errors import ParamsError
from airgap.model.intent import Intent, decode
from airgap.model.mirror import Entry, Lock, repositories
from airgap.rehearsal import environment, reset
from airgap.rehearsal.registry import charts
from airgap.resources.releases import APPLICATION, RELEASES
from airgap.run import pinned
from airgap.run.locking import named

ROOT = Path(__file__).parents[2]
DEMO: Intent = decode(yaml.safe_load((ROOT / "params" / "demo.yaml").read_text()))
LOCK = Lock.from_data(pinned.read_lock(ROOT, DEMO))
PAUSE = next(one for one in LOCK.entries if one.source.endswith("/pause"))
Command = Callable[..., tuple[int, Any]]


@pytest.fixture
def project(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the params of demo, in front of an empty embedded AWS."""
    reset(server)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "params", tmp_path / "params")
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRGAP_REPORTS", str(tmp_path / "reports"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mirror(project: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; returns its exit code and its JSON document, or its text where it was not asked for one."""

    def run(*words: str) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as ended:
            main(["mirror", *words])
        said = capsys.readouterr()
        return int(str(ended.value.code)), json.loads(said.out) if "--json" in words else said.out + said.err

    return run


@pytest.fixture
def registry(project: Path, site: Any) -> Any:
    """The account's registry, with an immutable repository for each entry of the lock."""
    for name in repositories(DEMO, LOCK.entries):
        site.ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    return site


def states(data: Any, member: str = "state") -> set[str]:
    return {one[member] for one in data["images"]}


def test_the_lock_and_charts_of_demo_are_what_the_stand_ins_have(mirror: Command, project: Path) -> None:
    shutil.rmtree(project / "params" / "charts")
    (project / "params" / "demo.images.json").unlink()
    code, data = mirror("lock", "--env", "demo", "--json")
    assert code == 0
    assert {one["before"] for one in data["changes"]} == {""}
    assert (project / "params" / "demo.images.json").read_bytes() == (ROOT / "params/demo.images.json").read_bytes()
    kept = {path.name: path.read_bytes() for path in (project / "params" / "charts").iterdir()}
    assert kept == {path.name: path.read_bytes() for path in (ROOT / "params" / "charts").iterdir()}
    assert kept == {f"{one}-{charts.metadata(one)['version']}.tgz": charts.archive(one) for one in charts.names()}
    assert mirror("lock", "--env", "demo", "--json")[1]["changes"] == []


def test_every_image_that_the_charts_name_is_locked_hooks_and_hidden_ones_too() -> None:
    archives = {one.component: charts.archive(one.chart) for one in (*RELEASES, APPLICATION)}
    wanted = named(DEMO, archives)
    assert {one.reference for one in LOCK.images()} == {name.replace("registry-1.", "") for name in wanted}
    # One is a hook's, one is named in an environment variable alone, one is pulled by three deployments.
    assert {"docker.io/library/busybox:1.37.0", "registry.k8s.io/pause:3.10"} < set(wanted)
    assert all(LOCK.find(name) for name in wanted)


def test_plan_copy_plan_and_a_copy_that_copies_nothing(mirror: Command, registry: Any) -> None:
    code, before = mirror("plan", "--env", "demo", "--json")
    assert (code, states(before, "action")) == (2, {"copy"})
    assert before["size"] == sum(one.size for one in LOCK.entries)
    code, text = mirror("copy", "--env", "demo")
    assert code == 0
    assert f"{PAUSE.reference}: begun" in text
    code, again = mirror("copy", "--env", "demo", "--json")
    assert (code, states(again), states(again, "bytes")) == (0, {"there"}, {0})
    assert mirror("plan", "--env", "demo", "--json")[0] == 0


def test_what_is_carried_by_file_is_the_same_set(mirror: Command, registry: Any, project: Path) -> None:
    code, saved = mirror("save", "images.tar", "--env", "demo", "--json")
    assert (code, len(saved["sha256"]), saved["size"]) == (0, 64, (project / "images.tar").stat().st_size)
    registry.fault("oci:*", "InternalError")  # no public registry answers any more
    code, loaded = mirror("load", "images.tar", "--env", "demo", "--json")
    assert (code, states(loaded)) == (0, {"copied"})
    assert mirror("plan", "--env", "demo", "--json")[0] == 0


def test_a_file_with_something_that_nobody_reviewed_is_refused(mirror: Command, registry: Any, project: Path) -> None:
    assert mirror("save", "images.tar", "--env", "demo")[0] == 0
    edit(project, lambda entries: [one for one in entries if not one["source"].endswith("/pause")])
    code, text = mirror("load", "images.tar", "--env", "demo")
    assert code == 1
    assert f"images.tar holds what the lock of demo does not: {PAUSE.reference}@{PAUSE.digest}" in text
    assert registry.ecr.describe_images(repositoryName="fintech/pause")["imageDetails"] == []


def test_without_repositories_nothing_is_copied_and_the_next_step_is_named(mirror: Command) -> None:
    code, data = mirror("copy", "--env", "demo", "--json")
    assert (code, states(data)) == (1, {"failed"})
    assert all("create the repository first" in one["error"] for one in data["images"])


def test_an_immutable_tag_with_another_digest_is_a_finding(mirror: Command, registry: Any, project: Path) -> None:
    assert mirror("copy", "--env", "demo")[0] == 0
    other = next(one for one in LOCK.images() if one is not PAUSE)

    def moved(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        named = {"digest": other.digest, "claims": [one.as_data() for one in other.claims]}
        return [{**one, **named} if one["digest"] == PAUSE.digest else one for one in entries]

    edit(project, moved)
    code, data = mirror("copy", "--env", "demo", "--json")
    assert (code, states(data)) == (3, {"there", "failed"})
    code, data = mirror("plan", "--env", "demo", "--json")
    assert (code, states(data, "action")) == (2, {"done", "taken"})


def test_a_lock_whose_digest_nobody_signed_is_refused_before_anything_is_looked_at(
    mirror: Command, project: Path
) -> None:
    def moved(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "digest": "sha256:" + "0" * 64} if one["digest"] == PAUSE.digest else one for one in entries]

    edit(project, moved)
    code, data = mirror("plan", "--env", "demo", "--json")
    assert (code, data["error"]) == (3, "Unsigned")
    assert f"{PAUSE.reference}@sha256:{'0' * 64} is not signed by an approved key" in data["what"]
    assert "airgap mirror lock" in data["next"]


def test_without_a_lock_the_command_that_makes_one_is_named(mirror: Command, project: Path) -> None:
    (project / "params" / "demo.images.json").unlink()
    code, text = mirror("plan", "--env", "demo")
    assert code == 64
    assert "params/demo.images.json does not exist" in text
    assert "airgap mirror lock --env demo" in text


@pytest.mark.parametrize("command", ["lock", "plan", "copy", "save", "load"])
def test_help_teaches(mirror: Command, command: str) -> None:
    code, text = mirror(command, "--help")
    assert code == 0
    assert f"airgap mirror {command}" in text.partition("For example:")[2]


def edit(project: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the entries of the project's lock."""
    path = project / "params" / "demo.images.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "entries": change(data["entries"])}))


@pytest.mark.parametrize(
    ("source", "release", "place"),
    [
        ("pause", "cluster-autoscaler", r"Deployment cluster-autoscaler, spec\.template\..*env\[1\]\.value"),
        ("busybox", "cluster-autoscaler", "Job cluster-autoscaler-preflight, container preflight"),
        ("external-secrets", "external-secrets", "Deployment external-secrets, container external-secrets"),
    ],
)
def test_an_image_that_a_chart_names_and_the_lock_lacks_is_named_with_chart_object_and_place(
    project: Path, source: str, release: str, place: str
) -> None:
    edit(
        project,
        lambda entries: [one for one in entries if one["kind"] == "chart" or not one["source"].endswith(f"/{source}")],
    )
    with pytest.raises(
        ParamsError, match=rf"lacks images of chart ghcr\.io/.*/{release}:.*: {place} names .*{source}:"
    ):
        pinned.render(project, DEMO, release)


def test_an_image_that_no_value_brings_home_is_named_before_anything_is_applied(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = pinned.rendered

    def with_a_stranger(*arguments: Any) -> list[dict[str, Any]]:
        container = {"name": "stranger", "image": "quay.io/prometheus/node-exporter:v1.10.2"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}, "spec": {"containers": [container]}}
        return [*rendered(*arguments), pod]

    assert pinned.render(project, DEMO, "cluster-autoscaler")["objects"]
    monkeypatch.setattr(pinned, "rendered", with_a_stranger)
    with pytest.raises(ParamsError, match="Pod odd, container stranger names quay.io/.*, which is not in our registry"):
        pinned.render(project, DEMO, "cluster-autoscaler")


def test_two_images_may_not_want_one_place(project: Path) -> None:
    from airgap.run.locking import _places_differ

    other = Entry("image", "quay.io/pause", PAUSE.tag, "sha256:" + "0" * 64)
    with pytest.raises(ParamsError, match="are both mirrored as fintech/pause"):
        _places_differ(DEMO, Lock((*LOCK.entries, other)))
