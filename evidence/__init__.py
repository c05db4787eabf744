"""Accuracy on phantoms of known truth: ``python -m evidence`` writes ``docs/evidence/``."""
