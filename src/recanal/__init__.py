"""recanal measures chronic total occlusions on CT angiograms. Research use only."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("recanal")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
