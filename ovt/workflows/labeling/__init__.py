"""Work on labels: sheets, corrections, disagreements, rules, what a function changes."""
