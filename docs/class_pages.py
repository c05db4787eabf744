"""One page for each classification and the table of all findings, written from their files when the manual is built."""

from sheet_pages import doi_text, listed, plain, sheet_page, table, trust_box

from recanal.core.findings import vocabulary
from recanal.scores import (
    ClassSheet,
    class_sheet_ids,
    load_class_sheet,
    load_sheet,
    sheet_ids,
    tally_ids,
)
from recanal.scores.classes import AgreeRule, CriteriaRule
from recanal.scores.sheet import conditions_of

READ_ON = {"angiogram": "the angiogram", "ct": "CT", "any": "CT or the angiogram, or no image"}


def write_class_pages(folder):
    """Write the pages into a folder, and delete those of sheets that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {f"{sheet_id}.md": class_page(load_class_sheet(sheet_id)) for sheet_id in class_sheet_ids()}
    pages |= {f"{sheet_id}.md": sheet_page(load_sheet(sheet_id)) for sheet_id in tally_ids()}
    pages["findings.md"] = findings_page()
    for stale in folder.glob("*.md"):
        if stale.name not in pages:
            stale.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def class_page(sheet):
    """The page of one classification, in MyST."""
    parts = [
        f"# {plain(sheet.name)}",
        f"`{sheet.id}`. {plain(sheet.citation)}, {doi_text(sheet.doi)}.",
        trust_box(sheet),
        table(
            ("", ""),
            [
                ("Classifies", plain(sheet.endpoint)),
                ("For", ", ".join(sheet.vessels) or {"leg": "leg arteries"}.get(sheet.territory, sheet.territory)),
                ("Read on", READ_ON[sheet.modality]),
                ("Written as", f"`{sheet.text}`"),
            ],
        ),
    ]
    for axis in sheet.axes:
        parts += axis_parts(sheet, axis)
    parts += derived_parts(sheet)
    parts += listed("Warnings", [f"{plain(row.warning)} Source: {plain(row.source)}." for row in sheet.limits])
    parts += listed("Caveats", [plain(text) for text in sheet.caveats])
    parts += listed("Read at", [f"<{address}>" for address in sheet.sources])
    return "\n\n".join(parts) + "\n"


def axis_parts(sheet, axis):
    """The classes of an axis, and how it is judged."""
    parts = [f"## {plain(axis.title[0].upper() + axis.title[1:])}"]
    parts.append(f"`{axis.name}`. Source: {plain(axis.source)} ({axis.trust}).")
    if axis.shown or not any(other.shown and other.classes == axis.classes for other in sheet.axes):
        rows = [(plain(row.name), plain(row.meaning)) for row in axis.classes]
        parts.append(table(("class", "published definition"), rows))
    if isinstance(axis.rule, CriteriaRule):
        rows = [(plain(" or ".join(row.gives)), plain(row.says)) for row in axis.rule.criteria]
        parts.append("The first of these that holds gives the class:")
        parts.append(table(("gives", "criterion"), rows))
        word = "Else" if axis.rule.void is None else "Void, and no criterion asked"
        return [*parts, f"{word}: {plain(axis.rule.otherwise)}"]
    if isinstance(axis.rule, AgreeRule):
        names = ", ".join(f"`{name}`" for name in axis.rule.of)
        return [*parts, f"The class on which {names} agree, as far as they are known; open where they disagree."]
    return [*parts, *lookup_parts(sheet, axis.rule)]


def lookup_parts(sheet, rule):
    """The table of a look-up, one for each class of the first axis where it has three."""
    sources = [sheet.axis(name) for name in rule.of]
    if len(sources) == 2:
        return [f"Looked up from {plain(sources[0].title)} and {plain(sources[1].title)}:", grid(sources, rule.cells)]
    parts = []
    for row, cells in zip(sources[0].classes, rule.cells, strict=True):
        parts += [f"{plain(sources[0].title)} {plain(row.name)}:", grid(sources[1:], cells)]
    return parts


def grid(sources, cells):
    """Two axes as a table."""
    rows, columns = sources
    head = (f"{plain(rows.title)} \\\\ {plain(columns.title)}", *(plain(row.name) for row in columns.classes))
    body = [(plain(row.name), *map(plain, line)) for row, line in zip(rows.classes, cells, strict=True)]
    return table(head, body)


def derived_parts(sheet):
    """Which findings follow from others."""
    return listed(
        "What follows from other findings",
        [
            f"`{row.finding}`, where it is not given: " + " / ".join(f"`{name}`" for name in row.of)
            for row in sheet.derived
        ],
    )


def findings_page():
    """Every finding with its type, range, meaning and the sheets that read it."""
    readers = {}
    for sheet in [*map(load_class_sheet, class_sheet_ids()), *map(load_sheet, [*sheet_ids(), *tally_ids()])]:
        for name in reads(sheet):
            readers.setdefault(name, []).append(sheet)
    rows = []
    for kind in vocabulary().values():
        links = ", ".join(link(sheet) for sheet in readers.get(kind.name, []))
        meaning = plain(f"{kind.note[0].upper()}{kind.note[1:]}." if kind.note else "")
        rows.append((f"`{kind.name}`", type_text(kind), f"{meaning} Read by {links}." if links else meaning))
    head = (
        "# Findings\n\nThe facts that scores, classifications and plans read. The unit is in the name; lengths are in "
        "millimetres. Absent or null means not known. `recanal findings` lists them too.\n\n"
    )
    return head + table(("finding", "values", "meaning"), rows) + "\n"


def reads(sheet):
    """Names of the findings that a sheet reads."""
    if isinstance(sheet, ClassSheet):
        return sheet.findings
    rules = [rule for item in sheet.items for rule in (item.rule, *(rule for _, rule in item.variants))]
    return tuple(dict.fromkeys(test.finding for rule in rules for test in conditions_of(rule)))


def link(sheet):
    """A link to the page of a sheet."""
    folder = "" if sheet.id in (*class_sheet_ids(), *tally_ids()) else "../sheets/"
    return f"[{plain(sheet.name)}]({folder}{sheet.id}.md)"


def type_text(kind):
    """Type and range of a finding."""
    if kind.kind == "choice":
        return ", ".join(f"`{word}`" for word in kind.choices)
    if kind.kind == "bool":
        return "true, false"
    return f"{'whole number' if kind.whole else 'number'}, {kind.low:g} to {kind.high:g}"
