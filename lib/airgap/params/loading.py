"""Find, check and load a params file: every problem at once, each with file, line, value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airgap.errors import ParamsError
from airgap.model.intent import Intent
from airgap.params import credentials, source
from airgap.params.forms import FORMS
from airgap.params.problems import Problem, Where, nearest, quoted, spell, touches, within
from airgap.params.rules import judge
from airgap.params.shapes import draft, leaves, validate
from airgap.params.source import Source

UNCHANGED = "the params file was only read, and no call was made"
"""What every error of this package leaves as it was."""


def project_root(start: Path | None = None) -> Path:
    """Return the folder at or above ``start`` (the working directory) that holds params/ and a project file.

    The project file is ``environment.yml`` or ``pyproject.toml``. Raises ``ParamsError`` when there is none.
    """
    begin = (start or Path.cwd()).resolve()
    for folder in (begin, *begin.parents):
        marked = any((folder / name).is_file() for name in ("environment.yml", "pyproject.toml"))
        if marked and (folder / "params").is_dir():
            return folder
    what = f"no folder at or above {begin} holds params/ beside environment.yml or pyproject.toml"
    raise ParamsError(what, UNCHANGED, "change to the project's folder, or give the path of a params file")


def load(name: str, root: Path | None = None) -> Intent:
    """Return the Intent of ``params/<name>.yaml``, or of a path that ends in .yaml.

    Raises one ``ParamsError`` that lists all problems of the file, or says which environments there are.
    """
    path = find(name, root)
    intent, errors = _examine(path)
    if intent is None or errors:
        raise _together(errors, path)
    return intent


def check(path: Path) -> list[ParamsError]:
    """Return every problem of a params file, in the order of its lines; an empty list when it can be loaded."""
    return _examine(Path(path))[1]


def find(name: str, root: Path | None = None) -> Path:
    """Return the params file of an environment, or the path itself where one is given (it ends in .yaml).

    Raises ``ParamsError`` for an environment that has no file.
    """
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    folder = (root or project_root()) / "params"
    path = folder / f"{name}.yaml"
    if path.parent == folder and path.is_file():
        return path
    known = sorted(item.stem for item in folder.glob("*.yaml"))
    near = nearest(name, known)
    what = f"no params file for environment {quoted(name)}; there are: {', '.join(known) or 'none'}"
    action = f"did you mean {near}?" if near else f"airgap params new {name}"
    raise ParamsError(what, UNCHANGED, action)


def _examine(path: Path) -> tuple[Intent | None, list[ParamsError]]:
    try:
        read = source.read(path)
    except OSError as error:
        what = f"{_shown(path)}: {error.strerror}"
        return None, [ParamsError(what, UNCHANGED, "give the path of a readable params file")]
    leaks = credentials.find(read)
    intent, problems = _problems(read, path.stem)
    secret = [leak.where for leak in leaks if leak.where]
    misspelt = {problem.meant for problem in problems}
    told = [
        problem
        for problem in problems
        if not any(within(problem.where, place) for place in secret)
        and not (problem.absent and problem.where in misspelt)
    ]
    found = sorted([*credentials.problems(leaks), *told], key=lambda problem: _line(read, problem))
    return intent, [_error(read, problem, path, leaks) for problem in found]


def _problems(read: Source, stem: str) -> tuple[Intent | None, list[Problem]]:
    """Return the Intent, if the shape is right, and what is wrong with it: shape first, then forms, then rules."""
    if read.data is None:
        return None, read.problems
    intent, misshapen = validate(read)
    view = intent or draft(read.data)
    mistyped = _places(misshapen)
    problems = misshapen + [problem for problem in read.problems if problem.line or problem.where not in mistyped]
    problems += _misformed(view, _places(problems))
    problems += judge(view, _places(problems))
    if ("environment",) not in _places(problems) and view.environment != stem:
        what = f"{quoted(view.environment)} is not the file's own name; allowed: {stem}"
        problems.append(Problem(("environment",), what, f"write {stem}, or rename the file"))
    return intent, problems


def _misformed(view: Intent, refused: set[Where]) -> Iterator[Problem]:
    """Yield the values of the right type but of the wrong form, at places that nothing has refused."""
    for where, name, value in leaves(view):
        form = FORMS.get(name)
        if form is None or any(touches(where, place) for place in refused) or form.accepts(value):
            continue
        meant = form.mend(str(value)) if form.mend else ""
        what = f"{quoted(value)} is not {form.noun}; allowed: {form.allowed}"
        yield Problem(where, what, f"did you mean '{meant}'?" if meant else "")


def _places(problems: list[Problem]) -> set[Where]:
    return {problem.where for problem in problems if problem.where}


def _line(read: Source, problem: Problem) -> int:
    return problem.line or read.place(problem.where).line


def _error(read: Source, problem: Problem, path: Path, leaks: list[credentials.Leak]) -> ParamsError:
    said = f"{spell(problem.where)}: {problem.what}" if problem.where else problem.what
    action = problem.action or f"correct the line and run: airgap params check --env {_named(path)}"
    return ParamsError(
        f"{_shown(path)}:{_line(read, problem)}: {credentials.mask(said, leaks)}",
        UNCHANGED,
        credentials.mask(action, leaks),
    )


def _shown(path: Path) -> str:
    """Return a path as ``params/demo.yaml`` when it lies in a params folder, else as given."""
    return f"params/{path.name}" if path.resolve().parent.name == "params" else str(path)


def _named(path: Path) -> str:
    """Return what ``--env`` takes for a file: the environment's name, or the path of one outside the project."""
    return path.stem if path.resolve().parent.name == "params" else str(path)


def _together(errors: list[ParamsError], path: Path) -> ParamsError:
    if len(errors) == 1:
        return errors[0]
    lines = [f"{error.what} ({error.action})" for error in errors]
    what = "\n  ".join([f"{_shown(path)}: {len(errors)} problems", *lines])
    return ParamsError(what, UNCHANGED, f"correct the lines and run: airgap params check --env {_named(path)}")
