"""Where compiled code is kept when nothing can be written to."""

from pathlib import Path

import pytest
from numba.core import config

from recanal.cli import kernels


@pytest.fixture
def no_variable(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv(kernels.VARIABLE, "")
        patch.setattr(kernels.atexit, "register", lambda *args, **kwargs: None)
        yield
    config.reload_config()


@pytest.mark.parametrize("lasting", ["installation", "user"])
def test_a_lasting_folder_is_left_alone(no_variable, monkeypatch, capsys, lasting):
    places = {"grids": "installation"}
    monkeypatch.setattr(kernels, "_is_writable", lambda folder: places.get(folder.parent.name, "user") == lasting)
    kernels.ensure_cache()
    assert kernels.os.environ[kernels.VARIABLE] == ""
    assert capsys.readouterr().err == ""


def test_without_one_a_folder_of_this_run_alone_is_set_and_said(no_variable, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(kernels, "_is_writable", lambda folder: False)
    monkeypatch.setattr(kernels.tempfile, "tempdir", str(tmp_path))
    kernels.ensure_cache()
    folder = Path(kernels.os.environ[kernels.VARIABLE])
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    (line,) = capsys.readouterr().err.splitlines()
    assert "this run compiles anew" in line
    kernels.ensure_cache()
    assert capsys.readouterr().err == ""


def test_a_folder_that_is_a_file_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("x")
    assert not kernels._is_writable(tmp_path / "file" / "inside")
    assert kernels._is_writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
