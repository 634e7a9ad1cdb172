"""Commands that read: snapshot, endpoints, policy and params."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.cli.runs import Env
from airgap.errors import UsageError

params_app = typer.Typer(
    help="Params files: check, schema, new; reviews of mappings.", no_args_is_help=True, rich_markup_mode=None
)
ROLES = ("deployer", "verifier", "guardrails")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(command)


def snapshot(env: Env, out: Annotated[Path, typer.Option("--out", help="Folder to write; new or empty.")],
             as_json: Json = False) -> int:  # fmt: skip
    """Capture every read call of the table, with the boundary that the params declare. Changes nothing."""
    from airgap.run.snapshot import capture

    data = capture(env, out, output.progress)
    if as_json:
        output.document(data)
    else:
        output.say(f"{data['calls']} calls, {data['pages']} pages, {data['unanswered']} not answered -> {out}")
        for one in data["not_answered"]:
            output.say(f"  {one}")
    return 4 if data["unanswered"] else 0


def endpoints(
    env: Env,
    without: Annotated[str, typer.Option("--without", help="Say what stops when this endpoint is missing.")] = "",
    as_json: Json = False,
) -> int:
    """Show the derived endpoints, which component needs each, and their cost. Needs no AWS access."""
    from airgap.run.deriving import endpoint_table, removal

    if without:
        data = removal(env, without)
        if as_json:
            output.document(data)
        else:
            output.say(f"Without {without}:")
            for one in data["stops"]:
                output.say(f"  {one['component']} stops: {one['reason']}")
            if not data["stops"]:
                output.say("  nothing stops")
        return 0
    table = endpoint_table(env)
    if as_json:
        output.document(table)
        return 0
    for one in table["endpoints"]:
        output.say(f"{one['service']:<24} {one['kind']:<9} {', '.join(one['needed_by'])}")
    output.say(
        f"\n{len(table['endpoints'])} endpoints, about {table['monthly_usd']:.0f} USD a month ({table['prices']})"
    )
    return 0


def policy(env: Env, role: Annotated[str, typer.Option("--role", help="deployer, verifier or guardrails.")],
           as_json: Json = False) -> int:  # fmt: skip
    """Print least-privilege IAM policies from the code's own declarations, each within IAM's size limits."""
    from airgap.run.deriving import iam_policies

    if role not in ROLES:
        raise UsageError(f"--role {role!r} is not one of {', '.join(ROLES)}", "anything", "name one of them")
    output.document(iam_policies(env, role))
    return 0


@params_app.command("check", epilog=example("airgap params check --env demo"))
def check(env: Env = "demo", as_json: Json = False) -> int:
    """Check a params file, and name file, line, wrong value and what is allowed. 0: right, 64: wrong."""
    from airgap import params

    errors = params.check(params.find(env))
    if as_json:
        output.document({"env": env, "errors": [error.what for error in errors]})
    else:
        for error in errors:
            output.say(error.diagnostics())
        output.say(f"{env}: {len(errors) or 'no'} problems")
    return 64 if errors else 0


@params_app.command("schema", epilog=example("airgap params schema > params/schema.json"))
def schema(as_json: Json = False) -> int:
    """Print the JSON Schema of params files; --json changes nothing."""
    import json

    from airgap import params

    # In the order of the fields, as the file is kept.
    output.say(json.dumps(params.schema(), indent=2))
    return 0


@params_app.command("reviews", epilog=example("airgap params reviews --env demo --framework pci"))
def reviews(
    env: Env = "demo",
    framework: Annotated[str, typer.Option("--framework", help="Only this framework, by its id.")] = "",
    as_json: Json = False,
) -> int:
    """Print the mappings that no reviewer has decided in their version, as entries of `reviews` to fill in."""
    import json

    from airgap import params
    from airgap.controls import FRAMEWORKS, reviewed
    from airgap.controls.review import undecided

    wanted = [one for one in FRAMEWORKS if framework in ("", one.id)]
    if not wanted:
        known = ", ".join(one.id for one in FRAMEWORKS)
        raise UsageError(f"there is no framework {framework!r}", "anything", f"name one of {known}")
    register = params.load(env).reviews
    open_ = undecided(mapped for one in wanted for mapped in reviewed(one, register))
    if as_json:
        output.document({"env": env, "undecided": open_})
        return 0
    output.say(
        f"# {len(open_)} to decide: accepted, rejected or changed. What each says stands in mappings.csv of a run."
    )
    output.say("reviews:" if open_ else "# Nothing is left to review.")
    for one in open_:
        output.say("  - {" + ", ".join(f"{name}: {json.dumps(value)}" for name, value in one.items()) + "}")
    return 0


@params_app.command("new", epilog=example("airgap params new prod"))
def new(name: Annotated[str, typer.Argument(help="Name of the environment; params/NAME.yaml is written.")],
        as_json: Json = False) -> int:  # fmt: skip
    """Write a commented params file to start from; an existing one is never overwritten."""
    from airgap import params
    from airgap.evidence.files import write_whole

    path = params.project_root() / "params" / f"{name}.yaml"
    if path.exists():
        raise UsageError(f"{path.name} exists", "it", "choose another name, or edit it")
    write_whole(path, params.new(name))
    if as_json:
        output.document({"env": name, "path": f"params/{path.name}"})
    else:
        output.say(f"params/{name}.yaml written; set account, region and names, then: airgap params check --env {name}")
    return 0


EXAMPLES: Mapping[Callable[..., int], tuple[str, ...]] = {
    snapshot: ("airgap snapshot --env demo --out estate",),
    endpoints: ("airgap endpoints --env demo", "airgap endpoints --env demo --without s3"),
    policy: ("airgap policy --env demo --role deployer",),
}
