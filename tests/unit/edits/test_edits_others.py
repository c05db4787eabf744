"""What corrections change in what is said of the other arteries."""

from recanal.pipeline.changes import changed_others

BEFORE = {
    "stenosis": [
        {"vessel": "LAD", "origin_diameter_mm": 3.2, "category": "2", "stenoses": [{"diameter_mm": 2.1}]},
        {"vessel": "side branch", "origin_diameter_mm": 1.8, "category": "1", "stenoses": []},
        {"vessel": "side branch", "origin_diameter_mm": 1.5, "category": "1", "stenoses": []},
    ],
    "collaterals": [{"lesion": "L1", "connections": [{"length_mm": 40.0, "points_mm": [[0, 0, 0]]}]}],
}
AFTER = {
    "stenosis": [
        {"vessel": "LAD", "origin_diameter_mm": 3.2, "category": "3", "stenoses": [{"diameter_mm": 1.4}]},
        {"vessel": "side branch", "origin_diameter_mm": 1.8, "category": "1", "stenoses": []},
        {"vessel": "side branch", "origin_diameter_mm": 1.6, "category": "1", "stenoses": []},
    ],
    "collaterals": [{"lesion": "L1", "connections": [{"length_mm": 44.0, "points_mm": [[1, 0, 0]]}]}],
}


def test_every_number_that_changed_is_listed_with_its_artery() -> None:
    rows = {row.path: row for row in changed_others(BEFORE, AFTER)}
    assert set(rows) == {
        "stenosis.0.category",
        "stenosis.0.stenoses.0.diameter_mm",
        "stenosis.2.origin_diameter_mm",
        "collaterals.0.connections.0.length_mm",
    }
    assert (rows["stenosis.0.category"].before, rows["stenosis.0.category"].after) == ("2", "3")
    assert rows["stenosis.2.origin_diameter_mm"].label.startswith("side branch 2: ")
    assert rows["collaterals.0.connections.0.length_mm"].difference == 4.0


def test_an_artery_that_is_gone_is_listed_and_nothing_else_is() -> None:
    rows = changed_others(BEFORE, {**BEFORE, "stenosis": BEFORE["stenosis"][:2]})
    assert {row.label for row in rows} == {"side branch 2 (gone)"}
    assert all(row.after is None for row in rows)
    assert changed_others(BEFORE, BEFORE) == ()
