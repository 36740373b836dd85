"""Training that nobody waits for: the queue, its worker, what starts it, how long it will take."""
