"""What keeps a repository's data and models whole: which objects are needed, whether they are right, what may go."""
