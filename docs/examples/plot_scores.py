"""
Scores from typed findings
==========================

A score needs findings, not pixels. Here they are typed, two of them with the interval of a measurement, and one
fact that several scores ask for is left out: whether an earlier attempt at the same occlusion failed.
"""

# %%
# The findings
# ------------
# Names, types and ranges are checked; what is left out is not known, which is not the same as "no".

import matplotlib.pyplot as plt
import numpy as np

from recanal.core.findings import Findings
from recanal.scores import evaluate, evaluate_all, load_sheet

findings = Findings.from_mapping(
    {
        "vessel": "RCA",
        "length_mm": {"value": 21.0, "low": 18.0, "high": 24.0, "source": "ct"},
        "bend_max_deg": {"value": 38.0, "low": 30.0, "high": 47.0, "source": "ct"},
        "proximal_cap_shape": "blunt",
        "calcification_any": True,
        "calcification_severe": False,
    }
)

# %%
# One score
# ---------
# The total is None while the missing fact could change it. Its bounds hold in any case, and the missing fact is
# named.

result = evaluate(load_sheet("j_cto_ct"), findings)
print(f"{result.name}: {result.points} points, between {result.points_min:g} and {result.points_max:g}")
print("to find out:", ", ".join(result.missing))
for item in result.items:
    prob = "not known" if item.prob is None else f"applies with probability {item.prob:.2f}"
    print(f"  {item.definition}  {prob}")

# %%
# Once the fact is known, the strata get probabilities, because a length of 18 to 24 mm may lie on either side of 20 mm.

known = findings.merged(Findings.from_mapping({"prior_failed_attempt": False}))
result = evaluate(load_sheet("j_cto_ct"), known)
print(f"{result.points:g} points, {result.stratum}")
for stratum, prob in result.stratum_probabilities.items():
    print(f"  {stratum}: {prob:.2f}")

# %%
# Every score that the findings can bear on
# -----------------------------------------
# A bar reaches from the least to the most points that the findings allow. The wider it is, the more the score still
# needs to know.

results = evaluate_all(findings)
rows = np.arange(len(results))
low = np.array([result.points_min for result in results])
high = np.array([result.points_max for result in results])
figure, axes = plt.subplots(figsize=(7, 0.5 + 0.4 * len(results)), layout="constrained")
axes.barh(rows, high - low, left=low, height=0.5)
axes.plot(low, rows, "|", color="black", markersize=12)
axes.plot(high, rows, "|", color="black", markersize=12)
axes.set_yticks(rows, [result.name for result in results])
axes.invert_yaxis()
axes.set_xlim(left=0)
axes.set_xlabel("points")
plt.show()
