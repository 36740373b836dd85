"""Labels that people fill in: what is put before them, and how their answers are read."""
