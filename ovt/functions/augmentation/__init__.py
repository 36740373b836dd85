"""Functions that make records: transformation functions, generators and templates, found, run and cached."""
