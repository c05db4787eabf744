"""What would a known truth look like?

Coronary CT angiograms drawn from a seed, each with its truth. The code that draws shares nothing with the code that
measures. Seeds below 1,000 are for tuning; evidence uses seeds from 10,000 on.
"""

from recanal.phantoms.build import make_phantom
from recanal.phantoms.calcium_scan import ArteryCalcium, CalciumScan, ScanCalcium, calcium_scan
from recanal.phantoms.decoys import decoys
from recanal.phantoms.options import PhantomOptions, draw_options
from recanal.phantoms.truth import CalciumTruth, Composition, Course, Phantom, PhantomTruth

__all__ = [
    "ArteryCalcium",
    "CalciumScan",
    "CalciumTruth",
    "Composition",
    "Course",
    "Phantom",
    "PhantomOptions",
    "PhantomTruth",
    "ScanCalcium",
    "calcium_scan",
    "decoys",
    "draw_options",
    "make_phantom",
]
