"""Tables of a study as LaTeX."""

from __future__ import annotations

from recanal.core.study import StudyReport, StudyRow, StudyTable

__all__ = ["latex_text", "study_latex", "study_table_latex"]

_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    **{sign: rf"$\{name}$" for sign, name in (("χ", "chi"), ("κ", "kappa"), ("α", "alpha"), ("β", "beta"))},
    **{sign: rf"\textsuperscript{{{digit}}}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "[": "{[}",  # after a line break a bracket or a star would be taken as its argument
    "*": "{*}",
    "°": r"\textdegree{}",
    "∞": r"$\infty$",
    "µ": r"\textmu{}",
    "\u00a0": "~",
    "…": r"\ldots{}",
}


def latex_text(text: str) -> str:
    r"""A text with the signs escaped that LaTeX would take as commands.

    Examples
    --------
    >>> latex_text("50% & χ² <0.001")
    '50\\% \\& $\\chi$\\textsuperscript{2} \\textless{}0.001'
    """
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def study_table_latex(table: StudyTable) -> str:
    """A table as a ``longtable`` with booktabs rules; it needs the packages booktabs, longtable and textcomp."""
    columns = "l" + "r" * (len(table.head) - 1)
    head = " & ".join(_headed(text) for text in table.head)
    lines = [
        rf"\begin{{longtable}}{{{columns}}}",
        rf"\caption{{{latex_text(table.title)}}}\label{{tab:{table.id.replace('_', '-')}}}\\",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endlastfoot",
    ]
    lines += [_row(row) for row in table.rows]
    lines.append(r"\end{longtable}")
    lines += [rf"\noindent{{\footnotesize {latex_text(note)}\par}}" for note in table.notes]
    return "\n".join(lines) + "\n"


def study_latex(report: StudyReport) -> str:
    """All tables, the paragraphs on methods and the figures as one document, for pdfLaTeX, XeLaTeX or LuaLaTeX."""
    parts = [
        rf"\title{{{latex_text(report.title)}}}\date{{}}\maketitle",
        r"\section*{Statistical methods}",
        *(latex_text(paragraph) + "\n" for paragraph in report.methods),
    ]
    for section in report.sections:
        parts.append(rf"\section*{{{latex_text(section.title)}}}")
        parts += [latex_text(text) + "\n" for text in section.sentences]
        parts += [f"Caution: {latex_text(text)}\n" for text in section.warnings]
        parts += [rf"\input{{tables/{table.id}.tex}}" for table in section.tables]
        parts += [_figure(figure.id, latex_text(figure.title)) for figure in section.figures]
    tables = [study_table_latex(table) for section in report.sections for table in section.tables]
    odd = sorted({sign for part in (*parts, *tables) for sign in part if not sign.isascii()})
    head = [
        r"\documentclass[10pt]{article}",
        r"\usepackage{iftex}\ifPDFTeX\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",
        *(_boxed(f"{ord(sign):04X}", sign) for sign in odd),
        r"\else\usepackage{fontspec}\fi",
        r"\usepackage[a4paper,landscape,margin=20mm]{geometry}\usepackage{booktabs,longtable,textcomp,graphicx}",
        r"\begin{document}",
    ]
    return "\n".join([*head, *parts, r"\end{document}"]) + "\n"


def _figure(name: str, title: str) -> str:
    picture = rf"\includegraphics[width=0.8\linewidth,height=0.8\textheight,keepaspectratio]{{figures/{name}.pdf}}"
    return rf"\begin{{figure}}[htbp]\centering{picture}\caption{{{title}}}\end{{figure}}"


def _boxed(code: str, sign: str) -> str:
    """A letter without a glyph in pdfLaTeX becomes its number in a box; the other engines take it from a font."""
    boxed = rf"\DeclareUnicodeCharacter{{{code}}}{{\fbox{{\tiny {code}}}}}"
    return rf"\ifcsname u8:\detokenize{{{sign}}}\endcsname\else{boxed}\fi"


def _headed(text: str) -> str:
    """A heading, with the number of cases on a line of its own."""
    name, sign, size = text.partition(" (n = ")
    if not sign:
        return latex_text(text)
    return rf"\shortstack[r]{{{latex_text(name)}\\{latex_text('(n = ' + size)}}}"


def _row(row: StudyRow) -> str:
    texts = [latex_text(cell.text) for cell in row.cells]
    if row.kind == "level":
        texts[0] = rf"\quad {texts[0]}"
    return " & ".join(texts) + r" \\"
