"""How weights are found: targets, losses, batches, optimizer, the loop, what dev says of an epoch."""
