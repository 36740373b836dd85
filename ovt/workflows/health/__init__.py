"""What `ovt doctor` looks at, by theme: the environment, the repository, storage, what killed processes left."""
