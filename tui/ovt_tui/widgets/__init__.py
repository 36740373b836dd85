"""What screens are made of: the table, the filter line, the interval, the panel that says what to type."""
