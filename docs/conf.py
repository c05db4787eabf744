"""How the manual is built. It needs no network."""

import importlib
import os
import pkgutil
import sys
from pathlib import Path

import recanal

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("MPLBACKEND", "Agg")  # the examples of the gallery draw to files

project = "recanal"
author = "the recanal authors"
copyright = "2026, the recanal authors"
version = release = recanal.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "**/*.py", "gallery/*.ipynb", "gallery/*.zip"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "only_warn_on_example_error": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "matplotlib_animations": False,
}

html_theme = "furo"
html_title = f"recanal {release}"
html_copy_source = False
html_show_sphinx = False

ROOMS = [
    "errors",
    "core",
    "dicom",
    "phantoms",
    "imaging",
    "quality",
    "grids",
    "measure",
    "anatomy",
    "abdomen",
    "closures",
    "segmenters",
    "edits",
    "angiography",
    "calcium",
    "stenosis",
    "collaterals",
    "rules",
    "variables",
    "fitting",
    "scores",
    "strategy",
    "stats",
    "agreement",
    "survival",
    "simulation",
    "reproduction",
    "cohort",
    "audit",
    "protocol",
    "study",
    "interop",
    "report",
    "pipeline",
    "cli",
]


def page(name, *, room=None):
    """The reference page of one module; those of a room stay out of the navigation, which each page carries whole."""
    front, above = ("---\norphan: true\n---\n\n", f"Module of {{doc}}`{room}`.\n\n") if room else ("", "")
    return f"{front}# {name}\n\n{above}```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"


def room_page(name, modules):
    """The page of a room: what it answers, what it offers and from which module, and its modules."""
    room = importlib.import_module(name)
    offered = [(entry, getattr(room, entry)) for entry in sorted(getattr(room, "__all__", []), key=str.lower)]
    lines = [f"# {name}", "", "```{eval-rst}", f".. automodule:: {name}", "```", ""]
    for entry, thing in offered:
        home = getattr(thing, "__module__", None)
        lines.append(f"- {{py:obj}}`{entry} <{home}.{entry}>`" if home else f"- `{entry}`")
    lines += ["", "## Modules", "", *(f"- {{doc}}`{module}`" for module in modules), ""]
    return "\n".join(lines)


def modules_of(room):
    """Dotted names of the public modules of a room."""
    found = pkgutil.iter_modules([str(Path(recanal.__file__).parent / room)], f"recanal.{room}.")
    return sorted(module.name for module in found if not module.name.rpartition(".")[2].startswith("_"))


def write_reference(app):
    """One page per public module of every room, so that a new module needs no line here."""
    folder = HERE / "reference" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {}
    for room in ROOMS:
        modules = modules_of(room)
        pages[f"recanal.{room}"] = room_page(f"recanal.{room}", modules) if modules else page(f"recanal.{room}")
        pages |= {name: page(name, room=f"recanal.{room}") for name in modules}
    for stale in folder.glob("*.md"):
        if stale.stem not in pages:
            stale.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def write_sheets(app):
    """One page per score sheet, from the sheet."""
    importlib.import_module("sheet_pages").write_sheet_pages(HERE / "sheets")


def write_classes(app):
    """One page per classification, and the table of the findings, from the files that drive them."""
    importlib.import_module("class_pages").write_class_pages(HERE / "classes")


def setup(app):
    app.connect("builder-inited", write_classes)
    app.connect("builder-inited", write_sheets)
    app.connect("builder-inited", write_reference)
