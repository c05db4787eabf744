"""From a series to a report."""
