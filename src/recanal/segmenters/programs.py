"""Segmenters that run another program, which the user has installed with its weights.

None of them downloads anything: what is missing is said, and each program is started with its way to the network
closed by proxy settings that lead nowhere.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from recanal.anatomy.segmentation import VesselMask
from recanal.core.volume import Volume
from recanal.errors import InputError, OptionError
from recanal.interop import nifti_bytes
from recanal.interop.label_map import read_label_map
from recanal.segmenters.stored import chosen_labels, on_grid, parsed_mask

__all__ = ["LIMIT_S", "MonaiBundle", "NnUnet", "TotalSegmentator"]

LIMIT_S = 3600.0
_NOWHERE = "http://127.0.0.1:9"
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_ARTERY_WEIGHTS = ("Dataset509_*", "Dataset507_*", "Dataset503_*")
_HEART_WEIGHTS = ("Dataset298_*", "Dataset297_*")


def _run(command: Sequence[str], *, what: str, limit_s: float, settings: dict[str, str]) -> None:
    """Run a program to its end, offline; kill it and its children at the time limit."""
    env = shutil.which("env")
    if env is None:
        raise OptionError(f"{what} can be run on Linux and macOS only.", hint="Run it yourself and give mask=FILE.")
    offline = {**dict.fromkeys(_PROXIES, _NOWHERE), "no_proxy": "", "NO_PROXY": "", **settings}
    words = [env, *(f"{key}={value}" for key, value in offline.items()), *command]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        try:
            status = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise InputError(f"{what} took longer than {limit_s:g} s and was stopped.", hint=_ALONE) from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if status:
            said.seek(max(0, said.tell() - 4096))
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
            raise InputError(f"{what} ended with status {status}, saying {last[0][-200:]!a}.", hint=_ALONE)


_ALONE = "Run it by itself on the series, and give the result as mask=FILE."


def _command(name: str, *, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise OptionError(
            f"The command {name} was not found.",
            hint=f"Install the package {package} and its weights; recanal downloads neither.",
        )
    return found


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _only_result(folder: Path, what: str) -> Path:
    found = sorted(folder.rglob("*.nii.gz")) + sorted(folder.rglob("*.nii"))
    if len(found) != 1:
        raise InputError(f"{what} wrote {len(found)} NIfTI files, and one was expected.", hint=_ALONE)
    return found[0]


def _mask_in(path: Path, volume: Volume, *, labels: tuple[int, ...] = (), covers: str) -> VesselMask:
    values, affine = read_label_map(path, most_label=255)
    return VesselMask(on_grid(chosen_labels(values, labels), affine, volume), covers)


def _table(path: Path, what: str) -> dict[str, Any]:
    """A small JSON object of a model folder."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(
            f"{what} lacks a readable {path.name}.", hint="Give the folder of a trained model."
        ) from error
    if not isinstance(value, dict):
        raise OptionError(f"{path.name} of {what} is no JSON object.", hint="Give the folder of a trained model.")
    return value


