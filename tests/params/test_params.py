"""Loading: the reference environment value for value, other environments by params alone, the schema, the template."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap import params
from airgap.errors import ParamsError
from airgap.model import intent as model
from airgap.model.canonical import canonical_bytes, digest_of
from airgap.model.components import derive
from airgap.model.intent import Intent, Subnet, decode, encode
from airgap.params.forms import FORMS
from airgap.params.shapes import hints
from airgap.params.template import REFERENCE

ROOT = Path(__file__).parents[2]
BASE = (Path(__file__).parent / "base.yaml").read_text()
DEMO = ROOT / "params" / "demo.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project folder whose only environment is base."""
    (tmp_path / "params").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "params" / "base.yaml").write_text(BASE)
    return tmp_path


def load_text(text: str, project: Path) -> Intent:
    (project / "params" / "base.yaml").write_text(text)
    return params.load("base", project)


def test_demo_is_the_reference_environment() -> None:
    demo = params.load("demo", ROOT)
    assert (demo.world, demo.approval, demo.account, demo.region) == ("rehearsal", "auto", "123456789012", "us-east-1")
    assert demo.network.vpc_cidr == "10.0.0.0/16"
    assert demo.network.public_tier == "ingress-and-nat"
    assert demo.network.public_subnets == (Subnet("10.0.1.0/24", "us-east-1a"), Subnet("10.0.2.0/24", "us-east-1b"))
    assert demo.network.private_subnets == (Subnet("10.0.10.0/24", "us-east-1a"), Subnet("10.0.11.0/24", "us-east-1b"))
    assert (demo.cluster.name, demo.cluster.version) == ("fintech-prod", "1.36")
    (group,) = demo.cluster.node_groups
    assert group.instance_types == ("m6i.xlarge", "m6i.2xlarge")
    assert (group.min_size, group.max_size, group.desired_size) == (2, 10, 3)
    assert (demo.data.postgres_name, demo.data.postgres_class) == ("fintech-postgres", "db.r6g.large")
    assert (demo.data.postgres_version, demo.data.embeddings_table) == ("18", "embeddings")
    assert (demo.data.embedding_dimensions, demo.secrets.database) == (1024, "fintech/prod/db")
    assert (demo.secrets.store, demo.secrets.external_secret) == ("aws-secrets-manager", "db-credentials")
    assert (demo.secrets.refresh, demo.identity.deploy_role) == ("1h", "cicd-deploy-role")
    assert (demo.retain, demo.prefix, demo.accounts, demo.regions) == (
        "none",
        "fintech",
        ("123456789012",),
        ("us-east-1",),
    )


def test_demo_needs_every_endpoint_of_the_reference() -> None:
    reference = "ecr.api ecr.dkr secretsmanager ssm logs sts elasticloadbalancing bedrock-runtime transcribe"
    added = "ec2 autoscaling eks eks-auth oidc-eks ssmmessages monitoring kms bedrock transcribestreaming"
    assert set(derive(params.load("demo", ROOT).components)) == {"s3", "dynamodb", *reference.split(), *added.split()}


def test_demo_names_its_schema_in_the_first_line() -> None:
    assert DEMO.read_text().startswith("# yaml-language-server: $schema=schema.json\n")


GOVCLOUD = {
    "account:": "partition: aws-us-gov\naccount:",
    "region: eu-west-1": "region: us-gov-west-1",
    "zone: eu-west-1a": "zone: us-gov-west-1a",
    "zone: eu-west-1b": "zone: us-gov-west-1b",
}


def test_govcloud_by_params_alone(project: Path) -> None:
    text = BASE
    for old, new in GOVCLOUD.items():
        text = text.replace(old, new)
    intent = load_text(text, project)
    assert intent.arn("s3", "b", region="", account="") == "arn:aws-us-gov:s3:::b"
    assert intent.zones == ("us-gov-west-1a", "us-gov-west-1b")


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("tier", ["none", "ingress", "ingress-and-nat"])
def test_two_to_six_zones_with_every_public_tier(count: int, tier: str, project: Path) -> None:
    data = yaml.safe_load(BASE) | {"account": "123456789012"}  # PyYAML would write 012345678901 without quotes
    zones = [f"eu-west-1{letter}" for letter in "abcdef"[:count]]
    tiers = {"private_subnets": 10, "ingress_subnets": 20} | ({} if tier == "none" else {"public_subnets": 30})
    for key, start in tiers.items():
        data["network"][key] = [{"cidr": f"10.20.{start + n}.0/24", "zone": zone} for n, zone in enumerate(zones)]
    data["network"]["public_tier"] = tier
    intent = load_text(yaml.safe_dump(data), project)
    assert intent.zones == tuple(zones)
    assert len(intent.network.public_subnets) == (0 if tier == "none" else count)


