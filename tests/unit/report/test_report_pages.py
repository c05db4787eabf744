"""The page and the PDF: same words, nothing fetched, nothing run, the right number of pages."""

from __future__ import annotations

import dataclasses
import io
import re
from html.parser import HTMLParser
from typing import Any

import pypdf
import pytest

from recanal.core.case import CaseReport, Lesion
from recanal.core.curves import Contours
from recanal.core.reformat import Reformat
from recanal.errors import InputError
from recanal.report import sections
from recanal.report.blocks import PLACES, Section, bullets, fold, heading, pictures, steps, table, text
from recanal.report.figures import render_figures
from recanal.report.model import report_model
from recanal.report.page import render_html
from recanal.report.pdf import render_pdf
from recanal.report.printed import printed_figures, printed_model

Views = tuple[Reformat, ...]


class Words(HTMLParser):
    """The words of a page, and every address in it."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden = tag == "style"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data)


def read_page(html: str) -> Words:
    page = Words()
    page.feed(html)
    return page


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def pdf_pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


NOT_WORDS = ("colour", "numbers", "name", "id", "kind", "vessel", "no_lesion", "tone", "pictures", "key", "printed")
NOT_BOTH = ("unknown", "unknown_names", "checks", "endpoint", "rate", "short_rate", "none", "short", "research_use")
"""What one of the two folds or leaves out, or says within a longer line."""


def said(value: Any) -> list[str]:
    """Every string of the model that a reader of the page and of the PDF must find."""
    if isinstance(value, dict):
        if value.get("kind") == "fold":
            return []
        skip = (*NOT_WORDS, *NOT_BOTH)
        return [text for key, item in value.items() if key not in skip for text in said(item)]
    if isinstance(value, list):
        return [text for item in value for text in said(item)]
    return [value] if isinstance(value, str) else []


@pytest.fixture(scope="module")
def figures(case: CaseReport, views: Views) -> dict[str, bytes]:
    return render_figures(case, {"L1": views})


@pytest.fixture(scope="module")
def html(case: CaseReport, figures: dict[str, bytes]) -> str:
    return render_html(case, figures)


@pytest.fixture(scope="module")
def pdf(case: CaseReport, figures: dict[str, bytes]) -> bytes:
    return render_pdf(case, figures)


def test_every_word_of_the_models_is_on_the_page_and_in_the_pdf(case: CaseReport, html: str, pdf: bytes) -> None:
    page = squeezed("".join(read_page(html).text))
    paper = squeezed("".join(pdf_pages(pdf)))
    for model, shown, fewest in ((report_model(case), page, 150), (printed_model(report_model(case)), paper, 130)):
        strings = [text for text in said(model) if text]
        assert len(strings) > fewest
        assert [text for text in strings if squeezed(text) not in shown] == []


def test_every_number_is_the_same_in_file_page_and_pdf(case: CaseReport, html: str, pdf: bytes) -> None:
    def numbers(text: str) -> set[str]:
        return set(re.findall(r"−?\d+(?:\.\d+)?", squeezed(text).replace("–", " ")))

    model = report_model(case)
    page, paper = numbers("".join(read_page(html).text)), numbers("".join(pdf_pages(pdf)))
    shown = set(model["numbers"].values()) - {"−30", "−5"}  # said as RAO and CAU
    assert len(shown) > 40
    assert shown <= page
    assert shown <= paper
    invented = {number for number in paper - page if "." in number}
    assert invented == set()


def test_the_pages_hold_what_belongs_to_each(pdf: bytes) -> None:
    """Page 1: what was read, the verdict, the measurements; page 2: planes, views, scores, plan, origin."""
    first, second = (squeezed(page) for page in pdf_pages(pdf))
    order = ("SeriesUID:", "Usable", "WhatCTcouldnotanswer", "1Proximalcap", "6Collaterals")
    assert [first.index(words) for words in order] == sorted(first.index(words) for words in order)
    order = ("L1:Planes", "L1:Cross-sections", "Viewsacross", "Publishedscores", "Whatpublishedcrossing")
    order += ("Landingzone", "Provenance", "Inreport.html")
    assert [second.index(words) for words in order] == sorted(second.index(words) for words in order)
    for words in ("Composition of the occlusion", "Dense calcium", "Along the vessel: straightened CPR"):
        assert squeezed(words) in first
    for words in ("Choiceofseries", "Needed and not known", "Findings that the scores", "JACC", "CT:bluntstump:1"):
        assert squeezed(words) not in first + second


def test_no_word_of_the_pdf_is_smaller_than_seven_points(case: CaseReport, figures: dict[str, bytes]) -> None:
    flags = tuple(f"Flag {k}: a rather long sentence about what was wrong here and what it means" for k in range(12))
    crowded = dataclasses.replace(
        case, scores=case.scores * 3, quality=dataclasses.replace(case.quality, usable=False, flags=flags)
    )
    for shown in (case, crowded):
        sizes: list[float] = []

        def visit(words: str, user: list[float], line: list[float], font: Any, size: float) -> None:
            if words.strip():
                sizes.append(size * abs(line[3]) * abs(user[3]))  # noqa: B023

        for page in pypdf.PdfReader(io.BytesIO(render_pdf(shown, figures))).pages:
            page.extract_text(visitor_text=visit)
        assert len(sizes) > 100
        assert min(sizes) >= 6.99


def test_a_printed_table_of_rates_holds_one_endpoint(case: CaseReport) -> None:
    scores = printed_model(report_model(case))["scores"]
    rated = {
        table["endpoint"]: [(row["name"], row["points"], row["rate"], row["trust"]) for row in table["rows"]]
        for table in scores["tables"]
    }
    assert rated == {
        "guidewire crossing ≤30 min": [
            ("CT-RECTOR", "2", "44.3 % (31/70) (derivation, Opolski 2015 [2])", "not verified"),
            ("KCCT", "4", "42 %", "read in part"),
        ],
        "technical success": [("RECHARGE", "3", "77.2 %", "read in the source")],
    }
    assert all(row["endpoint"] == table["endpoint"] for table in scores["tables"] for row in table["rows"])
    lists = {row["title"]: [(r["name"], r["words"]) for r in row["rows"]] for row in scores["lists"]}
    assert lists["No item known"] == [("PROGRESS MACE", "")]
    assert [name for name, _ in lists["Without one published rate"]] == [
        "J-CTO (CT)",
        "PROGRESS-CTO*",
        "EuroCTO CASTLE*",
    ]
    assert lists["Without one published rate"][1][1].endswith("0 to 3 points, technical success")
    assert scores["warnings"] == [
        "RECHARGE: In-stent state not assessed: the case may lie outside the derivation population."
    ]


@pytest.mark.parametrize(
    ("printed", "short"),
    [
        (
            "31.0 % (13/42, 95 % interval 19.1 to 46.0 %) success (external, Xing 2022, Table S2 (CTA-JCTO), "
            "10.21037/qims-21-1050; read in the source)",
            r"31\.0 % \(13/42, 19\.1–46\.0 %\) \(external, Xing 2022 \[\d\]\)",
        ),
        (
            "42.5 % success (derivation, Khanna 2018, 10.4244/AIJ-D-17-00025; not verified)",
            r"42\.5 % \(derivation, Khanna 2018 \[\d\]; not verified\)",
        ),
        ("65.2 % success (derivation, Jin, abstract in a supplement; read in part)", r"65\.2 % \(derivation, Jin\)"),
    ],
)
def test_a_printed_rate_keeps_numbers_cohort_author_and_doubt(case: CaseReport, printed: str, short: str) -> None:
    score = dataclasses.replace(case.scores[2], endpoint="success", printed_rate_text=printed)
    (table,) = printed_model(report_model(dataclasses.replace(case, scores=(score,))))["scores"]["tables"]
    (row,) = table["rows"]
    assert re.fullmatch(short, row["rate"])


def test_each_number_in_brackets_in_the_pdf_has_its_author(case: CaseReport, pdf: bytes) -> None:
    sources = printed_model(report_model(case))["sources"].split("; ")
    numbers = set(re.findall(r"\[\d+\]", "".join(pdf_pages(pdf))))
    assert {row.split()[0] for row in sources} == numbers
    assert "Opolski 2015" in "".join(sources)
    dois = {row["number"]: row["doi"] for row in report_model(case)["references"]}
    opolski = next(row.split()[0] for row in sources if "Opolski 2015" in row)
    assert dois[opolski] == case.scores[1].doi


def test_the_pdf_shows_four_cross_sections_at_most(figures: dict[str, bytes]) -> None:
    cuts = [name for name in figures if "cross_section" in name]
    assert len(cuts) == 6
    kept = printed_figures(figures)
    assert set(figures) - set(kept) == {
        "figures/L1_cross_section_proximal_reference.png",
        "figures/L1_cross_section_distal_reference.png",
    }
    five = {name: png for name, png in figures.items() if not name.endswith("most_calcified.png")}
    assert set(five) - set(printed_figures(five)) == {"figures/L1_cross_section_proximal_reference.png"}


def test_facts_that_are_not_from_ct_are_printed_with_their_source(case: CaseReport) -> None:
    printed = printed_model(report_model(case))
    assert printed["entered"] == (
        "Angiogram, confirmed by reader 1: Rentrop grade 2. Entered: Prior MI yes; LVEF 52 %."
    )


def test_the_hash_of_the_parameters_is_that_of_the_file(case: CaseReport, html: str, pdf: bytes) -> None:
    """``printf '{"wall_step_mm":0.5}' | sha256sum``."""
    digits = "a6dd18949dd4f4788f2910e53fd99412be681c23d64277bb0710f9bbf109677c"
    assert digits in html
    assert digits[:12] in "".join(pdf_pages(pdf))
    assert case.provenance.input_sha256[:12] in "".join(pdf_pages(pdf))


def test_the_landing_zone_is_said_on_both(case: CaseReport, html: str, pdf: bytes) -> None:
    words = "Reference diameter 3.1 mm proximal, 2.4 mm distal; vessel beyond opacified; mean 2.1 mm; diseased: no"
    assert words in html
    assert squeezed(words) in squeezed(pdf_pages(pdf)[1])


def test_a_changed_number_changes_both(case: CaseReport, figures: dict[str, bytes]) -> None:
    other = dataclasses.replace(case, lesions=(dataclasses.replace(case.lesions[0], chord_mm=16.57),))
    assert "16.6 mm" in render_html(other, figures)
    assert "16.6 mm" in "".join(pdf_pages(render_pdf(other, figures)))
    assert "17.4 mm" not in render_html(other, figures)


def test_two_pages_each_for_research_use(pdf: bytes) -> None:
    pages = pdf_pages(pdf)
    assert len(pages) == 2
    for number, page in enumerate(pages, start=1):
        assert page.count("Research use only") == 2
        assert f"Page {number} of 2" in page
    size = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].mediabox
    assert (float(size.width) / 72 * 25.4, float(size.height) / 72 * 25.4) == pytest.approx((210, 297), abs=0.1)


def test_page_says_research_use_only_at_both_ends(html: str) -> None:
    assert html.count("Research use only") == 2
    assert html.index("Research use only") < html.index("<main>")
    assert html.rindex("Research use only") > html.index("</main>")


def test_the_pdf_is_tagged_archivable_and_repeatable(case: CaseReport, figures: dict[str, bytes], pdf: bytes) -> None:
    document = pypdf.PdfReader(io.BytesIO(pdf))
    metadata = document.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "pdfaid:part" in metadata
    assert "pdfuaid:part" in metadata
    assert document.metadata is not None
    assert document.metadata.title == "Coronary occlusion report: RCA"
    assert render_pdf(case, figures) == pdf


def test_the_page_fetches_and_runs_nothing(html: str) -> None:
    page = read_page(html)
    assert "script" not in page.tags
    assert set(page.tags).isdisjoint({"link", "iframe", "object", "embed", "base", "form", "a", "video"})
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert re.search(r"(https?:)?//|url\(|@import", re.sub(r"data:image/png;base64,[\w+/=]+", "", html)) is None
    assert not re.search(r"\son\w+=", re.sub(r"base64,[\w+/=]+", "", html))
    assert "default-src 'none'" in html


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '#eval(read("/etc/passwd")) $x$ *bold* [@cite] ${7*7} {{ 7*7 }}',
    "a\x00b\x1b[31m\u202eevil\ud800",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_a_header_are_shown_and_never_run(case: CaseReport, html: str, text: str) -> None:
    other = dataclasses.replace(
        case,
        input=dataclasses.replace(case.input, description=text, manufacturer=text, why_chosen=(text,)),
        lesions=(dataclasses.replace(case.lesions[0], vessel=text, flags=(text,)),),
    )
    page = render_html(other, {})
    assert read_page(page).tags.count("script") == 0
    assert "img" not in read_page(page).tags
    page.encode("utf-8")
    shown = report_model(other)["header"][0]["value"]
    assert shown in "".join(read_page(page).text)
    paper = pdf_pages(render_pdf(other, {}))
    assert len(paper) == 2
    assert squeezed(shown) in squeezed(paper[0])
    assert "root:" not in "".join(paper)


def test_a_section_about_other_vessels_is_printed_where_there_is_no_lesion(case: CaseReport) -> None:
    def graded(case: CaseReport, say: object, sources: object) -> Section:
        return Section("views", "Other arteries", (table(("Artery", "Worst"), (("LAD", "39 percent"),)),))

    paper = pdf_pages(render_pdf(dataclasses.replace(case, lesions=(), scores=()), {}, (graded,)))
    assert "39 percent" in paper[0]


def test_characters_that_no_font_has_do_not_stop_the_pdf(case: CaseReport) -> None:
    other = dataclasses.replace(case, lesions=(), input=dataclasses.replace(case.input, description="冠動脈 CT བོད"))
    assert "CT" in pdf_pages(render_pdf(other, {}))[0]
    assert "冠動脈" in render_html(other, {})


def test_no_lesion_two_lesions_and_an_open_vessel(case: CaseReport, views: Views) -> None:
    first = case.lesions[0]
    second = dataclasses.replace(first, id="L2", vessel="LAD")
    none = Lesion("L1", "none", "LCX", narrowest_diameter_mm=1.44, profile=first.profile)
    for lesions, pages, words in (
        ((), 2, "No lesion was analysed"),
        ((first, second), 4, "L2: LAD, SCCT segments 1, 2"),
        ((none,), 2, "No occlusion found between the two points"),
        ((first, second, dataclasses.replace(second, id="L3")), 5, "L3: LAD"),
    ):
        other = dataclasses.replace(case, lesions=lesions)
        figures = render_figures(other, {lesion.id: views for lesion in lesions})
        paper = pdf_pages(render_pdf(other, figures))
        assert len(paper) <= pages
        assert all("Research use only" in text for text in paper)
        assert squeezed(words) in squeezed("".join(paper))
        page = render_html(other, figures)
        assert "None" not in "".join(read_page(page).text + paper)
        assert squeezed(words) in squeezed("".join(read_page(page).text))


def test_the_first_page_says_what_matters_first(case: CaseReport, figures: dict[str, bytes]) -> None:
    flags = tuple(f"flag {k}: a rather long sentence about what was wrong here and what it means" for k in range(12))
    drawn = dataclasses.replace(
        case,
        input=dataclasses.replace(case.input, manufacturer="recanal phantom"),
        quality=dataclasses.replace(case.quality, usable=False, flags=flags),
    )
    first = squeezed(pdf_pages(render_pdf(drawn, figures))[0])
    order = ["Syntheticdata:aphantom", "Donottrustthisanalysis", "Flag11:", "Outerwallbridgedover38%", "L1:RCA"]
    places = [first.index(words) for words in order]
    assert places == sorted(places)
    assert "WhatCTcouldnotanswer" in first
    page = "".join(read_page(render_html(drawn, figures)).text)
    places = [squeezed(page).index(words) for words in (*order, "Publishedscores", "Provenance")]
    assert places == sorted(places)


def test_the_sections_stand_in_the_order_of_the_page(html: str) -> None:
    page = squeezed("".join(read_page(html).text))
    titles = ("Cross-sections,seen", "Viewsacross", "Publishedscores", "Whatpublishedcrossing", "Findingsthatthescores")
    places = [page.index(words) for words in (*titles, "Choiceofseries", "Provenance", "References")]
    assert places == sorted(places)


def test_scores_of_which_nothing_is_known_are_folded_and_named_in_the_pdf(html: str, pdf: bytes) -> None:
    title = "Scores of which no item is known: PROGRESS MACE"
    folded = re.search(f"<details><summary>{title}</summary>(.*?)</details>", html, re.DOTALL)
    assert folded is not None
    assert "in-hospital MACE" in folded[1]
    paper = "".join(pdf_pages(pdf))
    assert "PROGRESS MACE" in paper
    assert "in-hospital MACE" not in paper
    assert "the publication was not read" in html
    assert "the publication was not read" not in paper


BLOCKS = (
    text("A plain paragraph."),
    text("A warning.", warn=True),
    heading("A heading"),
    bullets(["first point", "second point"]),
    steps([("Do this", "because of that [1]")]),
    table(("Head one", "Head two"), [("cell one", "cell two")], shares=(1, 3)),
    pictures([("figures/L1_mpr.png", "A known picture"), ("figures/none.png", "A picture that was not made")]),
    fold("A fold with all", [text("Said in both.")]),
    fold("A fold with less", [text("Said on the page alone.")], short="Said in the PDF alone."),
)


@pytest.mark.parametrize("place", PLACES)
def test_every_block_of_a_section_is_set_on_page_and_in_pdf(
    case: CaseReport, figures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    made = Section(place, "A section of blocks", BLOCKS)
    monkeypatch.setattr(sections, "_MAKERS", (lambda case, say, sources: made, lambda case, say, sources: None))
    page = "".join(read_page(render_html(case, figures)).text)
    paper = "".join(pdf_pages(render_pdf(case, figures)))
    for words in (*said([{"blocks": list(BLOCKS)}]), "A section of blocks", "Said in both.", "A known picture"):
        assert squeezed(words) in squeezed(page), words
        assert squeezed(words) in squeezed(paper), words
    assert "not made" not in page + paper
    assert ("Said on the page alone." in page, "Said on the page alone." in paper) == (True, False)
    assert ("Said in the PDF alone." in page, "Said in the PDF alone." in paper) == (False, True)


def test_a_section_may_print_less_than_it_shows(case: CaseReport, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Section("plan", "A long section", (heading("On the page alone"),), (heading("On paper alone"),))
    monkeypatch.setattr(sections, "_MAKERS", (lambda case, say, sources: made,))
    page, paper = "".join(read_page(render_html(case, {})).text), "".join(pdf_pages(render_pdf(case, {})))
    assert ("On the page alone" in page, "On the page alone" in paper) == (True, False)
    assert ("On paper alone" in page, "On paper alone" in paper) == (False, True)


def test_a_picture_that_no_place_knows_is_not_shown(case: CaseReport, figures: dict[str, bytes]) -> None:
    odd = {**figures, "figures/L1_strange.png": figures["figures/L1_mpr.png"]}
    assert render_html(case, odd) == render_html(case, figures)


def test_much_text_still_fits_on_few_pages(case: CaseReport, figures: dict[str, bytes]) -> None:
    flags = tuple(f"Flag {k}: a rather long sentence about what was wrong here and what it means" for k in range(8))
    other = dataclasses.replace(
        case,
        scores=case.scores * 2,
        strategy=case.strategy * 3,
        quality=dataclasses.replace(case.quality, flags=flags),
    )
    paper = pdf_pages(render_pdf(other, figures))
    assert len(paper) <= 3
    assert "Flag 7" in paper[0]


def test_a_case_without_strategy_or_scores_leaves_the_sections_out(case: CaseReport) -> None:
    other = dataclasses.replace(case, scores=(), strategy=())
    for shown in (render_html(other, {}), "".join(pdf_pages(render_pdf(other, {})))):
        assert "Published scores" not in shown
        assert "crossing algorithms" not in shown
        assert "What CT could not answer" in shown


def test_a_figure_must_be_a_png(case: CaseReport) -> None:
    for render in (render_html, render_pdf):
        with pytest.raises(InputError, match=r"figures/L1_mpr\.png is not a PNG"):
            render(case, {"figures/L1_mpr.png": b"GIF89a"})


def test_an_unusable_scan_is_called_so(case: CaseReport, contours: Contours) -> None:
    other = dataclasses.replace(case, quality=dataclasses.replace(case.quality, usable=False))
    assert "Do not trust this analysis" in render_html(other, {})
    assert "Do not trust this analysis" in pdf_pages(render_pdf(other, {}))[0]
