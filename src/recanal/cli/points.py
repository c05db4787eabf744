"""Three numbers on the command line."""

from __future__ import annotations

import re

from recanal.errors import OptionError

__all__ = ["parse_three", "three_text"]

Three = tuple[float, float, float]
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_FARTHEST_MM = 1e5


def parse_three(text: str, *, option: str, example: str = "-12.5,30.1,88") -> Three:
    """The numbers of ``"X,Y,Z"``, a true minus sign allowed; the example is for who wrote something else.

    Raises
    ------
    OptionError
        When the text is not three finite numbers separated by commas, or one is beyond 100 m.

    Examples
    --------
    >>> parse_three("-1,2.5,3e1", option="--proximal")
    (-1.0, 2.5, 30.0)
    >>> parse_three("−1,0,0", option="--proximal")
    (-1.0, 0.0, 0.0)
    """
    parts = text.replace("−", "-").split(",")
    numbers = [float(part) for part in parts if _NUMBER.fullmatch(part)]
    if len(numbers) != 3 or len(parts) != 3:
        raise OptionError(
            f"{option} takes three finite numbers separated by commas, got {text[:80]!a}.",
            hint=f"Write for example {option}={example}; the decimal sign is a point.",
        )
    if max(abs(number) for number in numbers) > _FARTHEST_MM:
        raise OptionError(
            f"{option} lies beyond 100 m, got {text[:80]!a}.", hint=f"Give millimetres, such as {option}={example}."
        )
    return numbers[0], numbers[1], numbers[2]


def three_text(numbers: Three) -> str:
    """Three numbers as :func:`parse_three` reads them, to a micrometre.

    >>> three_text((-1, 2.5, 1 / 3))
    '-1.000,2.500,0.333'
    """
    return ",".join(f"{number:.3f}" for number in numbers)
