"""Make a study whose truth is known, analyse it as a user would, and say where the report lies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

STUDY = Path("demo/study")
RESULT = Path("demo/result")


def run(*arguments: str) -> None:
    """Show and run one ``recanal`` command; leave with its status when it fails."""
    print("$ recanal", *arguments, flush=True)
    command = [sys.executable, "-c", "from recanal.cli import main; main(prog_name='recanal')", *arguments]
    status = subprocess.run(command, check=False).returncode
    if status == 3:
        print("The quality gate says not to trust this result; the reasons are in the report.")
    elif status:
        sys.exit(status)


def seed(truth: dict[str, Any], name: str) -> str:
    """One seed of the truth file, as the command line takes it."""
    return ",".join(f"{value:.3f}" for value in truth[name])


def main() -> None:
    """Run the demonstration."""
    run("phantom", "--out", str(STUDY), "--seed", "7")
    truth = json.loads((STUDY / "truth.json").read_text(encoding="utf-8"))
    proximal, distal = seed(truth, "proximal_seed_mm"), seed(truth, "distal_seed_mm")
    # "--proximal=X,Y,Z" and not "--proximal X,Y,Z": a coordinate may begin with a minus sign
    seeds = (f"--proximal={proximal}", f"--distal={distal}")
    run("analyze", str(STUDY), "--out", str(RESULT), *seeds, "--vessel", truth["vessel"])
    report = (RESULT / "report.html").resolve()
    if not report.is_file():
        sys.exit(f"The analysis ended without a report at {report}.")
    print(f"\nReport: {report}\n        open it in a browser; report.pdf and case.json lie beside it")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # the command that ran has said so
        sys.exit(130)
