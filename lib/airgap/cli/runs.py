"""Commands that make a run, and those that look at one: plan, apply, verify, destroy, approve, status, diff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json

Env = Annotated[str, typer.Option("--env", help="Environment: the name of a file in params/, or a path.")]
Only = Annotated[list[str] | None, typer.Option("--only", help="Step to run; may be given several times.")]
Start = Annotated[str, typer.Option("--from", help="First step to run; all later ones follow.")]
Approve = Annotated[str, typer.Option("--approve", help="Digest of an approved plan, of the run or of one step.")]
RunId = Annotated[str, typer.Option("--run-id", help="Name of the run; empty: a new one by time.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Notebooks executed at the same time.")]
Pdf = Annotated[
    bool, typer.Option("--pdf/--no-pdf", help="Write the reports as PDF too; it takes some seconds a step.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command, lines in EXAMPLES.items():
        app.command(epilog=output.example(*lines))(command)


def plan(
    env: Env,
    only: Only = None,
    start: Start = "",
    run_id: RunId = "",
    jobs: Jobs = 2,
    pdf: Pdf = True,
    as_json: Json = False,
) -> int:
    """Show what would change, and keep the plan under its digest. Changes nothing. 0: nothing, 2: changes."""
    return _run("plan", env, only, start, "", run_id, jobs, pdf, as_json)


def apply(env: Env, only: Only = None, start: Start = "", approve: Approve = "", run_id: RunId = "",
          jobs: Jobs = 2, pdf: Pdf = True, as_json: Json = False) -> int:  # fmt: skip
    """Bring the account to the declared state, verify it and write the evidence. Needs an approved plan."""
    return _run("apply", env, only, start, approve, run_id, jobs, pdf, as_json)


def verify(
    env: Env,
    only: Only = None,
    start: Start = "",
    run_id: RunId = "",
    jobs: Jobs = 2,
    pdf: Pdf = True,
    as_json: Json = False,
) -> int:
    """Read everything again and judge it; drift is a failure. Changes nothing."""
    return _run("verify", env, only, start, "", run_id, jobs, pdf, as_json)


def destroy(env: Env, only: Only = None, start: Start = "", approve: Approve = "", run_id: RunId = "",
            jobs: Jobs = 2, pdf: Pdf = True, as_json: Json = False) -> int:  # fmt: skip
    """Remove what is ours, and nothing else, after showing it. Needs approval as apply does."""
    return _run("destroy", env, only, start, approve, run_id, jobs, pdf, as_json)


def drill(
    env: Env,
    what: Annotated[
        str, typer.Argument(help="restore: a copy of the database; failover: both stores; index: vectors.")
    ],
    approve: Approve = "",
    as_json: Json = False,
) -> int:
    """Try a restore or a failover, or build the index of vectors once there are rows, and keep the evidence of it.

    A drill is a run of its own and needs approval. It may be repeated. An index of many rows is built by the server for
    as long as it takes, while the table is in use; the drill asks until it stands, and may be interrupted meanwhile.
    """
    from airgap.run.drills import drill as carried_out

    data = carried_out(what, env, approve, output.progress)
    if as_json:
        output.document(data)
    else:
        output.say(f"{what}: verdict {data['verdict'] or 'none'}; report reports/{env}/latest/index.html")
    return int(data["exit_code"])


def _run(mode: str, env: str, only: list[str] | None, start: str, approve: str, run_id: str, jobs: int, pdf: bool,
         as_json: bool) -> int:  # fmt: skip
    from airgap.run.runner import run

    data = run(
        mode,
        env,
        only=only or (),
        start=start,
        approve=approve,
        run_id=run_id,
        jobs=jobs,
        progress=output.progress,
        pdf=pdf,
    )
    if as_json:
        output.document(data)
    else:
        _summary(data)
    return int(data["exit_code"])


def _summary(data: Mapping[str, Any]) -> None:
    width = max(len(step["name"]) for step in data["steps"])
    output.say(f"\n{'step'.ljust(width)}  status      verdict   changes  seconds")
    for step in data["steps"]:
        row = f"{step['status']:<11} {step['verdict'] or '-':<9} {step['changes']:>7}  {step['seconds']:>7.1f}"
        output.say(f"{step['name'].ljust(width)}  {row}")
        if step["status"] != "completed":
            output.say(f"{' ' * width}  {step.get('message') or step['error']}")
    if data["mode"] == "plan":
        output.say(f"\nPlan digest  {data['plan_digest']}")
        output.say(f"To apply     airgap apply --env {data['env']} --approve {data['plan_digest']}")
    world = "" if data["world"] == "aws" else f"; world {data['world']}, so this is no production evidence"
    output.say(f"\nVerdict {data['verdict'] or 'none'}, exit code {data['exit_code']}{world}")
    untested = {name for one in data["not_tested"] for name in one["properties"]} if data["mode"] != "plan" else set()
    if untested:
        output.say(f"Not tested, wholly or in part: {len(untested)} properties; the report lists them with the reason")
    output.say(f"Report  reports/{data['env']}/latest/index.html")


def approve(env: Env, digest: Annotated[str, typer.Argument(help="The 64 hex digits that plan printed.")],
            as_json: Json = False) -> int:  # fmt: skip
    """Record who approves a kept plan, beside the plan; the caller is whom STS names."""
    from airgap.run.looking import record_approval

    approval = record_approval(env, digest)
    if as_json:
        output.document(approval)
    else:
        output.say(f"{approval['approver']['arn']} approves plan {digest} ({approval['changes']} changes)")
    return 0


def status(env: Env, as_json: Json = False) -> int:
    """Show how the last run of an environment ended; the exit code is that run's."""
    from airgap.run.looking import last_run

    data = last_run(env)
    if as_json:
        output.document(data)
    else:
        output.say(f"Run {data['run_id']}: {data['mode']}, {data['started']} to {data['ended']}, world {data['world']}")
        _summary(data)
    return int(data["exit_code"])


def diff(
    env: Env,
    before: Annotated[str, typer.Argument(help="Earlier run id; empty: the last but one.")] = "",
    after: Annotated[str, typer.Argument(help="Later run id; empty: the last.")] = "",
    as_json: Json = False,
) -> int:
    """Show what changed between two runs: findings, declared fields, verdicts. 0: nothing, 2: something."""
    from airgap.run.looking import difference

    data = difference(env, before, after)
    if as_json:
        output.document(data)
    else:
        output.say(f"{data['before']} -> {data['after']}: {len(data['changes'])} differences")
        for one in data["changes"]:
            output.say(
                f"  {one['what']} {one['name']}: {one['before'] or 'not there'} -> {one['after'] or 'not there'}"
            )
    return 2 if data["changes"] else 0


EXAMPLES: Mapping[Callable[..., int], tuple[str, ...]] = {
    plan: ("airgap plan --env demo", "airgap plan --env demo --only network --json"),
    apply: ("airgap apply --env demo --approve DIGEST", "airgap apply --env demo --from network --approve DIGEST"),
    verify: ("airgap verify --env demo", "airgap verify --env demo --only attest --no-pdf --json"),
    destroy: ("airgap destroy --env demo", "airgap destroy --env demo --only endpoints --approve DIGEST"),
    drill: ("airgap drill --env demo restore", "airgap drill --env prod failover --approve DIGEST"),
    approve: ("airgap approve --env prod DIGEST",),
    status: ("airgap status --env demo", "airgap status --env demo --json"),
    diff: ("airgap diff --env demo", "airgap diff --env demo 20261123T085012Z-ab12 20261124T085012Z-cd34"),
}
