"""Objects on their way: copied, retried, complete or refused, and what may be said of where they go."""
