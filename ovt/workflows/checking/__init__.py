"""`ovt check` and what surrounds it: policy, examples, budgets, posting, CI."""
