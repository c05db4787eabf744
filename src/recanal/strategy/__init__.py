"""What would the published crossing algorithms do, and why?

An algorithm is a TOML file: rules over the findings vocabulary, what each says to do, where it was read and how far.
Adding one adds no Python. The plan is information about publications, not an instruction.
"""

from recanal.strategy.advising import advise, advise_all, territory_of
from recanal.strategy.algorithm import Algorithm, PlanRule
from recanal.strategy.catalogue import algorithm_ids, load_algorithm
from recanal.strategy.not_shipped import OmittedAlgorithm, omitted_algorithms
from recanal.strategy.parsing import parse_algorithm

__all__ = [
    "Algorithm",
    "OmittedAlgorithm",
    "PlanRule",
    "advise",
    "advise_all",
    "algorithm_ids",
    "load_algorithm",
    "omitted_algorithms",
    "parse_algorithm",
    "territory_of",
]
