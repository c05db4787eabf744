"""One page for each score sheet, written from the sheet itself when the manual is built."""

import re

from recanal.scores import Sheet, load_sheet, sheet_ids, wilson_interval

PREDICTS = {
    "success": "A higher total means a harder lesion. The endpoint counts a success.",
    "failure": "A higher total means a harder lesion. The endpoint counts a failure.",
    "complication": "A higher total means more complications. The endpoint counts a complication.",
    "description": "The total describes and predicts nothing by itself.",
}
MODALITY = {"angiogram": "the angiogram", "ct": "CT", "any": "CT or the angiogram"}


def write_sheet_pages(folder):
    """Write the pages of all point sheets into a folder, and delete those of sheets that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = [sheet for sheet in map(load_sheet, sheet_ids()) if isinstance(sheet, Sheet)]
    pages = {f"{sheet.id}.md": sheet_page(sheet) for sheet in sheets}
    for stale in folder.glob("*.md"):
        if stale.name not in pages:
            stale.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def sheet_page(sheet):
    """The page of one sheet, in MyST."""
    parts = [
        f"# {plain(sheet.name)}",
        f"`{sheet.id}`. {plain(sheet.citation)}, {doi_text(sheet.doi)}.",
        trust_box(sheet),
        table(
            ("", ""),
            [
                ("Endpoint", f"{plain(sheet.endpoint)}. {PREDICTS[sheet.predicts]}"),
                ("Points", "{:g} to {:g}".format(*sheet.points_range)),
                ("Read on", MODALITY[sheet.modality]),
                ("Derivation", plain(sheet.derivation)),
            ],
        ),
        "## Items",
        items_table(sheet),
        *variant_parts(sheet),
        "## Strata",
        strata_text(sheet),
        "## Printed rates",
        *rate_parts(sheet),
        *listed("c-statistics", c_statistics(sheet)),
        *listed("Warnings", [f"{plain(row.warning)} Source: {plain(row.source)}." for row in sheet.limits]),
        *listed("Caveats", [plain(text) for text in sheet.caveats]),
        *listed("Read at", [f"<{address}>" for address in sheet.sources]),
    ]
    return "\n\n".join(parts) + "\n"


def trust_box(sheet):
    note = plain(sheet.trust_note[0].upper() + sheet.trust_note[1:])
    return f":::{{admonition}} Trust: {sheet.trust}\n:class: {trust_class(sheet.trust)}\n{note}\n:::"


def items_table(sheet):
    rows = []
    for item in sheet.items:
        for variant, rule in [("", item.rule), *item.variants]:
            name = f"`{item.name}`" + (f" ({variant})" if variant else "")
            points = "/".join(f"{level.points:g}" for level in rule.levels)
            rows.append((name, points, plain(rule.definition), plain(rule.source), rule.trust))
    return table(("item", "points", "definition", "source", "trust"), rows)


def variant_parts(sheet):
    if not sheet.variants:
        return []
    rows = [
        (f"`{row.name}`" + (" (default)" if row.name == sheet.default_variant else ""), plain(row.note))
        for row in sheet.variants
    ]
    return ["## Variants", table(("variant", "what it means"), rows)]


def strata_text(sheet):
    if not sheet.strata:
        return "None were published, or none could be read."
    return table(("stratum", "points"), [(plain(row.name), plain(row.text)) for row in sheet.strata])


def rate_parts(sheet):
    """One table for each set of rates, so that no column holds two endpoints."""
    if not sheet.rates:
        return ["Unknown: no rate per total was printed, or none could be read."]
    parts = []
    for rates in sheet.rates:
        shown = " Shown with a result." if rates.primary else ""
        parts.append(
            f"**{plain(rates.endpoint)}**: {plain(rates.cohort)}, {plain(rates.source)} ({rates.trust}).{shown}"
        )
        rows = [rate_row(stratum.name, rates.of(stratum.name)) for stratum in sheet.strata]
        parts.append(table(("stratum", f"{plain(rates.endpoint)}", "n/N", "95 % Wilson interval"), rows))
        if rates.note:
            parts.append(plain(rates.note))
    return parts


def rate_row(stratum, rate):
    if rate is None:
        return plain(stratum), "unknown", "", ""
    share = f"{100 * rate.rate:.1f} %"
    if rate.events is None or rate.total is None:
        return plain(stratum), share, "not printed", ""
    low, high = wilson_interval(rate.events, rate.total)
    return plain(stratum), share, f"{rate.events}/{rate.total}", f"{100 * low:.1f} to {100 * high:.1f} %"


def c_statistics(sheet):
    return [
        f"{plain(row.value)}: {plain(row.endpoint)} ({plain(row.cohort)}, {plain(row.source)}; {row.trust})"
        for row in sheet.c_statistics
    ]


def listed(title, entries):
    return [f"## {title}", "\n".join(f"- {entry}" for entry in entries)] if entries else []


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def doi_text(doi):
    return f"[doi:{doi}](https://doi.org/{doi})" if doi else "DOI not known"


def trust_class(trust):
    return {"read in the source": "tip", "read in part": "note"}.get(trust, "warning")


def plain(text):
    """A text in which no character is taken for markup."""
    return re.sub(r"([\\`*_<>\[\]|$#])", r"\\\1", text)
