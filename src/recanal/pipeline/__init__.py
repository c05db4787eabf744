"""From a series to a report."""

from recanal.pipeline.analyze import AnalyzeRequest, analyze_automatic, analyze_study, analyze_volume
from recanal.pipeline.automatic import AutomaticResult, measure_automatic
from recanal.pipeline.seeded import SeededResult, measure_seeded

__all__ = [
    "AnalyzeRequest",
    "AutomaticResult",
    "SeededResult",
    "analyze_automatic",
    "analyze_study",
    "analyze_volume",
    "measure_automatic",
    "measure_seeded",
]