class TotalSegmentator:
    """The task ``coronary_arteries`` of TotalSegmentator, as the user has installed it.

    Parameters
    ----------
    argument
        The folder of its weights; None for ``.totalsegmentator/nnunet/results`` in the home folder.
    limit_s
        Time after which it is stopped.

    Raises
    ------
    OptionError
        When the command or the weights of the arteries and of the heart are missing.

    Notes
    -----
    Wasserthal J, et al. Radiol Artif Intell 2023;5:e230024, doi:10.1148/ryai.230024. Its makers license this task
    apart from the others. What it marks is taken as the vessel, not the lumen alone.
    """

    def __init__(self, argument: str | None, *, limit_s: float = LIMIT_S) -> None:
        self._weights = Path(argument) if argument else Path.home() / ".totalsegmentator" / "nnunet" / "results"
        self._limit_s = limit_s
        self._program = _command("TotalSegmentator", package="TotalSegmentator")
        used = [self._weight(patterns) for patterns in (_ARTERY_WEIGHTS, _HEART_WEIGHTS)]
        self.details = {"weights": ", ".join(used), "task": "coronary_arteries"}

    def _weight(self, patterns: tuple[str, ...]) -> str:
        found = [path.name for pattern in patterns for path in sorted(self._weights.glob(pattern)) if path.is_dir()]
        if not found:
            raise OptionError(
                f"The folder of TotalSegmentator's weights holds no {' or '.join(patterns)}.",
                hint="Fetch them with TotalSegmentator's own totalseg_download_weights, or name the folder: "
                "totalsegmentator=FOLDER.",
            )
        return found[0]

    @property
    def name(self) -> str:
        """``"totalsegmentator"``."""
        return "totalsegmentator"

    @property
    def version(self) -> str:
        """Of the installed package."""
        return _installed("TotalSegmentator")

    def segment(self, volume: Volume, *, progress: Callable[[str], None]) -> VesselMask:
        """The arteries that it marks.

        Raises
        ------
        InputError
            When it fails, takes too long, or writes no mask.
        """
        progress("running TotalSegmentator")
        with tempfile.TemporaryDirectory(prefix="recanal-") as folder:
            source, out = Path(folder) / "ct.nii.gz", Path(folder) / "out"
            source.write_bytes(nifti_bytes(volume))
            words = [self._program, "-i", str(source), "-o", str(out), "-ta", "coronary_arteries"]
            settings = {"TOTALSEG_WEIGHTS_PATH": str(self._weights.absolute())}
            _run(words, what="TotalSegmentator", limit_s=self._limit_s, settings=settings)
            result = out / "coronary_arteries.nii.gz"
            if not result.is_file():
                raise InputError("TotalSegmentator wrote no coronary_arteries.nii.gz.", hint=_ALONE)
            return _mask_in(result, volume, covers="vessel")


class NnUnet:
    """A trained nnU-Net version 2 with one CT channel.

    Parameters
    ----------
    argument
        The model folder, which holds ``dataset.json``, ``plans.json`` and ``fold_*``; labels behind ``#`` as for
        ``mask``.
    limit_s
        Time after which it is stopped.

    Raises
    ------
    OptionError
        When the command is missing, or the folder is no such model.

    Notes
    -----
    Isensee F, et al. Nat Methods 2021;18:203, doi:10.1038/s41592-020-01008-z.
    """

    def __init__(self, argument: str | None, *, limit_s: float = LIMIT_S) -> None:
        self._folder, self._labels, self._covers = parsed_mask(argument, name="nnunet", what="folder")
        self._limit_s = limit_s
        self._program = _command("nnUNetv2_predict_from_modelfolder", package="nnunetv2")
        about = _table(self._folder / "dataset.json", "The nnU-Net model")
        channels = about.get("channel_names")
        if not isinstance(channels, dict) or len(channels) != 1:
            raise OptionError("The nnU-Net model does not take one channel.", hint="Use one trained on CT alone.")
        if about.get("file_ending") != ".nii.gz":
            raise OptionError("The nnU-Net model does not read .nii.gz.", hint="Use one trained on .nii.gz.")
        self._folds, self._checkpoint = self._trained()
        self.details = {"model": self._folder.absolute().name, "folds": " ".join(self._folds)}
        self.details["checkpoint"] = self._checkpoint

    def _trained(self) -> tuple[list[str], str]:
        """The folds to use, and the checkpoint that all of them have."""
        folds = sorted(path.name.removeprefix("fold_") for path in self._folder.glob("fold_*") if path.is_dir())
        numbered = [fold for fold in folds if fold.isdigit()] or folds
        for name in ("checkpoint_final.pth", "checkpoint_best.pth"):
            if numbered and all((self._folder / f"fold_{fold}" / name).is_file() for fold in numbered):
                return numbered, name
        raise OptionError(
            "The nnU-Net model has no weights: no fold_* with a checkpoint in each.", hint="Put the weights there."
        )

    @property
    def name(self) -> str:
        """``"nnunet"``."""
        return "nnunet"

    @property
    def version(self) -> str:
        """Of the installed package."""
        return _installed("nnunetv2")

    def segment(self, volume: Volume, *, progress: Callable[[str], None]) -> VesselMask:
        """The labels that it gives.

        Raises
        ------
        InputError
            When it fails, takes too long, or writes no mask.
        """
        progress("running nnU-Net")
        with tempfile.TemporaryDirectory(prefix="recanal-") as folder:
            source, out = Path(folder) / "in", Path(folder) / "out"
            source.mkdir()
            (source / "ct_0000.nii.gz").write_bytes(nifti_bytes(volume))
            words = [self._program, "-i", str(source), "-o", str(out), "-m", str(self._folder.absolute())]
            words += ["-f", *self._folds, "-chk", self._checkpoint]
            _run(words, what="nnU-Net", limit_s=self._limit_s, settings={})
            return _mask_in(_only_result(out, "nnU-Net"), volume, labels=self._labels, covers=self._covers)


