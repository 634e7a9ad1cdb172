"""Every command: its exit codes, its one JSON document, and a help that teaches."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from commandline import Airgap
from library import environment, project

from airgap.cli import app, main

pytestmark = pytest.mark.e2e
DIGEST = "0" * 64
GROUP = typer.main.get_command(app)


def commands() -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    """The words and the parser of every command that can be typed."""
    waiting = [((), GROUP)]
    while waiting:
        words, one = waiting.pop()
        if isinstance(one, typer.core.TyperGroup):
            waiting += [((*words, name), below) for name, below in one.commands.items()]
        else:
            yield words, one


COMMANDS = dict(sorted(commands(), key=lambda pair: pair[0]))
every_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


@dataclass
class Typed:
    """Commands typed into this process, in a project of its own."""

    capture: pytest.CaptureFixture[str]
    settings: dict[str, str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what came on standard output and on standard error."""
        self.capture.readouterr()
        with environment(self.settings), pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self.capture.readouterr()
        assert "Traceback" not in err
        return int(str(ended.value.code)), out, err


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("commands"))


@pytest.fixture
def typed(airgap: Airgap, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.chdir(place)
    return Typed(capsys, {**airgap.environment, "AIRGAP_REPORTS": str(airgap.reports)})


@every_command
def test_help_teaches(typed: Typed, words: tuple[str, ...]) -> None:
    code, out, _ = typed(*words, "--help")
    assert code == 0
    _, _, taught = out.partition("For example:\n")
    lines = [line.strip().replace("export $(", "").rstrip(")").split(" > ")[0] for line in taught.splitlines() if line]
    assert lines
    for line in lines:
        example = shlex.split(line)
        assert example[: 1 + len(words)] == ["airgap", *words]
        context = COMMANDS[words].make_context(words[-1], example[1 + len(words) :])
        assert context.params


@every_command
def test_wrong_usage_is_64_and_says_so_in_json_too(typed: Typed, words: tuple[str, ...]) -> None:
    code, out, err = typed(*words, "--nonsense")
    assert (code, out) == (64, "")
    assert "No such option: --nonsense" in err
    code, out, _ = typed(*words, "--nonsense", "--json")
    assert code == 64
    told = json.loads(out)
    assert (told["exit_code"], told["error"]) == (64, "UsageError")
    assert "--nonsense" in told["what"]


@pytest.mark.parametrize(
    ("typing", "code", "told"),
    [
        ("", 64, "Usage: "),
        ("fly", 64, "No such command 'fly'"),
        ("params", 64, "Usage: "),
        ("plan", 64, "Missing option '--env'"),
        ("plan --env nowhere", 64, "no params file for environment 'nowhere'"),
        ("plan --env demo --only nothing", 64, "no step 'nothing'"),
        ("plan --env demo --jobs 0", 64, "--jobs"),
        ("plan --env demo --run-id ../up", 64, "cannot name a folder"),
        (f"apply --env demo --approve {DIGEST}", 4, "No plan"),
        ("apply --env demo --approve auto-ish", 64, "is no digest"),
        (f"approve --env demo {DIGEST}", 4, "No plan"),
        ("approve --env demo short", 64, "is no digest"),
        ("status --env demo", 1, "no run yet"),
        ("diff --env demo a b", 64, "no run 'a'"),
        ("diff --env demo", 64, "a difference needs two"),
        ("policy --env demo --role king", 64, "not one of deployer"),
        ("endpoints --env demo --without nothing", 64, "nothing"),
        ("params check --env nowhere", 64, "no params file for environment 'nowhere'"),
        ("params new demo", 64, "demo.yaml exists"),
        ("params new ../up", 64, "is not"),
        ("snapshot --env demo --out params", 64, "is not empty"),
        ("rehearse up --port 70000", 64, "--port"),
        ("rehearse status --port 1", 1, ""),
        ("lab up --env demo --estate nowhere", 64, "nowhere is not there"),
        ("probe --env demo --host i-1", 64, "is no host"),
        ("probe --env demo", 1, "no host to probe from"),
        ("reach --env demo somewhere", 64, "is nothing to reach"),
    ],
)  # fmt: skip
def test_exit_code_says_whose_fault_it_is(typed: Typed, typing: str, code: int, told: str) -> None:
    found, out, err = typed(*typing.split())
    assert (found, out) == (code, "")
    assert told in err


def test_usage_is_known_before_any_call(airgap: Airgap) -> None:
    asked = {one["operation"] for one in airgap.control("GET", "/rehearsal/calls")}
    assert asked == {"ec2:DescribeVpcs"}, "more than the call by which it is known to be up"


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [("database", 4, "no SQL behind it"), ("cluster", 1, "run 04_cluster in mode apply first")],
)
def test_what_cannot_be_reached_says_why(typed: Typed, target: str, code: int, told: str) -> None:
    found, out, err = typed("reach", "--env", "demo", target)
    assert (found, out) == (code, "")
    assert told in err


