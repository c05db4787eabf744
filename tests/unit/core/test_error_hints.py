"""Every file that cannot be read says what to do about it."""

import ast
from pathlib import Path

import pytest

import recanal
from recanal.errors import HINTS, ReadError

SOURCE = Path(recanal.__file__).parent


def unadvised():
    """Rules given where a reading error is raised without a hint, and all other words of the source."""
    rules, words = {}, set()
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and file.name != "errors.py":
                words.add(node.value)
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if name not in ("ReadError", "refused") or "hint" in given:
                continue
            rule = given.get("rule") or (node.args[1] if name == "refused" and len(node.args) > 1 else None)
            if isinstance(rule, ast.Constant):
                rules[rule.value] = f"{file.relative_to(SOURCE)}:{node.lineno}"
    return rules, words


def test_every_rule_has_advice_and_no_advice_is_left_over():
    rules, words = unadvised()
    assert len(rules) > 40
    assert {rule: where for rule, where in rules.items() if rule not in HINTS} == {}
    assert [rule for rule in HINTS if rule not in words] == []


@pytest.mark.parametrize(("hint", "said"), [("", HINTS["truncated"]), ("Ask the sender.", "Ask the sender.")])
def test_the_advice_of_the_place_goes_before_that_of_the_rule(hint, said):
    error = ReadError("The file ends within an element.", hint=hint, file="a.dcm", rule="truncated")
    assert str(error) == f"a.dcm: [truncated] The file ends within an element. {said}"
