"""``airgap trace`` and ``airgap prove`` as typed: exit codes, one JSON document, snapshots, folders, certificates."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import vectors
from networks import ALLOW, answers, vpc

from airgap.cli import main
from airgap.egress.boundary import Boundary
from airgap.egress.facts import Document, Facts
from airgap.egress.network import Network
from airgap.egress.verdict import prove as judge
from airgap.model.channels import CHANNELS
from airgap.run.estates import files, parsed

Typed = Callable[..., tuple[int, Any]]
CASES = [(name, one) for name in vectors.names() for one in vectors.expectations(name)]
recorded = pytest.mark.skipif(not CASES, reason="the recorded networks are not beside this project")
LEAKY = [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """A command typed with --json, as (exit code, document)."""

    def call(*words: str) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        code = ended.value.code
        assert isinstance(code, int)
        return code, json.loads(capsys.readouterr().out)

    return call


def snapshot(folder: Path, documents: Iterable[Document], refused: tuple[str, ...] = ()) -> Path:
    """Write documents as a snapshot; the calls named were denied."""
    rows = []
    (folder / "observations").mkdir(parents=True)
    for one in documents:
        row = {"account": one.account, "region": one.region, "call": one.call, "params": dict(one.params), "number": 1,
               "status": "ok" if one.body else "absent", "time": "2026-01-01T00:00:00Z", "page": ""}  # fmt: skip
        if one.call in refused:
            row["status"] = "denied"
        elif one.body:
            raw = json.dumps(one.body).encode()
            row["page"] = hashlib.sha256(raw).hexdigest()
            (folder / "observations" / f"{row['page']}.json").write_bytes(raw)
        rows.append(row)
    (folder / "observations" / "index.json").write_text(json.dumps(rows))
    (folder / "boundary.json").write_text(
        json.dumps({"schema": "airgap/boundary/v1", "sealed_subnets": ["10.0.1.0/24"], "accounts": ["111122223333"]})
    )
    return folder


@recorded
@pytest.mark.parametrize(("name", "case"), CASES, ids=[case["id"] for _, case in CASES])
def test_trace_agrees_with_what_is_known(typed: Typed, name: str, case: dict[str, Any]) -> None:
    source, expected = case["source"], case["expect"]
    there, number = case["destination"]["ip"], str(case["protocol_number"])
    words = ["trace", str(vectors.ROOT / name), "--from", source.get("eni") or source["id"], "--source", source["ip"],
             "--to", there, "--protocol", number]  # fmt: skip
    code, found = typed(*words, *(["--port", str(case["dst_port"])] if case["dst_port"] is not None else []))
    assert code == 0
    assert {"outcome", "reason", "at", "boundary", "hops", "assumed"} <= set(found)
    assert (found["outcome"], found["reason"]) == (expected["outcome"], expected["drop_reason"])


@recorded
@pytest.mark.parametrize("name", vectors.names())
def test_prove_refutes_every_subnet_that_a_packet_is_known_to_leave(typed: Typed, name: str) -> None:
    code, proof = typed("prove", str(vectors.ROOT / name))
    verdicts = {one["subnet"]: one["verdict"] for each in proof["vpcs"] for one in each["subnets"]}
    cases = vectors.expectations(name)
    past = [one for one in cases if one["expect"]["leaves_source_vpc"]]
    leaving = {one["source"]["subnet"] for one in past if not str(one["expect"]["boundary"]).startswith("['vpce-")}
    assert leaving
    assert {verdicts[one] for one in leaving} == {"refuted"}
    assert code == 3
    assert proof["verdict"] == "refuted"
    # Nothing here records Client VPNs or mirroring: no subnet can be proven.
    assert "proven" not in verdicts.values()
    for one in proof["witnesses"]:
        route = one["route"]
        taken = {"at": route["table"], "what": f"route {route['destination']} to {route['target']}"}
        assert taken in one["hops"]


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "eni-404", "--to", "8.8.8.8", "--protocol", "tcp"),
        ("--from", "subnet-1", "--to", "example.org", "--protocol", "tcp"),
        ("--from", "subnet-1", "--to", "8.8.8.8", "--protocol", "quic"),
        ("--from", "subnet-1", "--to", "8.8.8.8", "--protocol", "256"),
        ("--from", "subnet-1", "--to", "8.8.8.8", "--protocol", "tcp", "--port", "70000"),
        ("--from", "subnet-1", "--to", "8.8.8.8", "--protocol", "tcp", "--source", "2001:db8::1"),
    ],
)
def test_trace_refuses_what_makes_no_sense(typed: Typed, tmp_path: Path, words: tuple[str, ...]) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc(LEAKY, ALLOW)))
    assert typed("trace", str(folder), *words)[0] == 64


def test_an_estate_that_is_none(typed: Typed, tmp_path: Path) -> None:
    assert typed("prove", str(tmp_path / "nowhere"))[0] == 64
    assert typed("prove", str(tmp_path))[0] == 64
    (tmp_path / "Vpcs.json").write_text("{")
    assert typed("prove", str(tmp_path))[0] == 64


def test_a_clean_snapshot_is_proven_and_its_certificate_holds(typed: Typed, tmp_path: Path) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc([], ALLOW)))
    written = tmp_path / "certificate.json"
    code, proof = typed("prove", str(folder), "--certificate", str(written))
    assert (code, proof["verdict"], proof["unknowns"]) == (0, "proven", [])
    assert typed("prove", str(folder), "--check", str(written)) == (
        0, {"holds": True, "verdict": "proven", "leaves": 6, "problems": []},
    )  # fmt: skip
    page = next(one for one in (folder / "observations").glob("*.json") if b"RouteTables" in one.read_bytes())
    page.write_bytes(page.read_bytes() + b" ")
    assert typed("prove", str(folder), "--check", str(written))[0] == 3
    assert typed("prove", str(folder))[0] == 4
    page.unlink()
    code, proof = typed("prove", str(folder))
    assert (code, proof["verdict"]) == (4, "unknown")
    assert "ec2:DescribeRouteTables" in {one["needs"] for one in proof["unknowns"]}


def test_a_denied_call_makes_unknown_and_is_named(typed: Typed, tmp_path: Path) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc([], ALLOW)), ("ec2:DescribeTrafficMirrorSessions",))
    code, proof = typed("prove", str(folder))
    assert code == 4
    assert [one["verdict"] for one in proof["channels"] if one["channel"] == "P20"] == ["unknown"]
    assert {one["needs"] for one in proof["unknowns"]} == {"ec2:DescribeTrafficMirrorSessions"}
    assert proof["vpcs"][0]["subnets"][0]["verdict"] == "unknown"


def test_refuted_wins_over_unknown(typed: Typed, tmp_path: Path) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc(LEAKY, ALLOW)), ("ec2:DescribeTrafficMirrorSessions",))
    code, proof = typed("prove", str(folder))
    assert (code, proof["verdict"]) == (3, "refuted")
    (witness,) = proof["witnesses"]
    assert witness["packet"]["destination"] == "8.8.8.8"
    assert witness["closes"] == "delete the route 0.0.0.0/0 to nat-1 from rtb-1"


def test_every_call_counts(typed: Typed, tmp_path: Path) -> None:
    """Without any one answer of a channel of packets the clean estate is no longer proven."""
    whole = answers(vpc([], ALLOW))
    for call in ("ec2:DescribeVpcEndpoints", "ec2:DescribeClientVpnEndpoints", "eks:ListClusters", "s3:ListBuckets",
                 "ram:GetResourceShares", "ec2:DescribeSubnets", "ec2:DescribeRouteTables"):  # fmt: skip
        folder = snapshot(tmp_path / call.replace(":", "-"), [one for one in whole if one.call != call])
        assert typed("prove", str(folder))[0] == 4, call


def test_only_the_vpc_that_is_named(typed: Typed, tmp_path: Path) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc([], ALLOW)))
    assert typed("prove", str(folder), "--vpc", "vpc-1")[0] == 0
    assert typed("prove", str(folder), "--vpc", "vpc-404")[0] == 64


def test_a_declared_boundary(typed: Typed, tmp_path: Path) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc(LEAKY, ALLOW)))
    declared = tmp_path / "boundary.json"
    declared.write_text(json.dumps({"schema": "airgap/boundary/v1", "gateways": ["nat-1"]}))
    assert typed("prove", str(folder), "--boundary", str(declared))[0] == 0
    declared.write_text(json.dumps({"schema": "something/v9"}))
    assert typed("prove", str(folder), "--boundary", str(declared))[0] == 64


def test_a_plain_folder_is_told_apart_by_its_keys(typed: Typed, tmp_path: Path) -> None:
    for number, one in enumerate(answers(vpc([], ALLOW))):
        if one.body:
            (tmp_path / f"{number}.json").write_text(json.dumps(one.body))
    code, proof = typed("prove", str(tmp_path))
    assert code == 4
    assert proof["vpcs"][0]["subnets"][0]["verdict"] == "unknown"
    (tmp_path / "x.json").write_text(json.dumps({"TrafficMirrorSessions": []}))
    needs = {one["needs"] for one in typed("prove", str(tmp_path))[1]["unknowns"]}
    assert "ec2:DescribeTrafficMirrorSessions" not in needs
    assert "ec2:DescribeTrafficMirrorTargets" in needs


def test_what_a_person_reads(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc(LEAKY, ALLOW)))
    with pytest.raises(SystemExit):
        main(["prove", str(folder)])
    text = capsys.readouterr().out
    assert "subnet-1 reaches 8.8.8.8" in text
    assert "closes: delete the route 0.0.0.0/0 to nat-1 from rtb-1" in text
    with pytest.raises(SystemExit):
        main(["trace", str(folder), "--from", "subnet-1", "--to", "8.8.8.8", "--protocol", "tcp"])
    assert "route 0.0.0.0/0 to nat-1" in capsys.readouterr().out


def run_folder(folder: Path) -> Path:
    """A run: an earlier step read a route out, the attestation read the whole table without it."""
    earlier, later = vpc(LEAKY, ALLOW), vpc([], ALLOW)
    for name, items in (("earlier", earlier), ("later", later)):
        snapshot(folder / name, answers(items))
    run = folder / "run"
    (run / "observations").mkdir(parents=True)
    (run / "steps" / "13_attest").mkdir(parents=True)
    for name in ("earlier", "later"):
        for one in (folder / name / "observations").glob("*.json"):
            (run / "observations" / one.name).write_bytes(one.read_bytes())
    rows = json.loads((folder / "later" / "observations" / "index.json").read_text())
    (run / "steps" / "13_attest" / "observations.json").write_text(json.dumps(rows))
    stale = json.loads((folder / "earlier" / "observations" / "index.json").read_text())
    (run / "observations" / "index.json").write_text(json.dumps(stale))
    (run / "boundary.json").write_bytes((folder / "later" / "boundary.json").read_bytes())
    (run / "findings.json").write_text("{}")
    return run


def test_a_run_is_judged_by_what_its_attestation_read_and_so_is_its_bundle(typed: Typed, tmp_path: Path) -> None:
    run, written = run_folder(tmp_path), tmp_path / "certificate.json"
    assert typed("prove", str(run), "--certificate", str(written))[0] == 0
    assert typed("prove", "--check", str(written), str(run))[0] == 0
    for inside in ("", "demo/20261101T000000Z-aaaa/"):
        bundle = tmp_path / f"bundle{len(inside)}.zip"
        with zipfile.ZipFile(bundle, "w") as archive:
            for one in sorted(run.rglob("*.json")):
                archive.write(one, inside + one.relative_to(run).as_posix())
        assert typed("prove", str(bundle))[0] == 0
        assert typed("prove", "--check", str(written), str(bundle))[0] == 0
    (run / "steps" / "13_attest" / "observations.json").unlink()
    assert typed("prove", str(run))[0] == 3
    assert typed("prove", "--check", str(written), str(run))[0] == 3


def test_a_certificate_of_another_boundary_does_not_hold(typed: Typed, tmp_path: Path) -> None:
    folder, written = snapshot(tmp_path / "one", answers(vpc(LEAKY, ALLOW))), tmp_path / "certificate.json"
    wide = tmp_path / "wide.json"
    wide.write_text(json.dumps({"schema": "airgap/boundary/v1", "gateways": ["nat-1"]}))
    assert typed("prove", str(folder), "--boundary", str(wide), "--certificate", str(written))[0] == 0
    assert typed("prove", "--check", str(written), str(folder), "--boundary", str(wide))[0] == 0
    code, said = typed("prove", "--check", str(written), str(folder))
    assert (code, said["holds"]) == (3, False)
    assert "another boundary" in said["problems"][0]


CALLS = sorted({call for one in CHANNELS.values() for call in one.calls} - {"cloudtrail:LookupEvents"})
SPOILED: dict[str, dict[str, Any]] = {
    "denied": {"status": "denied"},
    "not supported": {"status": "unsupported"},
    "cut off": {"status": "ok", "last": False},
    "page missing": {"status": "ok", "page": "0" * 64},
}


@pytest.mark.parametrize("how", SPOILED)
def test_whatever_spoils_any_one_call_makes_unknown_and_names_it(tmp_path: Path, how: str) -> None:
    folder = snapshot(tmp_path / "one", answers(vpc([], ALLOW)))
    found = files(folder)
    rows = json.loads(found["observations/index.json"])
    empty = next(row["page"] for row in rows if row["page"])
    for call in CALLS:
        spoiled = [{**row, "page": row["page"] or empty, **SPOILED[how]} if row["call"] == call else row
                   for row in rows]  # fmt: skip
        network = Network(Facts(parsed({**found, "observations/index.json": json.dumps(spoiled).encode()})))
        proof = judge(network, Boundary())
        assert proof.verdict == "unknown", call
        assert call in {one.needs for one in proof.missing}, call


PLACES = (("111122223333", "us-east-1"), ("111122223333", "eu-west-1"), ("444455556666", "us-east-1"))


def several(leaking: str = "") -> list[Document]:
    """One VPC in each account and Region, ids told apart by a letter; the one that leaks has a default route."""
    found = []
    for letter, (account, region) in zip("abc", PLACES, strict=True):
        for one in answers(vpc(LEAKY if letter == leaking else [], ALLOW)):
            text = json.dumps(one.body)
            for name in ("vpc-1", "subnet-1", "rtb-1", "acl-1"):
                text = text.replace(f'"{name}"', f'"{name[:-1]}{letter}"')
            found.append(Document(account, region, one.params, json.loads(text), one.call))
    return found


@pytest.mark.parametrize("leaking", ["", "a", "b", "c"])
def test_several_accounts_and_regions_as_snapshot_bundle_and_plain_folder(
    typed: Typed, tmp_path: Path, leaking: str
) -> None:
    folder, plain = snapshot(tmp_path / "one", several(leaking)), tmp_path / "plain"
    declared = tmp_path / "boundary.json"
    declared.write_text(json.dumps({"schema": "airgap/boundary/v1", "accounts": sorted({one for one, _ in PLACES})}))
    bundle = tmp_path / "one.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        for one in sorted(folder.rglob("*.json")):
            archive.write(one, one.relative_to(folder).as_posix())
    for number, one in enumerate(several(leaking)):
        if one.body:
            place = plain / "accounts" / one.account / one.region
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.json").write_text(json.dumps(one.body))
    for estate in (folder, bundle, plain):
        written = tmp_path / f"{estate.name}-certificate.json"
        code, proof = typed("prove", str(estate), "--boundary", str(declared), "--certificate", str(written))
        verdicts = {one["subnet"]: one["verdict"] for each in proof["vpcs"] for one in each["subnets"]}
        others = "unknown" if estate is plain else "proven"
        assert verdicts == {f"subnet-{one}": "refuted" if one == leaking else others for one in "abc"}
        assert code == (3 if leaking else 4 if estate is plain else 0)
        assert typed("prove", "--check", str(written), str(estate), "--boundary", str(declared))[1]["holds"]


def test_one_region_of_one_account_that_was_not_read_makes_unknown(typed: Typed, tmp_path: Path) -> None:
    declared = {"schema": "airgap/boundary/v1", "accounts": sorted({one for one, _ in PLACES})}
    for call in ("ec2:DescribeVpcEndpoints", "s3:ListBuckets"):
        some = [one for one in several() if (one.call, one.account, one.region) != (call, *PLACES[2])]
        folder = snapshot(tmp_path / call.replace(":", "-"), some)
        (folder / "boundary.json").write_text(json.dumps(declared))
        code, proof = typed("prove", str(folder))
        assert code == 4
        assert [one["needs"] for one in proof["unknowns"] if one["needs"] == call]
        assert any("us-east-1 of 444455556666" in one["what"] for one in proof["unknowns"])


@pytest.mark.parametrize("body", [{"Vpcs": ["x"]}, {"RouteTables": [{"Routes": "x"}], "Subnets": [{"SubnetId": "s"}]},
                                  {"Subnets": [{"SubnetId": "s", "VpcId": "v", "CidrBlock": "ten"}],
                                   "RouteTables": [{"RouteTableId": "r", "VpcId": "v", "Associations": [{"Main": True}],
                                                    "Routes": [{"DestinationCidrBlock": "ten"}]}]}])  # fmt: skip
def test_a_page_of_another_form_is_no_verdict(typed: Typed, tmp_path: Path, body: dict[str, Any]) -> None:
    (tmp_path / "one.json").write_text(json.dumps(body))
    assert typed("prove", str(tmp_path))[0] == 4
