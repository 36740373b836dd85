"""Git, DVC and the file system, each behind one module."""
