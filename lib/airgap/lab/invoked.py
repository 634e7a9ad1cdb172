"""A Python of its own in which the package of functions runs, as Lambda would run it: one event a line, one answer.

It is run as a copy that lies in the unpacked package, from where Python imports, as Lambda's own runtime does; it
imports nothing of the runbook, so what answers is the code that is in the package.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path


def main(package: Path) -> None:
    """Answer every line of standard input: ``handler`` and ``event`` in, ``answer`` or ``error`` out."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        module, _, name = str(asked["handler"]).rpartition(".")
        try:
            found = importlib.import_module(module)
            if not Path(str(found.__file__)).is_relative_to(package):
                raise ImportError(f"{module} is {found.__file__}, which is not in the package")
            told = {"answer": getattr(found, name)(asked["event"], None)}
        except Exception as error:  # noqa: BLE001 - whatever a function raises is its answer, as in Lambda
            traceback.print_exc()
            told = {"error": type(error).__name__, "said": str(error)}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(__file__).parent)
