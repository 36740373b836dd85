"""A new project: folders, templates, a schema proposed."""
