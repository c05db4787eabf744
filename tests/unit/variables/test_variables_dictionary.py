"""The data dictionary: complete, well formed, and in step with the findings vocabulary."""

import re

import pytest

from recanal.core.findings import vocabulary
from recanal.errors import CohortError
from recanal.variables import derived_timing, derived_variables, extended, load_dictionary, parse_dictionary
from recanal.variables.dictionary import as_plain

BOOK = load_dictionary()
NAMES = {name for table in BOOK for name in table.names} | {derived.name for derived in derived_variables()}

# every row of the papers' tables, typed from them, and the variables that hold it
PAPER_ROWS = {
    "Xing 2022, Table 1": {
        "Age": ["age_years"],
        "Male gender": ["sex"],
        "BMI": ["bmi_kg_m2", "bmi_computed_kg_m2"],
        "LVEF": ["lvef_percent"],
        "Diabetes mellitus": ["diabetes"],
        "Hypertension": ["hypertension"],
        "Hyperlipidemia": ["hyperlipidaemia"],
        "Smoking history": ["smoking_history"],
        "Prior failed attempt": ["prior_failed_attempt"],
        "Previous myocardial infarction": ["prior_mi"],
        "Occlusion time > 12 months or unknown": ["occluded_over_12_mo_or_unknown", "duration_over_12_mo_or_unknown"],
        "Previous PCI": ["prior_pci"],
        "Previous CABG": ["prior_cabg"],
        "Previous stroke or TIA": ["prior_stroke_or_tia"],
        "Renal disease": ["renal_disease"],
        "eGFR": ["egfr_ml_min", "egfr_ckd_epi_2021_ml_min", "egfr_mdrd_ml_min"],
        "TG": ["triglycerides_mmol_l"],
        "TC": ["total_cholesterol_mmol_l"],
        "HDL": ["hdl_mmol_l"],
        "LDL": ["ldl_mmol_l"],
        "FBG": ["fasting_glucose_mmol_l"],
        "HbA1c": ["hba1c_percent"],
    },
    "Xing 2022, Table 2": {
        "Location": ["vessel"],
        "Blunt stump": ["blunt"],
        "Bending > 45": ["bend_over_45_deg", "bend_above_45_deg"],
        "Ostial location": ["ostial"],
        "Length > 20 mm": ["length_over_20_mm", "length_above_20_mm"],
        "Any calcification": ["calcification_any"],
        "Heavy calcification": ["calcification_heavy"],
        "Rentrop grade >= 2": ["rentrop_grade", "rentrop_at_least_2"],
        "Multiple occlusion": ["multiple_occlusions"],
        "Proximal branches": ["proximal_side_branch"],
        "Bridge collateral": ["bridging_collaterals"],
        "J-CTO score": ["j_cto_points"],
        "Guiding catheter": ["guide_catheter_fr"],
        "Simultaneous PCI": ["simultaneous_pci"],
        "Retrograde injection": ["retrograde_injection"],
        "Retrograde wiring approach": ["retrograde_wiring"],
        "Number of guidewires": ["guidewires_count"],
        "Procedural success": ["procedural_success"],
        "Complications": ["complication"],
        "Crossing in <= 30 min": ["crossed_within_30_min", "crossed_in_30_min", "crossing_min"],
    },
    "Xing 2022, Tables 3 and 4": {
        "Occlusion length": ["ct_length_mm"],
        "Total plaque volume": ["plaque_volume_mm3"],
        "DC volume": ["dense_calcium_volume_mm3", "dense_calcium_present"],
        "Non-calcified volume": ["noncalcified_volume_mm3", "noncalcified_computed_mm3"],
        "Fibrous volume": ["fibrous_volume_mm3"],
        "FF volume": ["fibrofatty_volume_mm3"],
        "NC volume": ["necrotic_core_volume_mm3"],
        "DC PAV": ["dense_calcium_percent", "dense_calcium_share_percent"],
        "Fibrous PAV": ["fibrous_percent", "fibrous_share_percent"],
        "FF PAV": ["fibrofatty_percent", "fibrofatty_share_percent"],
        "NC PAV": ["necrotic_core_percent", "necrotic_core_share_percent"],
    },
    "Xing 2022, Table S2": {
        "Proximal branch": ["ct_proximal_side_branch"],
        "Proximal blunt stump": ["ct_blunt"],
        "Lesion length >= 15 mm": ["ct_length_15_mm_or_more", "ct_length_at_least_15_mm"],
        "Lesion length >= 20 mm": ["ct_length_20_mm_or_more", "ct_length_at_least_20_mm"],
        "Bending > 45": ["ct_bend_over_45_deg", "ct_bend_above_45_deg"],
        "Any calcification": ["ct_calcification_any"],
        "Severe calcification": ["ct_calcification_severe"],
        "Distal branch": ["ct_distal_branch"],
        "Multiple occlusion": ["ct_multiple_occlusions"],
        "CTA-JCTO score": ["ct_j_cto_points"],
    },
    "Xiao 2021, Table 1": {
        "Collateral": ["interventional_collaterals", "rentrop_grade"],
        "Tortuosity": ["proximal_tortuosity"],
        "Age >= 75": ["age_at_least_75"],
        "Previous failure": ["prior_failed_attempt"],
        "CL score": ["cl_points"],
    },
    "Xiao 2021, Table 2": {
        "Blunt occlusion": ["blunt"],
        "Calcification": ["calcification_any", "calcification_grade"],
        "Curvature": ["intralesional_curvature"],
        "Occlusion length >= 20 mm": ["length_20_mm_or_more"],
        "Distal occlusion": ["distal_vessel_diseased"],
        "Collateral circulation Rentrop score < 2": ["rentrop_below_2"],
        "In-stent occlusion": ["in_stent"],
        "Initial occlusion": ["ostial"],
        "Target vessel CABG": ["target_vessel_prior_cabg"],
        "Annual volume": ["operator_annual_cto_volume"],
        "CTO-PCI time": ["operator_cto_years"],
        "Success of the last year": ["operator_last_year_success_percent"],
    },
    "Xing 2022, Table S1": {
        "J-CTO score": ["j_cto_points"],
        "Procedural success": ["procedural_success"],
    },
    "Xiao 2021, Table 3": {
        "Age (year)": ["age_years"],
        "Male": ["sex"],
        "BMI": ["bmi_kg_m2"],
        "Hypertension": ["hypertension"],
        "Hyperlipidemia": ["hyperlipidaemia"],
        "Smoking": ["smoking_history"],
        "Previous PCI history": ["prior_pci"],
        "Previous CABG history": ["prior_cabg"],
        "Previous MI history": ["prior_mi"],
        "LVEF": ["lvef_percent"],
        "Impaired glucose tolerance": ["impaired_glucose_tolerance"],
        ">= NYHA III": ["nyha_class", "nyha_at_least_3"],
        ">= CKD III": ["ckd_stage", "ckd_at_least_3"],
        ">= 2 major coronary artery lesions": ["diseased_major_arteries_count", "two_or_more_major_arteries"],
        "Clinic symptoms": ["presentation", "acute_coronary_syndrome"],
        "LVEF bands": ["lvef_at_least_50", "lvef_below_40"],
    },
    "Xiao 2021, Table 4": {
        "CTO target vessel": ["vessel"],
        "Blunt occlusion": ["blunt"],
        "Calcification": ["calcification_any"],
        "Initial occlusion": ["ostial"],
        "J-CTO score": ["j_cto_points"],
        "Dominance": ["dominance"],
        "Rentrop < 2": ["rentrop_below_2"],
        "Curvature": ["intralesional_curvature"],
        "Length >= 20 mm": ["length_20_mm_or_more"],
        "Distal occlusion": ["distal_vessel_diseased"],
        "In-stent occlusion": ["in_stent"],
        "PROGRESS-CTO": ["progress_cto_points"],
        "ORA": ["ora_points"],
        "RECHARGE": ["recharge_points"],
        "Operator-CTO": ["operator_cto_points"],
    },
    "Xiao 2021, Tables 5 to 7": {
        "6F guide tube, 7F guide tube": ["guide_catheter_fr"],
        "CTO-PCI procedural success": ["procedural_success"],
        "Acute coronary syndrome": ["acute_coronary_syndrome"],
        "LVEF < 40%": ["lvef_below_40"],
        "Score group": ["operator_cto_points"],
        "Wire techniques": ["technique"],
        "Septal channel": ["retrograde_channel"],
        "Strategy conversion": ["strategy_changed"],
        "IVUS": ["ivus_used"],
        "IABP": ["iabp_used"],
        "Pericardiocentesis": ["pericardiocentesis"],
        "Sudden cardiac death": ["sudden_cardiac_death"],
        "Stents": ["stents_count"],
        "Stent length": ["stent_length_mm"],
        "Fluoroscopy time": ["fluoroscopy_min"],
        "Contrast agent": ["contrast_ml"],
        "Technical success": ["technical_success"],
        "Operator group": ["operator_group"],
    },
    "leg protocol": {
        "Transluminal calcification": ["ct_calcium_max_ratio"],
        "Attenuation of the proximal occlusion": ["proximal_cap_attenuation_hu"],
        "Distribution": ["vessel"],
        "Length": ["ct_length_mm"],
        "Stenosis": ["ct_stenosis_percent"],
        "Technical success": ["technical_success", "crossed"],
        "Events at 12 months": ["event", "event_on", "death_cause"],
        "Biochemistry": ["crp_mg_l", "creatinine_umol_l", "haemoglobin_g_l"],
        "Scan": ["ct_tube_kv", "ct_tube_current_ma", "ct_slice_mm", "ct_contrast_ml", "ct_trigger_hu", "ct_delay_s"],
    },
    "trial": {
        "Arm": ["trial_arm"],
        "CT-RECTOR": ["ct_rector_points"],
        "Calcium score": ["calcium_agatston"],
        "Distal cap": ["ct_distal_cap_shape"],
        "Collaterals": ["ct_collaterals_seen"],
        "J-CTO >= 2": ["j_cto_at_least_2"],
        "Dose": ["air_kerma_mgy", "dose_area_gy_cm2"],
        "Cost": ["cost_eur"],
        "Duration": ["procedure_min"],
    },
}


