"""Which words of a series description may be shown."""

import pytest

from recanal.dicom.wording import known_words


@pytest.mark.parametrize(
    "text",
    [
        "CorCTA 0.6 Bv40 BestDiast 75 %",
        "CTA ASiR-V 40% BestDiast 78 %",
        "DS_CorCTA 0.75 I26f 3 BestSyst 38 %",
        "CaScSeq 3.0 B35f",
        "CALCIUM SCORING",
        "w/o contrast",
        "Retro 30-80%, 300 ms",
        "FC05 AIDR 3D Best",
        "Thin 0.625mm 100kV VMI 70 keV",
        "Topogram 1.0 T20s",
    ],
)
def test_what_speaks_of_the_scan_stays(text):
    assert known_words(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MEYER, HANS", ""),
        ("19600312", ""),
        ("60-03-12", ""),
        ("Li 70 %", "… 70 %"),
        ("Cor Smith 12.03.1960 75% nr 4711", "Cor … 75% …"),
        ("Herz Dr. Mueller 0,6 mm 70%", "Herz … 0,6 mm 70%"),
        ("Thin AB12", "Thin …"),
        ("CTA 3.5.60", "CTA …"),
        ("CorMeyer 75 %", "… 75 %"),
        ("Кардио Иванов", ""),
    ],
)
def test_names_dates_and_numbers_go(text, shown):
    assert known_words(text) == shown