STORY = [
    ("rehearse status", 0),
    ("params check --env demo", 0),
    ("params schema", 0),
    ("params new other", 0),
    ("params reviews --env demo", 0),
    ("endpoints --env demo", 0),
    ("endpoints --env demo --without s3", 0),
    ("policy --env demo --role deployer", 0),
    ("policy --env demo --role verifier", 0),
    ("policy --env demo --role guardrails", 0),
    ("plan --env demo --only preflight --no-pdf", 0),
    ("approve --env demo {digest}", 0),
    ("apply --env demo --only preflight --no-pdf", 0),
    ("verify --env demo --only preflight --no-pdf", 0),
    ("status --env demo", 0),
    ("diff --env demo", 0),
    ("bundle create demo/latest", 0),
    ("bundle verify {bundle}", 0),
    ("bundle replay {bundle}", 0),
    ("bundle show {bundle}", 0),
    ("bundle trail demo/latest", 1),
    ("bundle chain demo", 11),  # the plan and the apply before are in no bundle
    ("peer scan demo/latest", 64),
    ("peer compare demo/latest nothing.json", 64),
    ("peer checks for-prowler", 0),
    ("bundle upload {bundle}", 64),
    ("pipeline render --env demo", 0),
    ("destroy --env demo --only preflight --no-pdf", 0),
    ("snapshot --env demo --out estate", 0),
    ("prove --certificate certificate.json estate", 4),
    ("trace --from internet --to 192.0.2.9 --protocol tcp estate", 0),
    ("lab status", 1),
    ("lab up --env demo --estate nowhere", 64),
    ("lab agree --env demo --estate nowhere", 64),
    ("lab down --env demo", 0),
    ("probe --env demo", 1),
    ("reach --env demo cluster", 1),
    ("mirror lock --env demo", 0),
    ("mirror plan --env demo", 2),
    ("mirror copy --env demo", 1),
    ("mirror save --env demo images.tar", 0),
    ("mirror load --env demo images.tar", 1),
    ("rehearse up", 0),
    ("rehearse down --port {port}", 0),
    ("rehearse down --port 1", 0),
]  # fmt: skip
APART = {("drill",), ("kit", "save"), ("kit", "load"), ("lab", "show"), ("bundle", "ocsf")}
"""What needs a database, every wheel of the lock or real components, and what prints a JSON list in any case."""


def test_json_is_one_document_and_nothing_else(typed: Typed, airgap: Airgap) -> None:
    last: dict[str, str] = {"digest": "", "port": "", "bundle": ""}
    seen = set()
    for typing, code in STORY:
        found, out, err = typed(*typing.format(**last).split(), "--json")
        document = json.loads(out)
        # What a snapshot could not read, it says, and is 4.
        assert found == (4 if document.get("unanswered") else code), f"{typing}: {out}{err}"
        assert isinstance(document, dict)
        assert document.get("exit_code", code) == code
        last["digest"] = document.get("plan_digest") or last["digest"]
        last["bundle"] = document.get("bundle") or last["bundle"]
        last["port"] = document.get("AWS_ENDPOINT_URL", "").rpartition(":")[2] or last["port"]
        seen.add(tuple(word for word in typing.split()[:2] if not word.startswith("-")))
    assert {words[:2] for words in COMMANDS} - APART == seen
    # The mirror asks to upload and is refused: there is no repository yet.
    assert set(airgap.writes()) <= {"ecr:InitiateLayerUpload"}


def test_json_of_what_was_refused_is_one_document_too(typed: Typed) -> None:
    code, out, err = typed("approve", "--env", "demo", DIGEST, "--json")
    told = json.loads(out)
    assert (code, told["exit_code"], told["error"]) == (4, 4, "NotApproved")
    assert told["what"] in err
    assert told["next"] in err
