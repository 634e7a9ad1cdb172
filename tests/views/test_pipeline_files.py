"""Rendered workflows: of GitHub's own schema, pinned by commit, without a key, and running what is declared."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from drawn_estates import DEMO

from airgap.model import delivery
from airgap.model.intent import Intent
from airgap.views.pipeline_files import DEPLOY_FILE, RUNBOOK_FILE, render

# SchemaStore's schema of GitHub workflows, as check-jsonschema 0.37 carries it (Apache-2.0).
SCHEMA = json.loads((Path(__file__).parent / "data" / "github-workflow.json").read_text())
VARIANTS = [one.name for one in delivery.VARIANTS]
KEYS = re.compile(
    r"secrets\.|AWS_SECRET|AWS_ACCESS|aws-access-key|aws-secret|GITHUB_TOKEN|github\.token", re.IGNORECASE
)


def intent_of(variant: str, world: str = "aws", **more: Any) -> Intent:
    return dataclasses.replace(DEMO, world=world, pipeline=dataclasses.replace(DEMO.pipeline, variant=variant, **more))


def workflows() -> Iterator[Any]:
    for variant in VARIANTS:
        for world in ("aws", "rehearsal"):
            for path, text in render(intent_of(variant, world)).items():
                if path.startswith(".github/workflows/"):
                    yield pytest.param(text, id=f"{variant} {world} {path.rpartition('/')[2]}")


def steps(text: str) -> list[dict[str, Any]]:
    """Every step of a workflow's jobs."""
    return [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]


def parses(script: str, shell: str = "bash") -> None:
    done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", list(workflows()))
def test_a_workflow_is_of_githubs_schema_and_its_scripts_parse(text: str) -> None:
    data = yaml.safe_load(text)
    # YAML 1.1 reads the key "on" as true.
    data["on"] = data.pop(True)
    jsonschema.validate(data, SCHEMA)
    for step in steps(text):
        parses(step.get("run", ""))


@pytest.mark.parametrize("text", list(workflows()))
def test_actions_are_pinned_rights_are_least_and_no_key_is_named(text: str) -> None:
    data = yaml.safe_load(text)
    assert data["permissions"] == {}
    assert all(set(job["permissions"]) <= {"contents", "id-token"} for job in data["jobs"].values())
    assert all(job["permissions"]["contents"] == "read" for job in data["jobs"].values())
    assert all(job["timeout-minutes"] <= 180 for job in data["jobs"].values())
    used = [step["uses"] for step in steps(text) if "uses" in step]
    assert used
    for one in used:
        action, _, commit = one.partition("@")
        assert delivery.ACTIONS[action] == commit
        assert re.fullmatch(r"[0-9a-f]{40}", commit)
    assert KEYS.search(text) is None
    # A value from outside is never part of a script's text.
    assert all("${{" not in step.get("run", "") for step in steps(text))
    assert all(
        step["with"]["persist-credentials"] is False for step in steps(text) if "checkout" in step.get("uses", "")
    )


def test_the_runner_inside_asks_nobody_on_the_internet() -> None:
    for text in (render(intent_of("ghes"))[path] for path in (DEPLOY_FILE, RUNBOOK_FILE)):
        data = yaml.safe_load(text)
        assert {tuple(job["runs-on"]) for job in data["jobs"].values()} == {("self-hosted", "linux", "airgap-demo")}
        assert "id-token" not in text


@pytest.mark.parametrize("world", ["aws", "rehearsal"])
def test_what_deploys_is_the_document_that_is_declared(world: str) -> None:
    files = render(intent_of("ssm-runner", world))
    assert json.loads(files[".github/deploy/document-deploy.json"]) == delivery.document(
        intent_of("ssm-runner"), "deploy"
    )
    deploy = files[DEPLOY_FILE]
    assert "--document-name fintech-deploy" in deploy
    assert "diff - held.json" in deploy
    assert "helm" not in "".join(step.get("run", "") for step in steps(deploy)), "nothing but the document deploys"


