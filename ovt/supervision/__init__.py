"""Many sources in, trustworthy probabilities out."""
