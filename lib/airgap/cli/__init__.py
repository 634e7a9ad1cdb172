"""The one entry point: ``airgap``. Exit codes: 0 clean, 1 broken, 2 changes, 3 failed, 4 unknown, 64 usage."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer
from typer.exceptions import TyperException

from airgap.cli import (
    bundle,
    estates,
    kit,
    labs,
    mirror,
    output,
    peer,
    pipeline,
    probes,
    proof,
    reaching,
    rehearsals,
    runs,
)
from airgap.errors import AirgapError, Interrupted, UsageError

HELP = """Deploys an air-gapped AWS EKS environment, proves it, and hands over the evidence.

\b
A first run, with no AWS account:
  airgap rehearse up            start the embedded AWS; set what it prints
  airgap plan --env demo        what would change (exit code 2: something would)
  airgap apply --env demo       deploy, verify, report
  airgap verify --env demo      judge again; drift is a failure
  airgap destroy --env demo     remove what is ours, and nothing else

\b
Exit codes: 0 clean, 1 a step broke, 2 changes are pending, 3 a finding failed,
4 unknown, not approved or waiting for a person, 64 wrong usage or parameters.
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
runs.register(app)
estates.register(app)
proof.register(app)
probes.register(app)
reaching.register(app)
app.add_typer(rehearsals.app, name="rehearse")
app.add_typer(labs.app, name="lab")
app.add_typer(mirror.app, name="mirror")
app.add_typer(kit.app, name="kit")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(bundle.app, name="bundle")
app.add_typer(peer.app, name="peer")
app.add_typer(estates.params_app, name="params")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and exit with its code; an error that a person can act on is shown without a traceback."""
    signal.signal(signal.SIGTERM, _terminated)
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(args=given, standalone_mode=False)
        # The command-line library makes this of Ctrl-C, and says nothing.
        code = _told(_INTERRUPTED, given) if code == 128 + signal.SIGINT else code
    except typer.Exit as ended:
        code = ended.exit_code
    except typer.Abort:
        code = _told(_INTERRUPTED, given)
    except TyperException as error:
        code = _misused(error.format_message(), given)
    except AirgapError as error:
        code = _told(error, given)
    except KeyboardInterrupt:
        code = _told(_INTERRUPTED, given)
    except BrokenPipeError:
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


_INTERRUPTED = Interrupted("Interrupted", "what the journal does not list as written", "run again")


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _misused(text: str, given: Sequence[str]) -> int:
    """Where no command was given, the text is the help itself."""
    if not text.startswith("Usage:"):
        return _told(UsageError(text, "anything", "'airgap COMMAND --help' shows what it takes"), given)
    sys.stderr.write(text + "\n")
    return UsageError.exit_code


def _told(error: AirgapError, given: Sequence[str]) -> int:
    """Say what happened on standard error; with ``--json`` standard output has its one document then too."""
    sys.stderr.write(f"airgap: {error.diagnostics()}\n")
    if "--json" in given:
        output.document({
            "error": type(error).__name__, "what": error.what, "unchanged": error.unchanged, "next": error.action,
            "exit_code": error.exit_code,
        })  # fmt: skip
    return error.exit_code