class MonaiBundle:
    """A MONAI bundle for segmentation, run by the MONAI of the same Python.

    Parameters
    ----------
    argument
        The folder of the bundle, which holds ``configs/metadata.json``, ``configs/inference.json`` (or ``.yaml``) and
        the weights in ``models``; labels behind ``#`` as for ``mask``.
    limit_s
        Time after which it is stopped.

    Raises
    ------
    OptionError
        When MONAI is missing, or the folder is no such bundle.

    Notes
    -----
    Run with ``dataset_dir`` set to a folder that holds ``imagesTs/ct.nii.gz`` and ``output_dir`` to an empty one: the
    names that the bundles of the MONAI model zoo use. Cardoso MJ, et al. arXiv:2211.02701.
    """

    def __init__(self, argument: str | None, *, limit_s: float = LIMIT_S) -> None:
        self._folder, self._labels, self._covers = parsed_mask(argument, name="monai", what="folder")
        self._limit_s = limit_s
        if importlib.util.find_spec("monai") is None:
            raise OptionError(
                "The package monai is not installed.", hint="Install monai and torch; recanal downloads neither."
            )
        about = _table(self._folder / "configs" / "metadata.json", "The MONAI bundle")
        configs = [self._folder / "configs" / f"inference.{ending}" for ending in ("json", "yaml")]
        found = [path for path in configs if path.is_file()]
        if not found:
            raise OptionError("The MONAI bundle has no configs/inference.json or .yaml.", hint="Give a whole bundle.")
        if not any((self._folder / "models" / name).is_file() for name in ("model.pt", "model.ts")):
            raise OptionError("The MONAI bundle has no weights in models/.", hint="Put model.pt or model.ts there.")
        self._config = found[0]
        self.details = {"bundle": str(about.get("name", self._folder.absolute().name))}
        self.details["bundle_version"] = str(about.get("version", "unknown"))

    @property
    def name(self) -> str:
        """``"monai"``."""
        return "monai"

    @property
    def version(self) -> str:
        """Of the installed package."""
        return _installed("monai")

    def segment(self, volume: Volume, *, progress: Callable[[str], None]) -> VesselMask:
        """The labels that it gives.

        Raises
        ------
        InputError
            When it fails, takes too long, or writes no mask or several.
        """
        progress("running the MONAI bundle")
        with tempfile.TemporaryDirectory(prefix="recanal-") as folder:
            source, out = Path(folder) / "data", Path(folder) / "out"
            (source / "imagesTs").mkdir(parents=True)
            (source / "imagesTs" / "ct.nii.gz").write_bytes(nifti_bytes(volume))
            root = str(self._folder.absolute())
            words = [sys.executable, "-m", "monai.bundle", "run", "--bundle_root", root]
            words += ["--meta_file", f"{root}/configs/metadata.json", "--config_file", str(self._config.absolute())]
            words += ["--dataset_dir", str(source), "--output_dir", str(out)]
            _run(words, what="The MONAI bundle", limit_s=self._limit_s, settings={"PYTHONPATH": root})
            return _mask_in(_only_result(out, "The MONAI bundle"), volume, labels=self._labels, covers=self._covers)
