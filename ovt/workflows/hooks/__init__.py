"""Git hooks: put in place beside whoever was there, what each of them does, and the judge of a bare repository."""
