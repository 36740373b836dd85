"""From one model to the next: weights by name, tasks held still, several processes as one, what may be watched."""
