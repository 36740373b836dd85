"""Hyperparameters: the tuning spec, what is fixed, what fits the data, the search."""
