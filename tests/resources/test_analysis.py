"""Network Access Analyzer: wanted only where params ask in a real account; its calls are what AWS's model accepts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.validate import ParamValidator

from airgap.model.estate import Estate
from airgap.model.intent import Intent, decode
from airgap.resources import analysis
from airgap.resources.kind import Kind

DEMO: Intent = decode(yaml.safe_load((Path(__file__).parents[2] / "params" / "demo.yaml").read_text()))
NOTHING = Estate((), dict.__getitem__, account=DEMO.account, region=DEMO.region, taken_at="")  # type: ignore[arg-type]
TAGS = {"airgap:environment": "demo", "airgap:key": "access-scope:sealed"}


def asking(world: str, wanted: bool) -> Intent:
    network = dataclasses.replace(DEMO.network, access_analyzer=wanted)
    return dataclasses.replace(DEMO, world=world, network=network)


def test_it_is_wanted_only_where_params_ask_and_aws_answers() -> None:
    wanted = {
        (world, on): [one.key for one in analysis.declare(asking(world, on), NOTHING)]
        for world in ("aws", "rehearsal")
        for on in (True, False)
    }
    both = ["access-scope:sealed", "access-scope-analysis:sealed"]
    assert wanted == {("aws", True): both, ("aws", False): [], ("rehearsal", True): [], ("rehearsal", False): []}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (analysis.SCOPE, {"ranges": ["10.0.10.0/24"], "id": "nis-0123456789abcdef0"}),
        (analysis.ANALYSIS, {"scope": "nis-0123456789abcdef0", "id": "nisa-0123456789abcdef0"}),
    ],
)
def test_every_call_is_one_that_ec2_accepts(kind: Kind, fields: dict[str, Any]) -> None:
    model = boto3.client("ec2", region_name="us-east-1").meta.service_model
    tokens = {"ClientToken": "t"}
    for call in (*kind.create, *kind.delete, *([kind.poll] if kind.poll else [])):
        shape = model.operation_model(call.operation.split(":")[1]).input_shape
        params = call.params({**fields, "tags": TAGS})
        needed = {one: tokens[one] for one in shape.required_members if one in tokens}
        report = ParamValidator().validate({**needed, **params}, shape)
        assert not report.has_errors(), report.generate_report()


def test_the_paths_are_those_of_the_sealed_ranges_both_ways() -> None:
    out, into = analysis.SCOPE.create[0].params({"ranges": ["10.0.10.0/24"], "tags": TAGS})["MatchPaths"]
    assert out["Source"]["PacketHeaderStatement"] == {"SourceAddresses": ["10.0.10.0/24"]}
    assert into["Destination"]["PacketHeaderStatement"] == {"DestinationAddresses": ["10.0.10.0/24"]}
    gateway = {"ResourceStatement": {"ResourceTypes": ["AWS::EC2::InternetGateway"]}}
    assert out["Destination"] == into["Source"] == gateway
