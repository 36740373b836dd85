"""Before training: the search, the model that it starts from, the processes that do it together."""