@pytest.mark.parametrize("table", PAPER_ROWS)
def test_every_row_of_the_papers_has_its_variables(table):
    missing = {row: set(names) - NAMES for row, names in PAPER_ROWS[table].items()}
    assert {row: names for row, names in missing.items() if names} == {}


def test_a_variable_that_is_a_finding_agrees_with_the_vocabulary():
    known = vocabulary()
    linked = [variable for table in BOOK for variable in table.variables if variable.finding]
    assert len(linked) > 40
    for variable in linked:
        fact = known[variable.finding]
        assert variable.choices == fact.choices
        if fact.kind == "number":
            assert (variable.low, variable.high) == (fact.low, fact.high)


def test_every_variable_whose_name_is_a_finding_is_linked_to_it():
    same = [v for table in BOOK for v in table.variables if v.name in vocabulary() and v.finding != v.name]
    assert same == []


def test_names_that_are_not_keys_stand_in_one_table():
    keys = {table.key for table in BOOK}
    names = [name for table in BOOK for name in table.names if name not in keys]
    assert len(names) == len(set(names)) > 180
    assert not {derived.name for derived in derived_variables()} & set(names)


def loinc_digit(code):
    """The check digit that LOINC's users' guide defines: modulus 10, odd places from the right doubled."""
    digits = code.split("-")[0][::-1]
    total = sum(int(sign) for sign in str(int(digits[::2][::-1]) * 2)) + sum(map(int, digits[1::2]))
    return str(-total % 10)


