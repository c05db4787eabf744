"""
From a table of lesions to odds ratios, calibration and follow-up
=================================================================

A table is drawn by the computer: 400 lesions of 340 patients, some with two. It is no real cohort, and every number
below follows from the seed.
"""

# %%
# The table
# ---------

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from recanal.fitting.design import design_matrix
from recanal.stats.calibration import calibrate, calibration_curve
from recanal.stats.clustered import cluster_robust
from recanal.stats.clustered_roc import auc_clustered
from recanal.stats.logistic import fit_logistic, predicted_probabilities
from recanal.survival.incidence import cumulative_incidence, gray_test, incidence_at

rng = np.random.default_rng(7)
table = pd.DataFrame({"patient": np.r_[np.arange(340), rng.choice(340, 60, replace=False)]})
table["length_mm"] = rng.gamma(4, 5, 400)
table["blunt_stump"] = rng.integers(0, 2, 400)
table["vessel"] = rng.choice(["LAD", "LCX", "RCA"], 400)
odds = -2.2 + 0.05 * table["length_mm"] + 1.0 * table["blunt_stump"] + 0.6 * rng.normal(size=340)[table["patient"]]
table["failed"] = (rng.random(400) < 1 / (1 + np.exp(-odds))).astype(int)

# %%
# Odds ratios
# -----------
# Rows of one patient go together: the errors allow for it.

design = design_matrix(table, ["length_mm", "blunt_stump", "vessel"])
fit = fit_logistic(design, table["failed"], outcome="failed")
robust = cluster_robust(fit, design, table["failed"], table["patient"])
for row in robust.coefficients[1:]:
    print(f"{row.name:12} {row.odds_ratio:.2f} ({row.low_ratio:.2f} to {row.high_ratio:.2f})  P {row.p_value:.3g}")

# %%
# Discrimination and calibration
# ------------------------------
# On the data that the model was fitted to, both flatter; the summary says so.

predicted = predicted_probabilities(fit, design)
area = auc_clustered(predicted, table["failed"], table["patient"])
print(f"area under the curve {area.auc:.3f} ({area.low:.3f} to {area.high:.3f})")
print(*calibrate(table["failed"], predicted).warnings, sep="\n")

curve = calibration_curve(table["failed"], predicted)
figure, axis = plt.subplots(figsize=(4.5, 4.5))
axis.plot([0, 1], [0, 1], color="0.6", linewidth=1)
axis.plot(curve.predicted_share, curve.observed_share)
axis.fill_between(curve.predicted_share, curve.low_share, curve.high_share, alpha=0.2)
axis.set(xlabel="predicted share", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))
figure.tight_layout()

# %%
# Follow-up with death competing
# ------------------------------

months = np.ceil(rng.exponential(30, 400))
event = np.where(months > 36, 0, rng.choice([1, 2], 400, p=[0.7, 0.3]))
months = np.minimum(months, 36)
figure, axis = plt.subplots(figsize=(5.5, 3.8))
for value, label in ((0, "crossed"), (1, "failed")):
    chosen = (table["failed"] == value).to_numpy()
    incidence = cumulative_incidence(months[chosen], event[chosen])
    year = incidence_at(incidence, [12])[0]
    print(f"{label}: {100 * year.value:.1f} % ({100 * year.low:.1f} to {100 * year.high:.1f}) by 12 months")
    axis.step(incidence.time_value, incidence.incidence_share, where="post", label=label)
    axis.fill_between(incidence.time_value, incidence.low_share, incidence.high_share, step="post", alpha=0.2)
axis.set(xlabel="months", ylabel="revascularised", ylim=(0, 1))
axis.legend(frameon=False)
figure.tight_layout()
test = gray_test(months, event, table["failed"])
print(f"Gray's test: P {test.p_value:.3f}")
plt.show()
