"""The user's code: labeling, slicing and transformation functions, found, keyed, cached and isolated."""
