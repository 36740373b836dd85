"""Labels from outside the records: files of `supervision/` read row by row, checked, and reduced to what counts."""
