"""Every notebook has the same thin skeleton: prose, order and views; what it does is in the library, so diffs are read.

The code cells are compared as text. That is what keeps loops, imports, magics and decisions out of them.
"""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from airgap.steps import STEPS

NOTEBOOKS = sorted(Path(__file__).parents[2].joinpath("notebooks").glob("*.ipynb"))
SECTIONS = ["About", "Bind", "Look", "Plan", "Approve", "Apply", "Verify", "Evidence", "Undo"]
ABOUT = ["Purpose", "For whom", "Takes", "Changes", "Costs", "Needs", "Covers", "To undo"]
PARAMETERS = {"env": '"demo"', "mode": '"plan"', "approve": '""', "run_id": '""'}
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
OPEN = """from airgap.notebook import open_step

step = open_step("{step}", env=env, mode=mode, approve=approve, run_id=run_id)
step"""
LOOK = re.compile(r'step\.look\("[a-z]+(-[a-z]+)*"\)')
STEPS_OF_A_STEP = {
    "Plan": "plan = step.plan()\nplan",
    "Approve": "step.approve(plan)",
    "Apply": "step.apply(plan)",
    "Verify": "step.verify()",
    "Evidence": "step.close()",
    "Undo": "step.undo()",
}

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_by_section(notebook: dict[str, Any]) -> dict[str, list[str]]:
    """The sources of the code cells under each second-level heading."""
    sections: dict[str, list[str]] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            sections[list(sections)[-1]].append(text(cell))
        else:
            sections.update((heading, []) for heading in re.findall(r"^## (.+)$", text(cell), re.MULTILINE))
    return sections


def test_each_step_has_one_notebook_and_each_notebook_one_step() -> None:
    assert [path.stem for path in NOTEBOOKS] == [step.folder for step in STEPS]


@every_notebook
def test_title_is_the_steps(path: Path) -> None:
    titles = {step.folder: f"# {step.number:02d} {step.title}" for step in STEPS}
    assert text(read(path)["cells"][0]).splitlines()[0] == titles[path.stem]


@every_notebook
def test_sections_in_their_order_and_nothing_but_the_skeleton_in_code(path: Path) -> None:
    sections = code_by_section(read(path))
    assert list(sections) == SECTIONS
    assert len(sections.pop("About")) == 1
    assert sections.pop("Bind") == [OPEN.format(step=path.stem.split("_", 1)[1])]
    looks = sections.pop("Look")
    assert looks
    assert all(LOOK.fullmatch(source) for source in looks)
    assert len(set(looks)) == len(looks)
    assert sections == {name: [source] for name, source in STEPS_OF_A_STEP.items()}


@every_notebook
def test_parameters_are_four_strings_that_papermill_reads(path: Path) -> None:
    tagged = [cell for cell in read(path)["cells"] if cell["metadata"].get("tags")]
    assert [cell["metadata"] for cell in tagged] == [{"tags": ["parameters"]}]
    assert text(tagged[0]).count("\n") == len(PARAMETERS) - 1
    seen = papermill.inspect_notebook(str(path))
    assert {name: found["default"] for name, found in seen.items()} == PARAMETERS
    assert {found["inferred_type_name"] for found in seen.values()} == {"str"}
    assert all(len(found["help"]) > 10 for found in seen.values())


@every_notebook
def test_about_answers_what_a_reader_asks_first(path: Path) -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", text(read(path)["cells"][0]), re.MULTILINE)
    assert [name for name, _ in rows] == ABOUT
    assert all(answer.strip() for _, answer in rows)


@every_notebook
def test_prose_before_each_cell_says_what_to_see(path: Path) -> None:
    cells = read(path)["cells"]
    for prose, code in zip(cells, cells[1:], strict=False):
        if code["cell_type"] == "code" and text(code) not in {"step.undo()", text(cells[1])}:
            assert prose["cell_type"] == "markdown"
            assert re.search(r"\*\*If\s[^*]+\*\*", text(prose)), f"{code['id']}: no sentence says when it is OK"


@every_notebook
def test_file_is_what_git_can_show(path: Path) -> None:
    notebook = read(path)
    canonical = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert path.read_text(encoding="utf-8") == canonical
    assert notebook["metadata"] == METADATA
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    nbformat.validate(notebook)


@every_notebook
def test_cells_are_small_named_and_empty_of_results(path: Path) -> None:
    cells = read(path)["cells"]
    names = [cell["id"] for cell in cells]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names), "ids are given by hand, and so stay"
    for cell in cells:
        if cell["cell_type"] == "code":
            assert len(text(cell).splitlines()) <= 4
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
