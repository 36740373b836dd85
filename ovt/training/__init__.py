"""From schema and tuning spec to a trained torch model."""
