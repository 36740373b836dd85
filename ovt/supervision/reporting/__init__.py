"""What is told of sources: reports, lists, intervals, lineage, explanations."""
