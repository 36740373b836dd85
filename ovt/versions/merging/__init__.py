"""Three-way merges of what ovt knows better than line by line: locks, reports, records, labels, folders."""
