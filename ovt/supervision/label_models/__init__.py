"""Label models: each file is one way to combine votes."""
