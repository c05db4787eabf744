"""The codebook says everything that the dictionary says."""

from html.parser import HTMLParser

from recanal.variables import codebook_frame, codebook_html, codebook_markdown, derived_variables, load_dictionary

BOOK = load_dictionary()


def test_every_variable_is_in_it():
    frame = codebook_frame(BOOK)
    assert frame.height == sum(len(table.variables) for table in BOOK) + len(derived_variables())
    row = frame.filter(frame["name"] == "vessel").row(0, named=True)
    assert row["choices"].startswith("1 = LM; 2 = LAD; 3 = LCX; 4 = RCA")
    assert "finding vessel" in row["codes"]
    assert "xing_2022, Table 2" in row["source"]
    length = frame.filter(frame["name"] == "ct_length_mm").row(0, named=True)
    assert (length["unit"], length["range"], length["timing"]) == ("mm", "0 to 600", "before")


def test_markdown_has_a_section_per_table():
    text = codebook_markdown(BOOK)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")][:2] == ["Operator", "Patient"]
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| ")}
    assert len(widths) == 1


class Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.names = [], set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed():
    page = Balance()
    page.feed(codebook_html(BOOK))
    assert page.open == []
    assert {"table", "thead", "h2", "li"} <= page.names
