"""`--blame` and the causes of flips: take a change back, retrain, compare."""
