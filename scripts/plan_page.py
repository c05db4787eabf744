"""Write the rules of the crossing algorithms into docs/plan.md, below the heading "Every rule"."""

from pathlib import Path

from recanal.strategy import algorithm_ids, load_algorithm
from recanal.strategy.page import rules_page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "plan.md"
HEADING = "## Every rule\n\n"


def main() -> None:
    """Renew the part of the page that the files decide."""
    head = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    rules = rules_page(load_algorithm(name) for name in algorithm_ids())
    PAGE.write_text(head + HEADING + rules.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