def test_dates_may_stand_without_quotes_and_optional_sections_empty(project: Path) -> None:
    waiver = {item.name: "x" for item in dataclasses.fields(model.Waiver)} | {"property": "NET-14", "resource": "*"}
    lines = [f'{key}: "{value}"' for key, value in waiver.items() if key not in ("created", "expires")]
    entry = "\n    ".join([*lines, "created: 2026-11-01", "expires: 2027-04-30"])
    intent = load_text(f"{BASE}logs:\nexceptions:\n  - {entry}\n", project)
    assert (intent.exceptions[0].created, intent.exceptions[0].expires) == ("2026-11-01", "2027-04-30")
    assert intent.logs == model.Logs()


def test_one_error_lists_all_problems(project: Path) -> None:
    with pytest.raises(ParamsError) as one:
        load_text(BASE.replace("world: aws", "world: production"), project)
    assert one.value.what.startswith("params/base.yaml:2: world: 'production' is not one of the choices")
    with pytest.raises(ParamsError) as many:
        load_text(BASE.replace("world: aws", "world: production").replace('"1.36"', "1.36"), project)
    first, *rest = many.value.what.splitlines()
    assert first == "params/base.yaml: 2 problems"
    assert [line.split(": ")[0].strip() for line in rest] == ["params/base.yaml:2", "params/base.yaml:14"]
    assert many.value.exit_code == 64
    assert "no call was made" in many.value.diagnostics()


def test_an_unknown_environment_names_those_there_are(project: Path) -> None:
    with pytest.raises(ParamsError) as error:
        params.load("bsae", project)
    assert error.value.what == "no params file for environment 'bsae'; there are: base"
    assert error.value.action == "did you mean base?"


@pytest.mark.parametrize("name", ["../base", "params/base", "", ".."])
def test_a_name_is_not_a_path(name: str, project: Path) -> None:
    with pytest.raises(ParamsError, match="no params file"):
        params.load(name, project)


def test_a_path_is_taken_as_it_is(project: Path) -> None:
    assert params.load(str(project / "params" / "base.yaml")).environment == "base"
    with pytest.raises(ParamsError, match=r"params/gone.yaml: No such file"):
        params.load(str(project / "params" / "gone.yaml"))


def test_the_project_is_found_from_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "notebooks" / "deep")
    assert params.project_root() == project.resolve()
    assert params.load("base").environment == "base"


def test_no_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="holds params/"):
        params.project_root(tmp_path)


def test_files_that_are_not_utf8_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "base.yaml"
    path.write_bytes(b"environment: base\nowner: caf\xe9\n")
    assert [error.what for error in params.check(path)] == [f"{path}:2: the file is not UTF-8 text"]
    path.write_bytes(b"#" * ((1 << 20) + 1))
    assert "bytes; allowed" in params.check(path)[0].what
    path.write_text("a: " + "[" * 500 + "]" * 500)
    assert "nested too deeply" in params.check(path)[0].what


def test_the_schema_file_is_fresh() -> None:
    assert (ROOT / "params" / "schema.json").read_text() == json.dumps(params.schema(), indent=2) + "\n"


def test_the_schema_is_valid_and_strict() -> None:
    schema = params.schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for text in (DEMO.read_text(), BASE, params.new("prod")):
        assert list(validator.iter_errors(yaml.safe_load(text))) == []
    assert not validator.is_valid(yaml.safe_load(BASE) | {"regoin": "x"})
    assert not validator.is_valid(yaml.safe_load(BASE) | {"account": 123456789012})
    for section in (schema, *schema["$defs"].values()):
        assert section["additionalProperties"] is False
        assert all(field["description"] for field in section["properties"].values())


