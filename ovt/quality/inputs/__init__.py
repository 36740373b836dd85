"""What changed in the data between two versions, and what is wrong with it."""
