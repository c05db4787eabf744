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
from recanal.report import render_figures, render_html, render_pdf, report_model, sections
from recanal.report.blocks import PLACES, Section, bullets, fold, heading, pictures, steps, table, text

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


NOT_WORDS = ("colour", "numbers", "name", "id", "kind", "vessel", "no_lesion", "tone", "pictures")
NOT_BOTH = ("unknown", "checks", "checks_short", "endpoint", "rate", "short_rate", "none", "short", "research_use")
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


def test_every_word_of_the_model_is_on_the_page_and_in_the_pdf(case: CaseReport, html: str, pdf: bytes) -> None:
    page = squeezed("".join(read_page(html).text))
    paper = squeezed("".join(pdf_pages(pdf)))
    strings = [text for text in said(report_model(case)) if text]
    assert len(strings) > 150
    assert [text for text in strings if squeezed(text) not in page] == []
    assert [text for text in strings if squeezed(text) not in paper] == []


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


def test_a_changed_number_changes_both(case: CaseReport, figures: dict[str, bytes]) -> None:
    other = dataclasses.replace(case, lesions=(dataclasses.replace(case.lesions[0], chord_mm=16.57),))
    assert "16.6 mm" in render_html(other, figures)
    assert "16.6 mm" in "".join(pdf_pages(render_pdf(other, figures)))
    assert "17.4 mm" not in render_html(other, figures)


def test_few_pages_each_for_research_use(pdf: bytes) -> None:
    pages = pdf_pages(pdf)
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert page.count("Research use only") == 2
        assert f"Page {number} of 3" in page
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
    assert len(paper) <= 3
    assert squeezed(shown) in squeezed(paper[0])
    assert "root:" not in "".join(paper)


def test_characters_that_no_font_has_do_not_stop_the_pdf(case: CaseReport) -> None:
    other = dataclasses.replace(case, lesions=(), input=dataclasses.replace(case.input, description="冠動脈 CT བོད"))
    assert "CT" in pdf_pages(render_pdf(other, {}))[0]
    assert "冠動脈" in render_html(other, {})


def test_no_lesion_two_lesions_and_an_open_vessel(case: CaseReport, views: Views) -> None:
    first = case.lesions[0]
    second = dataclasses.replace(first, id="L2", vessel="LAD")
    none = Lesion("L1", "none", "LCX", narrowest_diameter_mm=1.44, profile=first.profile)
    for lesions, pages, words in (
        ((), 3, "No lesion was analysed"),
        ((first, second), 4, "L2: LAD, SCCT segments 1, 2"),
        ((none,), 3, "No occlusion found between the two points"),
        ((first, second, dataclasses.replace(second, id="L3")), 6, "L3: LAD"),
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
    assert len(paper) <= 4
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