def test_every_text_and_number_has_a_form() -> None:
    sections = [kind for kind in vars(model).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    plain = {
        f"{kind.__name__}.{name}"
        for kind in sections
        for name, hint in hints(kind).items()
        if (get_args(hint)[0] if get_origin(hint) is tuple else hint) in (str, int)
    }
    assert plain - {"Intent.components"} == set(FORMS)  # a component is one of a table: a rule


def test_every_default_has_its_form() -> None:
    assert params.check(DEMO) == []
    for name, form in FORMS.items():
        kind, _, field = name.partition(".")
        default: Any = next(item.default for item in dataclasses.fields(getattr(model, kind)) if item.name == field)
        if isinstance(default, (str, int)):
            assert form.accepts(default), name


def test_a_new_file_loads_and_shows_every_default(project: Path) -> None:
    text = params.new("prod")
    path = project / "params" / "prod.yaml"
    path.write_text(text)
    intent = params.load("prod", project)
    path.write_text(re.sub(r"(?m)^( *)#(?=[a-z_]+:)", r"\1", text))
    assert params.load("prod", project) == intent
    sections = [kind for kind in vars(model).values() if dataclasses.is_dataclass(kind)]
    keys = {item.name for kind in sections for item in dataclasses.fields(kind)}
    assert keys <= set(re.findall(r"[a-z_]+(?=:)", text))


def test_a_new_file_begins_with_the_reference_environment() -> None:
    demo = encode(params.load("demo", ROOT)) | {"world": "aws"}

    def part_of(given: Any, whole: Any) -> bool:
        if isinstance(given, dict):
            return all(part_of(value, whole[key]) for key, value in given.items())
        if isinstance(given, list):
            return len(given) == len(whole) and all(map(part_of, given, whole))
        return bool(given == whole)

    assert part_of(dict(REFERENCE), demo)


@pytest.mark.parametrize("name", ["", "Prod", "a", "prod_1", "../x", "x" * 33])
def test_a_new_file_needs_a_name(name: str) -> None:
    with pytest.raises(ParamsError, match="is not a name for an environment"):
        params.new(name)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.from_type(Intent))
def test_canonical_json_gives_the_intent_back(intent: Intent) -> None:
    assert decode(json.loads(canonical_bytes(encode(intent)))) == intent


def python_3_9() -> str:
    """Return the path of a Python 3.9, or skip the test."""
    home = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))
    found = str(home[-1]) if home else shutil.which("python3.9")
    return found or pytest.skip("no python3.9 on this machine")


def test_python_3_9_reads_the_intent_back() -> None:
    program = (
        "import json, sys; from airgap.model.intent import decode, encode;"
        "from airgap.model.canonical import digest_of;"
        "print(sys.version_info[:2] == (3, 9), digest_of(encode(decode(json.load(sys.stdin)))))"
    )
    demo = encode(params.load("demo", ROOT))
    said = subprocess.run(
        [python_3_9(), "-S", "-B", "-c", program],
        input=canonical_bytes(demo),
        env={"PYTHONPATH": str(ROOT / "lib")},
        capture_output=True,
        check=True,
    )
    assert said.stdout.split() == [b"True", digest_of(demo).encode()]


ODD = (
    "~",
    "[]",
    "{}",
    "-1",
    "1.5",
    "yes",
    "2026-11-01",
    "'é\\u001b'",
    "[[1], {a: b}]",
    "{a: {b: c}}",
    "0x_",
    "=",
    "|",
    "1:30",
)


@pytest.mark.parametrize("seed", range(60))
def test_a_mangled_file_gives_errors_not_tracebacks(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    lines = [line for line in BASE.splitlines() if dice.random() > 0.03]
    for index in dice.sample(range(len(lines)), 3):
        key, colon, value = lines[index].partition(": ")
        odd = dice.choice((*ODD, value[: len(value) // 2]))
        lines[index] = f"{key}{colon}{odd}" if colon else lines[index].replace(":", f": {odd}")
    path = tmp_path / "base.yaml"
    path.write_text("\n".join(lines))
    errors = params.check(path)
    assert all(re.match(r".*base\.yaml:[0-9]+: \S", error.what) for error in errors)
    if not errors:
        assert canonical_bytes(encode(params.load(str(path))))


def test_importing_params_imports_nothing_heavy() -> None:
    program = "import sys, airgap.params; print(sorted({'pydantic', 'yaml', 'boto3', 'jsonschema'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"[]\n"
