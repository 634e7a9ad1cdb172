"""What is sent to a host to try the network from there: a few modules of the standard library, as one text."""

from __future__ import annotations

from pathlib import Path

MODULES = ("names", "secure", "web", "asker")
"""The modules, each after those that it imports."""
_HEAD = """\
import json, sys, types
for name in ("airgap", "airgap.probes"):
    sys.modules[name] = types.ModuleType(name)
def load(name, text):
    one = sys.modules["airgap.probes." + name] = types.ModuleType("airgap.probes." + name)
    exec(compile(text, name, "exec"), one.__dict__)
    setattr(sys.modules["airgap.probes"], name, one)
    return one
"""
_TAIL = "print(json.dumps(load('asker', TEXT).main(json.loads(sys.argv[1]))))\n"


def script() -> str:
    """Return the program that a host's Python is given, with the probes as its one argument."""
    here = Path(__file__).parent
    texts = {name: (here / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    # As they stand, so that whoever reads a host's log of commands reads them.
    loads = "".join(f"load({name!r}, r'''{texts[name]}''')\n" for name in MODULES[:-1])
    return f"{_HEAD}{loads}TEXT = r'''{texts[MODULES[-1]]}'''\n{_TAIL}"
