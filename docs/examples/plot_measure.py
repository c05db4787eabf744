"""
One occlusion, measured and compared with its truth
===================================================

A phantom is a CT angiogram drawn by the computer, so what is in it is known. Here one is drawn, measured between two
points as ``recanal analyze`` does it, and the areas along the vessel are laid over the true ones. No file is read or
written. One phantom is an example and no proof; for that see the evidence pages.
"""

# %%
# The study
# ---------
# The box around one lesion. What is not given is drawn from the seed; seeds below 1,000 are free for tuning and
# examples.

import matplotlib.pyplot as plt
import numpy as np

from recanal.phantoms import PhantomOptions, make_phantom
from recanal.pipeline import measure_seeded

options = PhantomOptions(
    vessel="LAD",
    occlusion_length_mm=14.0,
    calcium="nodules",
    proximal_cap="blunt",
    distal_filling="good",
    margin_mm=18.0,
)
phantom = make_phantom(options, seed=33)
truth = phantom.truth
print("voxels:", phantom.volume.shape, " spacing, mm:", np.round(phantom.volume.spacing_mm, 2))

# %%
# The measurement
# ---------------
# Two points of open lumen, one on either side of the occlusion, are all that it is told.

result = measure_seeded(phantom.volume, truth.proximal_seed_mm, truth.distal_seed_mm, name="LAD")
(lesion,) = result.lesions
rows = (
    ("length, mm", lesion.length_mm, truth.length_mm),
    ("largest bend, degrees", lesion.bend_max_deg, truth.bend_max_deg),
    ("plaque, mm3", lesion.plaque.volume_mm3, truth.imaged.total_mm3),
    (
        "calcified share of a section",
        lesion.calcification.cross_section_max_ratio,
        truth.calcium.cross_section_max_ratio,
    ),
)
print(f"{'':30}{'measured':>9}  {'95 % interval':16}{'truth':>7}")
for words, found, known in rows:
    print(f"{words:30}{found.value:9.2f}  {found.low:6.2f} to {found.high:6.2f}{known:9.2f}")
print(f"\nproximal cap: {lesion.proximal_cap.shape}, truly {truth.proximal_cap_shape}")
print(f"confidence in the axis {lesion.bridge_confidence:.2f}; wall bridged {lesion.wall_bridged_percent:.0f} %")
print("flags:", "; ".join((*result.quality.flags, *lesion.flags)) or "none")

# %%
# Areas along the vessel
# ----------------------
# The truth is what was drawn, before the blur and the noise of the scanner. The measured wall of the open vessel is the
# lumen plus one fitted thickness; inside the occlusion it is traced. Distances are laid on each other at the true
# proximal cap.
#
# The distal end of this lumen is a taper. A cap lies at half of the contrast on the axis and not at the tip, and blur
# moves that place in a taper more than in a blunt end: there the measured and the true cap lie further apart.

contours, line = result.vessel.borders.contours, result.vessel.line
at_mm = line.arc_mm - line.nearest(truth.proximal_cap_mm)[0]
steps = np.linalg.norm(np.diff(truth.target.points_mm, axis=0), axis=1)
true_mm = np.concatenate([[0.0], np.cumsum(steps)]) - truth.proximal_arc_mm
shown = (true_mm >= at_mm[0]) & (true_mm <= at_mm[-1])

figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
axes.fill_between(at_mm, contours.lumen_area_mm2, color="#f2c200", alpha=0.7, label="lumen, measured")
axes.plot(at_mm, contours.wall_area_mm2, color="#d86f00", label="outer wall, measured")
axes.plot(true_mm[shown], np.pi * truth.target.lumen_radius_mm[shown] ** 2, "k--", label="lumen, true")
axes.plot(true_mm[shown], np.pi * truth.target.outer_radius_mm[shown] ** 2, "k:", label="outer wall, true")
gap = result.vessel.gaps[0]
start_mm = at_mm[0] - line.arc_mm[0]
for cap_mm, known_mm in ((gap.start_mm, truth.proximal_arc_mm), (gap.end_mm, truth.distal_arc_mm)):
    axes.axvline(cap_mm + start_mm, color="#0b5fa5")
    axes.axvline(known_mm - truth.proximal_arc_mm, color="black", linestyle="--", linewidth=0.8)
axes.set_ylim(bottom=0)
axes.set_xlabel("mm along the vessel from the true proximal cap (lines: caps, measured blue, true dashed)")
axes.set_ylabel("area, mm²")
axes.legend(loc="upper right", fontsize="small", ncols=2)
plt.show()
