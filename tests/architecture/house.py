"""What the rules of the house look at: source files, functions, and the files of the repository."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "recanal"
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file())
MODULES = sorted(PACKAGE.rglob("*.py"))
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

MAX_FUNCTION_LINES = 40
MAX_MODULE_LINES = 500
MAX_ROOM_LINES = {"core": 2000}
MAX_ROOM_LINES_ELSEWHERE = 4000

UNITS = {
    *("mm", "mm2", "mm3", "mg", "ml", "ml2", "min", "s", "ms", "months", "years", "hz", "kv", "kvp", "ma", "mas"),
    *("hu", "deg", "rad", "percent", "ratio", "prob", "vox", "px", "bytes", "mb", "utc"),
}
NUMBER = re.compile(r"(float|Interval|tuple\[float(, (float|\.\.\.))*\])( \| None)?")
DIMENSIONLESS = {
    *("agatston", "beta", "confidence", "contrast", "cost", "count", "factor", "fraction", "gain"),
    *("correlation", "index", "level", "noise"),
    *("cosine", "points", "power", "probability", "probabilities", "quantile", "rank", "rate", "ratio", "score"),
    *("rays", "samples", "seed", "share", "slope", "threshold", "volume", "weight", "weights", "grade", "z"),
    *("value", "low", "high", "matrix", "normal", "normals", "binormal", "binormals", "tangent", "tangents", "axis"),
    *("mix", "narrowing", "orientation", "possible", "remodelling", "scale", "u", "v"),
    *("auc", "df", "error", "likelihood", "statistic"),
    *("sigmas", "side", "shape", "size", "row", "column", "rows", "columns", "direction", "directions"),
}


def module_name(path: Path) -> str:
    """Dotted name of a source file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def is_public(path: Path) -> bool:
    return not any(part.startswith("_") for part in module_name(path).split("."))


def has_code(tree: ast.Module) -> bool:
    """Whether a module holds more than a docstring."""
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    return bool(body)


def functions(tree: ast.AST) -> Iterator[FunctionNode]:
    return (node for node in ast.walk(tree) if isinstance(node, FunctionNode))


def code_lines(text: str) -> set[int]:
    """Numbers of the lines that hold code: neither blank nor only a comment."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def docstring_lines(node: FunctionNode) -> set[int]:
    if ast.get_docstring(node) is None:
        return set()
    first = node.body[0]
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))


def function_lengths(text: str) -> dict[str, int]:
    """Lines of code of each function, from ``def`` on, docstrings and comments not counted."""
    lines = code_lines(text)
    lengths = {}
    for node in functions(ast.parse(text)):
        inside = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        hidden = set().union(*(docstring_lines(inner) for inner in functions(node)))
        lengths[f"{node.name}:{node.lineno}"] = len((inside & lines) - hidden)
    return lengths


def public_definitions(tree: ast.Module) -> set[str]:
    """Functions and classes at the top of a module whose name does not begin with an underscore."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


def exported(tree: ast.Module) -> list[str] | None:
    """What ``__all__`` lists, or None where a module has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def undocumented(tree: ast.Module) -> list[str]:
    """Public functions, classes and methods without a docstring."""
    missing = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            missing += [node.name] if ast.get_docstring(node) is None else []
            missing += [
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, FunctionNode) and not inner.name.startswith("_")
                if ast.get_docstring(inner) is None
            ]
        elif isinstance(node, FunctionNode) and not node.name.startswith("_") and ast.get_docstring(node) is None:
            missing.append(node.name)
    return missing


def _quantities(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    public = [node for node in tree.body if not getattr(node, "name", "_").startswith("_")]
    for node in public:
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(mark) for mark in node.decorator_list):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield field.target.id, field.annotation
        scope = [node] if isinstance(node, FunctionNode) else getattr(node, "body", [])
        for function in scope:
            if isinstance(function, FunctionNode) and not function.name.startswith("_"):
                arguments = function.args
                for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                    yield argument.arg, argument.annotation


def without_unit(tree: ast.Module) -> list[str]:
    """Names of public fields and parameters that hold a float and say neither a unit nor that they have none."""
    bad = []
    for name, annotation in _quantities(tree):
        kind = "" if annotation is None else ast.unparse(annotation)
        if not NUMBER.fullmatch(kind):
            continue
        words = name.lower().split("_")
        if words[-1] not in UNITS and not DIMENSIONLESS & set(words):
            bad.append(name)
    return bad


def repository_files() -> list[Path]:
    """Files that are, or would be, in the repository; outside a checkout, the files of its folders."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if found.returncode == 0 and found.stdout:
        paths = [ROOT / name for name in found.stdout.decode().split("\0") if name]
    else:
        folders = [ROOT / name for name in ("src", "tests", "docs", "scripts", "requirements", "changes")]
        paths = [path for folder in folders for path in folder.rglob("*")]
    return [path for path in paths if path.is_file()]


def words_of(path: Path) -> str:
    """Text of a file, or an empty string for a binary one."""
    data = path.read_bytes()
    return "" if b"\0" in data[:4096] else data.decode("utf-8", errors="replace")
