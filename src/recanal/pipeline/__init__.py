"""From a series to a report."""

from recanal.pipeline.analyze import AnalyzeRequest, analyze_study, analyze_volume
from recanal.pipeline.seeded import SeededResult, measure_seeded

__all__ = ["AnalyzeRequest", "SeededResult", "analyze_study", "analyze_volume", "measure_seeded"]
