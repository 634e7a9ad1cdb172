"""Commands of the zero-egress proof: trace and prove, offline, on somebody's recorded estate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.errors import Unreadable

Estate = Annotated[Path, typer.Argument(help="A snapshot, a bundle, or a folder of describe output.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(command)


def trace(
    estate: Estate,
    origin: Annotated[str, typer.Option("--from", help="Interface, subnet, VPC, gateway, or the word internet.")],
    to: Annotated[str, typer.Option("--to", help="Address it is sent to.")],
    protocol: Annotated[str, typer.Option("--protocol", help="tcp, udp, icmp or a number.")],
    port: Annotated[
        int | None, typer.Option("--port", help="Destination port; none: any (ICMP: type*256+code).")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="Address it is sent from; none: the interface's own.")] = "",
    as_json: Json = False,
) -> int:
    """Walk one packet through a recorded network, hop by hop. From a subnet: of any interface that it could have."""
    from airgap.egress.facts import Facts
    from airgap.egress.journey import UNKNOWN
    from airgap.egress.network import Network
    from airgap.egress.tracing import ask
    from airgap.run.estates import documents

    with _as_aws_answers():
        found = ask(Network(Facts(documents(estate))), origin, to, protocol, port, source)
    if as_json:
        output.document(found.as_data())
    else:
        _say_trace(found.as_data())
    return 4 if found.outcome == UNKNOWN else 0


def prove(
    estate: Estate,
    vpc: Annotated[list[str] | None, typer.Option("--vpc", help="Judge this VPC alone; may be given again.")] = None,
    boundary: Annotated[Path | None, typer.Option("--boundary", help="JSON file: what may be reached.")] = None,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="File to write the certificate to.")] = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Certificate to verify; nothing is proved anew.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Prove that nothing gets out, or show what does. 0: proven, 3: refuted, 4: unknown."""
    if check is not None:
        return _check(estate, check, boundary, as_json)
    from airgap.egress.certificate import certificate as certify
    from airgap.egress.facts import Facts
    from airgap.egress.network import Network
    from airgap.egress.verdict import prove as judge
    from airgap.evidence.files import write_whole
    from airgap.model.canonical import encode
    from airgap.run.estates import declared, files, parsed

    found = files(estate, certificate)
    with _as_aws_answers():
        network, admitted = Network(Facts(parsed(found))), declared(found, boundary)
        proof = judge(network, admitted, vpc or ())
    if certificate is not None:
        write_whole(certificate, encode(certify(network, admitted, proof, found)) + "\n")
    if as_json:
        output.document(proof.as_data())
    else:
        _say_proof(proof.as_data())
    return proof.exit_code


@contextmanager
def _as_aws_answers() -> Iterator[None]:
    """A page that does not have the form of AWS's answers is an error, and no verdict."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        what = f"a page does not have the form of AWS's answers: {error!r}"
        raise Unreadable(what, "anything", "record the estate again") from error


def _check(estate: Path, path: Path, boundary: Path | None, as_json: bool) -> int:
    """Verify a certificate with the independent checker alone: 3 where it does not hold, else its verdict's code."""
    from airgap.egress.checker import Checker
    from airgap.run.estates import certified, declared, files

    certificate, found = certified(path), files(estate, path)
    checker = Checker(certificate, found)
    problems = checker.run()
    own = declared(found, boundary).as_data()
    if (boundary or {"boundary.json", "intent.json"} & set(found)) and own != certificate.get("boundary"):
        problems.append("the certificate speaks of another boundary than the estate's own; give its file by --boundary")
    verdict = certificate.get("verdict")
    if as_json:
        output.document({"holds": not problems, "verdict": verdict, "leaves": checker.leaves, "problems": problems})
    else:
        for one in problems:
            output.say(one)
        output.say(f"the certificate {'does not hold' if problems else f'holds: {verdict}, {checker.leaves} leaves'}")
    return 3 if problems else {"proven": 0, "refuted": 3}.get(str(verdict), 4)


def _say_proof(data: Mapping[str, Any]) -> None:
    for one in data["vpcs"]:
        output.say(f"{one['vpc']}: {one['verdict']}")
        for each in one["subnets"]:
            closed = f"  closed only by {', '.join(each['closed_only_by'])}" if each["closed_only_by"] else ""
            output.say(f"  {each['subnet']}: {each['verdict']}{closed}")
    for one in data["witnesses"]:
        packet, route = one["packet"], one["route"]
        more = f" (and {len(one['subnets']) - 1} more)" if len(one["subnets"]) > 1 else ""
        port = f" port {packet['port']}" if packet["port"] is not None else ""
        output.say(f"\n{one['subnet']}{more} reaches {packet['destination']} by protocol {packet['protocol']}{port}")
        for number, hop in enumerate(one["hops"], 1):
            output.say(f"  {number:>2}  {hop['at']}: {hop['what']}")
        output.say(f"  by {route['table']} {route['destination']} to {route['target']}, ACL {one['acl']['id']} rule "
                   f"{one['acl']['rule']}; closes: {one['closes']}")  # fmt: skip
        for each in one["closed_only_by"]:
            output.say(f"  today closed only by: {each}")
    _say_channels(data)


def _say_channels(data: Mapping[str, Any]) -> None:
    output.say()
    for one in data["channels"]:
        if one["verdict"] != "proven":
            output.say(f"{one['channel']} {one['title']}: {one['verdict']}")
            for each in one["ways"]:
                output.say(f"  {each['resource']}: {each['what']}" + (f"; {each['closes']}" if each["closes"] else ""))
    for one in data["unknowns"]:
        output.say(f"unknown: {one['what']} (needs {one['needs']})")
    for one in data["relay"]:
        output.say(f"relay level: {one['subnet']} by way of {' -> '.join(one['path'])}")
    for one in data["residual"]:
        output.say(f"remains: {one}")
    proven = sum(one["verdict"] == "proven" for one in data["channels"])
    output.say(f"\n{data['verdict']}: {proven} of {len(data['channels'])} channels proven")


def _say_trace(data: Mapping[str, Any]) -> None:
    for number, hop in enumerate(data["hops"], 1):
        output.say(f"{number:>3}  {hop['at']}: {hop['what']}")
    where = " -> ".join(data["boundary"]) if data["boundary"] else data["at"]
    output.say(f"{data['outcome']}{': ' + data['reason'] if data['reason'] else ''} ({where or 'nowhere'})")
    for one in data["assumed"]:
        output.say(f"  assumed: {one}")


EXAMPLES: Mapping[Callable[..., int], tuple[str, ...]] = {
    prove: (
        "airgap prove estate",
        "airgap prove --check certificate.json estate",
        "airgap prove estate --vpc vpc-0a1b --boundary boundary.json",
    ),
    trace: ("airgap trace estate --from subnet-0a1b --to 8.8.8.8 --protocol tcp --port 443",),
}