def verhoeff_holds(code):
    """The check of SNOMED CT identifiers, by the tables of the dihedral group."""
    multiply = [[(i + j) % 5 if j < 5 else 5 + (i + j) % 5 for j in range(10)] for i in range(5)]
    multiply += [[5 + (i - j) % 5 if j < 5 else (i - j) % 5 for j in range(10)] for i in range(5, 10)]
    steps = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        steps.append([steps[1][digit] for digit in steps[-1]])
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = multiply[check][steps[place % 8][int(digit)]]
    return check == 0


def test_codes_have_the_right_check_digit():
    variables = [variable for table in BOOK for variable in table.variables]
    loinc = [v.loinc for v in variables if v.loinc] + [d.loinc for d in derived_variables() if d.loinc]
    snomed = [v.snomed for v in variables if v.snomed]
    assert len(loinc) > 15
    assert len(snomed) > 5
    assert [code for code in loinc if not re.fullmatch(r"\d{1,6}-\d", code) or loinc_digit(code) != code[-1]] == []
    assert [code for code in snomed if not verhoeff_holds(code)] == []


def test_the_checks_of_codes_see_a_wrong_digit():
    assert loinc_digit("2160-0") == "0"
    assert loinc_digit("2160-0") != "1"
    assert verhoeff_holds("73211009")
    assert not verhoeff_holds("73211008")


