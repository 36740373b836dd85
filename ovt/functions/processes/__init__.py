"""The workers that functions run in: forked, confined, watched."""
