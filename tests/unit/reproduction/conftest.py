"""The slow fits, once for all tests of the room."""

import pytest

from recanal.reproduction import xiao, xing
from recanal.reproduction.paper import read_paper
from recanal.reproduction.xiao_items import score_table
from recanal.reproduction.xing_plaque import plaque_pool


@pytest.fixture(scope="session")
def fitted():
    """Populations behind the two cohorts."""
    return plaque_pool(read_paper("xing_2022")), score_table(read_paper("xiao_2021"))


@pytest.fixture
def quick(fitted, monkeypatch):
    """The fits in place of the functions that make them."""
    pool, table = fitted
    monkeypatch.setattr(xing, "plaque_pool", lambda paper: pool)
    monkeypatch.setattr(xiao, "score_table", lambda paper: table)
