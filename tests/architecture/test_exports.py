"""``__all__`` says what a module offers; doctests say what is true."""

import doctest
import importlib

import house
import pytest

CODE = [path for path in house.MODULES if house.has_code(house.tree_of(path)) and path.name != "__main__.py"]
each_module = pytest.mark.parametrize("path", CODE, ids=house.module_name)


@each_module
def test_every_module_lists_what_it_offers(path):
    names = house.exported(house.tree_of(path))
    assert names is not None, "no __all__"
    assert len(names) == len(set(names))
    if path.name != "__init__.py":
        assert house.public_definitions(house.tree_of(path)) <= set(names)


@each_module
def test_everything_listed_exists(path):
    module = importlib.import_module(house.module_name(path))
    assert [name for name in house.exported(house.tree_of(path)) or [] if not hasattr(module, name)] == []


@each_module
def test_examples_in_docstrings_hold(path):
    module = importlib.import_module(house.module_name(path))
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