def test_outcomes_are_never_known_before_the_procedure():
    for name in ("technical_success", "procedural_success", "crossing_min", "event_on", "complication"):
        assert BOOK.variable(name).timing != "before"
    timing = {derived.name: derived_timing(derived) for derived in derived_variables()}
    assert timing["crossed_in_30_min"] == "during"
    assert timing["bmi_computed_kg_m2"] == "before"


def test_derived_variables_take_what_exists():
    for derived in derived_variables():
        assert all(name in NAMES for name in derived.inputs)
        assert derived.source


def test_plain_data_gives_the_same_dictionary():
    assert parse_dictionary(as_plain(BOOK)) == BOOK


@pytest.mark.parametrize("name", ['patient"; DROP TABLE audit; --', "Patient", "audit", ""])
def test_a_table_name_that_is_no_name_is_refused(name):
    plain = as_plain(BOOK)
    plain["tables"][0]["name"] = name
    with pytest.raises(CohortError, match="is no name for a table"):
        parse_dictionary(plain)


def test_a_study_adds_variables(tmp_path):
    file = tmp_path / "more.toml"
    file.write_text(
        '[[variables]]\ntable = "procedure"\nname = "balloon_count"\nkind = "whole"\nlow = 0\nhigh = 9\n'
        'label = "Balloons"\ntiming = "during"\n',
        encoding="utf-8",
    )
    more = extended(BOOK, file)
    assert more.variable("balloon_count").sources == ("study",)
    assert len(more.table("procedure").variables) == len(BOOK.table("procedure").variables) + 1


BAD = {
    'kind = "whole"\nname = "Big Name"': "name must be lower case",
    'kind = "whole"\nname = "version"': "belongs to the store",
    'kind = "float"\nname = "a_b"': "kind must be one of",
    'kind = "choice"\nname = "a_b"': "choices belong to",
    'kind = "number"\nname = "a_mm"': "needs a unit",
    'kind = "whole"\nname = "a_b"\nlow = 2\nhigh = 1': "low must not exceed high",
    'kind = "whole"\nname = "a_b"\nfoo = 1': "unknown entry 'foo'",
    'kind = "bool"\nname = "blunt"': "stands in angiogram as well",
    'kind = "bool"\nname = "a_b"\nfinding = "length_mm"': "the finding is a number",
    'kind = "bool"\nname = "a_b"\nfinding = "nothing"': "no finding is called",
    'kind = "bool"\nname = "a_name_that_is_longer_than_stata_takes"': "needs `short`",
    'kind = "choice"\nname = "a_b"\nchoices = ["x;y"]': "semicolon",
    'kind = "bool"\nname = "a_b"\nsources = ["nobody:1"]': "unknown source",
}


@pytest.mark.parametrize("entry", BAD)
def test_a_bad_variable_is_refused(tmp_path, entry):
    file = tmp_path / "bad.toml"
    file.write_text(f'[[variables]]\ntable = "procedure"\nlabel = "A"\ntiming = "during"\n{entry}\n', encoding="utf-8")
    with pytest.raises(CohortError, match=BAD[entry]):
        extended(BOOK, file)


def test_a_variable_of_no_table_is_refused(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text('[[variables]]\ntable = "nurse"\nname = "a_b"\n', encoding="utf-8")
    with pytest.raises(CohortError, match="a_b: table must be one of"):
        extended(BOOK, file)


def test_names_that_do_not_exist_are_told():
    with pytest.raises(CohortError, match="nothing: no such variable"):
        BOOK.variable("nothing")
    with pytest.raises(CohortError, match="nothing: no such table"):
        BOOK.table("nothing")
    with pytest.raises(CohortError, match="no such variable in the table ct"):
        BOOK.table("ct")["blunt"]