def test_a_build_runs_what_is_declared() -> None:
    intent = intent_of("codepipeline")
    held = yaml.safe_load(render(intent)["buildspec.yml"])
    wanted = delivery.buildspec(intent)
    assert held["version"] == wanted["version"]
    assert held["env"] == wanted["env"]
    assert [one.strip() for one in held["phases"]["build"]["commands"]] == wanted["phases"]["build"]["commands"]
    parses(wanted["phases"]["build"]["commands"][0])


@pytest.mark.parametrize("purpose", delivery.PURPOSES)
def test_a_document_becomes_the_deployment_role_and_takes_digests_alone(purpose: str) -> None:
    document = delivery.document(intent_of("ssm-runner"), purpose)
    script = document["properties"]["linux"]["commands"]
    parses(re.sub(r"{{ \w+ }}", "value", script), "sh")
    assert "role/cicd-deploy-role" in script
    assert "credential_source = Ec2InstanceMetadata" in script
    assert set(re.findall(r"{{ (\w+) }}", script)) == set(document["parameters"])
    for name, spec in document["parameters"].items():
        pattern = spec["allowedPattern"]
        assert (pattern[0], pattern[-1]) == ("^", "$")
        for bad in ("", "a;b", "$(id)", "a b", "`id`", 'a"b', "a\nb", "--flag", "../x", "latest@"):
            assert not re.fullmatch(pattern[1:-1], bad), f"{name} admits {bad!r}"
    digests = [name for name in document["parameters"] if name.endswith("Digest")]
    assert digests == (["chartDigest", "imageDigest"] if purpose == "deploy" else [])


@pytest.mark.parametrize("value", ["sha256:" + "0" * 63, "latest", "sha256:" + "0" * 64 + "\nx", "sha256:" + "G" * 64])
def test_a_value_of_another_form_ends_the_script(value: str) -> None:
    script = "set -eu\n" + "\n".join(one for one in delivery.held() if "IMAGE_DIGEST" in one) + "\necho reached"
    done = subprocess.run(["bash", "-c", script], env={"IMAGE_DIGEST": value}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    good = subprocess.run(
        ["bash", "-c", script], env={"IMAGE_DIGEST": "sha256:" + "0" * 64}, capture_output=True, text=True
    )
    assert good.stdout == "reached\n"


def test_tools_that_are_fetched_are_held_against_their_digests() -> None:
    intent = intent_of("ssm-runner", tools={"helm": "a" * 64})
    script = delivery.document(intent, "deploy")["properties"]["linux"]["commands"]
    assert script.index("tools/" + "a" * 64) < script.index("sha256sum --check") < script.index("chmod u+x")


def test_an_embedded_aws_needs_no_account_and_a_real_one_signs_in_by_oidc() -> None:
    rehearsal, real = (render(intent_of("ssm-runner", world))[RUNBOOK_FILE] for world in ("rehearsal", "aws"))
    assert "rehearse up" in rehearsal
    assert "id-token" not in rehearsal
    assert "rehearse up" not in real
    assert "configure-aws-credentials@" in real
    for text in (rehearsal, real):
        jobs = yaml.safe_load(text)["jobs"]
        assert list(jobs) == ["plan", "apply", "verify"]
        assert jobs["apply"]["needs"] == "plan"
        assert jobs["apply"]["environment"] == "demo"
        assert '--approve "$DIGEST"' in text


def test_the_files_of_the_repository_are_those_of_its_demonstration() -> None:
    root = Path(__file__).parents[2]
    for path, text in render(DEMO).items():
        assert (root / path).read_text() == text, "airgap pipeline render --env demo --out ."


def test_the_variants_that_keep_zero_egress_are_those_that_params_can_choose() -> None:
    assert {one.name for one in delivery.VARIANTS if one.closed} == {"ssm-runner", "codepipeline", "ghes"}
    assert not delivery.HOSTED.closed
