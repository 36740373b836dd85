"""Why records changed sides: blame, causes of flips, and what training noise alone does."""
