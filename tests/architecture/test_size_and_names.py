"""Size, names and habits of the source."""

import ast
import re

import house
import pytest

each_module = pytest.mark.parametrize("path", house.MODULES, ids=house.module_name)


@each_module
def test_functions_are_short(path):
    long = {n: k for n, k in house.function_lengths(house.text_of(path)).items() if k > house.MAX_FUNCTION_LINES}
    assert not long, f"{path.name}: over {house.MAX_FUNCTION_LINES} lines of code"


def test_length_rule_counts_code_alone():
    body = "".join(f"    a = {i}\n\n    # note\n" for i in range(41))
    text = f'def long():\n    """Say.\n\n    More.\n    """\n{body}'
    assert house.function_lengths(text) == {"long:1": 42}


@each_module
def test_modules_are_short(path):
    assert len(house.text_of(path).splitlines()) <= house.MAX_MODULE_LINES


@pytest.mark.parametrize("room", house.ROOMS)
def test_rooms_keep_their_budget(room):
    lines = sum(len(house.text_of(path).splitlines()) for path in (house.PACKAGE / room).rglob("*.py"))
    assert lines <= house.MAX_ROOM_LINES.get(room, house.MAX_ROOM_LINES_ELSEWHERE)


@each_module
def test_modules_name_an_idea(path):
    assert path.stem not in {"utils", "helpers", "util", "helper", "misc", "common"}


@each_module
def test_public_things_are_documented(path):
    assert house.undocumented(house.tree_of(path)) == []


def test_documentation_rule_sees_a_bare_method():
    assert house.undocumented(ast.parse('class A:\n    "Say."\n    def b(self): pass')) == ["A.b"]


@each_module
def test_quantities_carry_a_unit(path):
    assert house.without_unit(house.tree_of(path)) == [], "name the unit, or add a dimensionless word to house.py"


def test_unit_rule_sees_a_bare_length():
    source = "@dataclass\nclass A:\n    length: float\n    length_mm: float\n\ndef f(bend: float | None, on: bool): ..."
    assert house.without_unit(ast.parse(source)) == ["length", "bend"]


FORBIDDEN = {
    "print": r"(?<![\w.\"'`])print\(",
    "global random generator": r"np\.random\.(?!Generator|default_rng|SeedSequence)\w+|^\s*(import|from) random\b",
    "unfinished": "raise NotImplemented" + r"Error|\bTO" + r"DO\b|\bFIX" + r"ME\b|\bX" + r"XX\b",
    "configures logging": r"logging\.basicConfig",
}


@each_module
@pytest.mark.parametrize("habit", FORBIDDEN)
def test_source_has_no_forbidden_habit(path, habit):
    found = re.findall(FORBIDDEN[habit], house.text_of(path), flags=re.MULTILINE)
    assert not found, f"{path.name}: {habit}"


@pytest.mark.parametrize(
    ("habit", "line"),
    [
        ("print", "    print(1)"),
        ("global random generator", "x = np.random.normal()"),
        ("global random generator", "import random"),
        ("unfinished", "# TO" + "DO"),
        ("configures logging", "logging.basicConfig()"),
    ],
)
def test_forbidden_habits_are_seen(habit, line):
    assert re.search(FORBIDDEN[habit], line, flags=re.MULTILINE)


def test_a_generator_may_be_passed():
    assert not re.search(FORBIDDEN["global random generator"], "def f(rng: np.random.Generator): ...")


@each_module
def test_environment_is_read_by_the_doors_alone(path):
    if house.module_name(path).startswith("recanal.cli"):
        return
    assert not re.search(r"os\.environ|os\.getenv|from os import .*environ", house.text_of(path))


@each_module
def test_input_is_not_checked_by_assert(path):
    asserts = [node.lineno for node in ast.walk(house.tree_of(path)) if isinstance(node, ast.Assert)]
    assert asserts == []
