"""How many patients a trial of two shares needs."""

from __future__ import annotations

from recanal.core.study import StudyCell, StudyRow, StudySection, StudyTable
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import SampleSizePlan
from recanal.stats.samplesize import size_two_shares
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import number_text

__all__ = ["run_sample_size"]

_POWERS = (0.8, 0.85, 0.9)


def run_sample_size(plan: SampleSizePlan, data: StudyData, context: Context) -> Finding:
    """Patients per arm, at the power that the plan names and at the usual ones beside it.

    Raises
    ------
    OptionError
        When a share, power or level cannot be.
    """
    powers = sorted({*_POWERS, plan.power_share})
    rows = [
        {
            "power": power,
            **plain_record(
                size_two_shares(
                    plan.control_share, plan.treated_share, power=power, level=1 - plan.alpha_share,
                    dropout_share=plan.dropout_share,
                )
            ),
            "code": code_path(size_two_shares),
        }
        for power in powers
    ]  # fmt: skip
    record = {
        "kind": "sample_size", "control": plan.control_share, "treated": plan.treated_share, "alpha": plan.alpha_share,
        "dropout": plan.dropout_share, "power": plan.power_share, "rows": rows,
    }  # fmt: skip
    body = []
    for number, row in enumerate(rows):
        source = f"/analyses/{plan.id}/rows/{number}"
        texts = (f"{100 * row['power']:g} %", str(row["per_arm_count"]), str(row["total_count"]))
        body.append(StudyRow(tuple(StudyCell(text, source) for text in texts)))
    shares = [number_text(100 * share, decimals=1) for share in (plan.control_share, plan.treated_share)]
    note = (
        f"Control {shares[0]} %, treated {shares[1]} %, two-sided alpha {plan.alpha_share:g}, "
        f"drop-out {100 * plan.dropout_share:g} %."
    )
    table = StudyTable(plan.id, plan.title, ("Power", "Per arm", "In all"), tuple(body), (note,))
    return Finding(record, StudySection(plan.id, plan.title, (table,)), (Used("sample_size", plan.title),))
