"""What a revision's inputs and results are."""
