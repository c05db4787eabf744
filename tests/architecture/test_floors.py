"""Imports run downward only, and the front door is light."""

import subprocess
import sys
from pathlib import Path

import house
import pytest

HEAVY = ("pydicom", "matplotlib", "numba", "SimpleITK", "scipy", "numpy", "typst", "nibabel")


def run(*command, cwd=house.ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def lint_imports(*, cwd):
    return run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache", cwd=cwd)


def test_floors_hold():
    result = lint_imports(cwd=house.ROOT)
    assert result.returncode == 0, result.stdout


def test_a_broken_floor_is_seen(tmp_path, monkeypatch):
    package = tmp_path / "upside_down"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "low.py").write_text("import upside_down.high\n")
    (package / "high.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_package = "upside_down"\n[[tool.importlinter.contracts]]\nname = "floors"\n'
        'type = "layers"\nlayers = ["upside_down.high", "upside_down.low"]\n'
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    result = lint_imports(cwd=tmp_path)
    assert result.returncode == 1
    assert "low is not allowed to import upside_down.high" in result.stdout


@pytest.mark.parametrize("room", house.ROOMS)
def test_every_room_is_on_the_plan(room):
    assert f"recanal.{room}" in house.text_of(house.ROOT / "pyproject.toml")
    assert f"| {room} |" in house.text_of(house.ROOT / "ARCHITECTURE.md")


def test_import_recanal_loads_nothing_heavy():
    code = "import sys, recanal; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    result = run(sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    assert "recanal" in loaded
    assert loaded.isdisjoint(HEAVY)
